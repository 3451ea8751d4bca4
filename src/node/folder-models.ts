/** Networks in a folder, as `faultline import` stores them: NAME/manifest.json tells of the file beside it. */

import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { at, Refusal } from "./failure.ts";
import { readJson, statOf } from "./files.ts";
import type { KnownOutlines } from "../networks/outlines.ts";
import type { ModelStore } from "../networks/registry.ts";
import { ownerOf, parseManifest, type Manifest } from "../segmenter/manifest.ts";

/** Of every folder in `root` that has one, in the order of their names. */
const manifestFiles = async (root: string): Promise<string[]> => {
  const entries = await readdir(root, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isFile() ? [] : [entry.name])).toSorted();
  const paths = names.map((name) => join(root, name, "manifest.json"));
  const found = await Promise.all(paths.map(statOf));
  return paths.filter((_, i) => found[i] !== null);
};

/** A variant's file is the one of its network. @throws Refusal that names the manifest at fault, or where there is none; Node's error for a folder that cannot be read. */
export const folderModels = async (root: string): Promise<ModelStore> => {
  const places = new Map<Manifest, string>();
  for (const path of await manifestFiles(root)) {
    const value = await readJson(path);
    const manifest = await at(path, () => parseManifest(value));
    const other = [...places].find(([{ name }]) => name === manifest.name);
    if (other) throw new Refusal(`${path}: name: is "${manifest.name}", as in ${other[1]}`);
    places.set(manifest, path);
  }
  if (places.size === 0) throw new Refusal(`${root}: holds no network; NAME/manifest.json and its file are wanted`);
  const manifests = [...places.keys()];
  for (const [manifest, path] of places) await at(path, () => ownerOf(manifest, manifests));
  const outlines = join(root, "outlines.json");
  return {
    manifests,
    outlines: (await statOf(outlines)) ? ((await readJson(outlines)) as KnownOutlines) : {},
    read: (manifest) => readFile(join(dirname(places.get(manifest)!), manifest.file)),
  };
};

/** The model of requests that name none. @throws Refusal where the one that is wanted is not there. */
export const defaultModel = ({ manifests }: ModelStore, wanted: string | undefined): string => {
  const names = manifests.map(({ name }) => name);
  if (wanted === undefined) return names.includes("enet-street") ? "enet-street" : names[0]!;
  if (names.includes(wanted)) return wanted;
  throw new Refusal(`--default-model: there is no "${wanted}", only ${names.join(", ")}`);
};
