/** The operand of a command: a file, or the name of a network that ships. */

import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { networksFolder } from "../node/networks-folder.ts";
import { manifestSchema, parseManifest } from "../segmenter/manifest.ts";
import { at, Refusal } from "../node/failure.ts";
import { readJson, statOf } from "../node/files.ts";

/** The names of the networks in a folder, a float one beside its int8 one as its ending. */
export const namesIn = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = new Set(entries.filter((e) => e.isDirectory()).map((e) => e.name));
  const shipped = [...folders].filter((name) => folders.has(`${name}-float`)).toSorted();
  return shipped.map((name) => `${name}[-float]`).join(", ");
};

/**
 * The path itself; where nothing is there, and it is the name of a network that ships, that network's file. A variant's is the
 * one whose weights it uses.
 *
 * @throws Refusal for a manifest that is not valid, and for a name that is none of theirs, which says where networks were
 * looked for and which there are.
 */
export const networkFile = async (operand: string): Promise<string> => {
  if (!manifestSchema.shape.name.safeParse(operand).success || (await statOf(operand))) return operand;
  const { folder, places } = await networksFolder();
  const path = folder === null ? null : join(folder, operand, "manifest.json");
  if (folder === null || path === null || !(await statOf(path))) {
    if (operand.includes(".")) return operand;
    if (folder === null)
      throw new Refusal(`${operand}: no such file, and the networks that ship are in none of: ${places}`);
    throw new Refusal(`${operand}: no such file, nor a network in ${folder}, which has: ${await namesIn(folder)}`);
  }
  const value = await readJson(path);
  const { network = operand, file } = await at(path, () => parseManifest(value));
  return relative(".", join(folder, network, file));
};
