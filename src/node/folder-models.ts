/** Networks in a folder, as `faultline import` stores them: NAME/manifest.json describes the ONNX file next to it. */

import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { at, Refusal } from "./failure.ts";
import { readJson, statOf } from "./files.ts";
import type { KnownOutlines } from "../networks/outlines.ts";
import type { ModelStore } from "../networks/registry.ts";
import { ownerOf, parseManifest, type Manifest } from "../segmenter/manifest.ts";
import { GRAPHS_FILE } from "../segmenter/stored-graphs.ts";

/** The manifest of every folder in `root` that has one, in the order of the folders' names. */
const manifestFiles = async (root: string): Promise<string[]> => {
  const entries = await readdir(root, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isFile() ? [] : [entry.name])).toSorted();
  const paths = names.map((name) => join(root, name, "manifest.json"));
  const found = await Promise.all(paths.map(statOf));
  return paths.filter((_, i) => found[i] !== null);
};

/**
 * The networks of a folder. A variant shares the file of its network.
 *
 * @throws Refusal that names the invalid manifest, or where there is none; Node's error where the folder cannot be read.
 */
export const folderModels = async (root: string): Promise<ModelStore> => {
  const places = new Map<Manifest, string>();
  for (const path of await manifestFiles(root)) {
    const value = await readJson(path);
    const manifest = await at(path, () => parseManifest(value));
    const other = [...places].find(([{ name }]) => name === manifest.name);
    if (other) throw new Refusal(`${path}: name: is "${manifest.name}", as in ${other[1]}`);
    places.set(manifest, path);
  }
  if (places.size === 0)
    throw new Refusal(`${root}: holds no network; expected NAME/manifest.json and the file that it names`);
  const manifests = [...places.keys()];
  for (const [manifest, path] of places) await at(path, () => ownerOf(manifest, manifests));
  const outlines = join(root, "outlines.json");
  return {
    manifests,
    outlines: (await statOf(outlines)) ? ((await readJson(outlines)) as KnownOutlines) : {},
    read: (manifest) => readFile(join(dirname(places.get(manifest)!), manifest.file)),
    graphs: async (manifest) => {
      const file = join(dirname(places.get(manifest)!), GRAPHS_FILE);
      return (await statOf(file)) ? new Uint8Array(await readFile(file)) : null;
    },
  };
};

/** The model of requests that name none. @throws Refusal where the requested default does not exist. */
export const defaultModel = ({ manifests }: ModelStore, requested: string | undefined): string => {
  const names = manifests.map(({ name }) => name);
  if (requested === undefined) return names.includes("enet-street") ? "enet-street" : names[0]!;
  if (names.includes(requested)) return requested;
  throw new Refusal(`--default-model: there is no "${requested}", only ${names.join(", ")}`);
};
