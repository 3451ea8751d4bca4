/** The name of a network, from that of its file. */

/** A name for requests, from that of the file. */
export const nameFor = (file: string): string => {
  const name = file
    .replace(/\.onnx$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 64);
  return name === "" ? "network" : name;
};
