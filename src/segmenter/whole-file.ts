/** An uploaded network whose weights lie in files of their own, as one file. */

import { OnnxError } from "../onnx/graph.ts";
import { staysInside, type External } from "../onnx/external-data.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";

/** A file of weights, by its path in the folder of the model or the last part of that path. */
interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const baseOf = (path: string): string => path.split(/[/\\]/u).at(-1)!;

const listed = (files: readonly NamedFile[]): string => files.map(({ name }) => `"${name.slice(0, 100)}"`).join(", ");

const checkNames = (files: readonly NamedFile[]): void => {
  for (const { name } of files) {
    if (!staysInside(name))
      throw new OnnxError(`its name is "${name.slice(0, 100)}", which is no path in the folder of the model`, "data");
    if (files.filter((other) => other.name === name).length > 1)
      throw new OnnxError(`there are two files "${name.slice(0, 100)}"`, "data");
  }
};

/**
 * The network with its weights inside. A file is found by the path that the model gives, or by the last part of that path, which is all that
 * most clients send of a name.
 *
 * @throws OnnxError for a name that leaves the model's folder, a file that is missing, and a file that nothing refers to.
 */
export const wholeFile = <B extends Uint8Array>(model: B, files: readonly NamedFile[]): B | Uint8Array<ArrayBuffer> => {
  if (files.length === 0) return model;
  checkNames(files);
  const locations = new Map<NamedFile, string>();
  const external: External = (location) => {
    const file = files.find(({ name }) => name === location) ?? files.find(({ name }) => name === baseOf(location));
    if (!file)
      throw new OnnxError(
        `its weights are in "${location.slice(0, 100)}"; the files given are ${listed(files)}`,
        "data",
      );
    const other = locations.get(file);
    if (other !== undefined && other !== location)
      throw new OnnxError(
        `"${file.name}" could be "${other.slice(0, 100)}" or "${location.slice(0, 100)}"; send whole paths as names`,
        "data",
      );
    locations.set(file, location);
    return file.bytes;
  };
  const whole = readModel(model, { external });
  const unused = files.filter((file) => !locations.has(file));
  if (unused.length > 0) throw new OnnxError(`no weights of the model are in ${listed(unused)}`, "data");
  return writeModel(whole);
};
