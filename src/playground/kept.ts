/** The visitor's networks, kept in the browser's Origin Private File System: NAME/manifest.json and NAME/model.onnx. */

import type { Manifest } from "../segmenter/manifest.ts";
import type { NetworkEntry } from "./messages.ts";

const FOLDER = "networks";
const [MANIFEST, MODEL] = ["manifest.json", "model.onnx"] as const;

const folder = async (): Promise<FileSystemDirectoryHandle> => {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
};

/** An entry of the list of networks, with addresses that are valid while the page is open. */
export const entryOf = (manifest: Manifest, model: Blob): NetworkEntry => ({
  name: manifest.name,
  architecture: manifest.architecture ?? "Your network",
  dataset: manifest.dataset ?? `${manifest.classes.length} classes`,
  bytes: model.size,
  manifest: URL.createObjectURL(new Blob([JSON.stringify(manifest)], { type: "application/json" })),
  file: URL.createObjectURL(model),
  own: true,
});

/** Frees the addresses of an entry. */
export const release = ({ manifest, file, own = false }: NetworkEntry): void => {
  if (own) for (const url of [manifest, file]) URL.revokeObjectURL(url);
};

const readOne = async (handle: FileSystemDirectoryHandle): Promise<NetworkEntry | null> => {
  try {
    const file = async (name: string) => (await handle.getFileHandle(name)).getFile();
    const manifest = JSON.parse(await (await file(MANIFEST)).text()) as Manifest;
    return entryOf(manifest, await file(MODEL));
  } catch {
    return null; // incomplete, because the page was closed while it was written, or of another version
  }
};

/** The networks that are kept; none where the browser keeps nothing. */
export const keptNetworks = async (): Promise<readonly NetworkEntry[]> => {
  try {
    const found: NetworkEntry[] = [];
    for await (const handle of (await folder()).values()) {
      const entry = handle.kind === "directory" ? await readOne(handle) : null;
      if (entry) found.push(entry);
    }
    return found.toSorted((a, b) => a.name.localeCompare(b.name));
  } catch {
    return [];
  }
};

const write = async (into: FileSystemDirectoryHandle, name: string, content: Blob | string): Promise<void> => {
  const handle = await into.getFileHandle(name, { create: true });
  const stream = await handle.createWritable();
  await stream.write(content);
  await stream.close();
};

/** Keeps a network; the manifest is written last, so that an incomplete one is never read. @throws where the browser refuses. */
export const keep = async (manifest: Manifest, model: Blob): Promise<void> => {
  const own = await (await folder()).getDirectoryHandle(manifest.name, { create: true });
  await own.removeEntry(MANIFEST).catch(() => undefined);
  await write(own, MODEL, model);
  await write(own, MANIFEST, JSON.stringify(manifest));
};

/** Removes a network, if it is kept. */
export const forget = async (name: string): Promise<void> => {
  await (await folder()).removeEntry(name, { recursive: true }).catch(() => undefined);
};
