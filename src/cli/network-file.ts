/** The operand of a command: a file, or the name of a network that ships. */

import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestSchema, parseManifest } from "../segmenter/manifest.ts";
import { at, Refusal } from "../node/failure.ts";
import { readJson, statOf } from "../node/files.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

/** The names of the networks in `models/`; a float network is given as a suffix of its int8 one. */
const names = async (): Promise<string> => {
  const entries = await readdir(models, { withFileTypes: true });
  const folders = new Set(entries.filter((e) => e.isDirectory()).map((e) => e.name));
  const shipped = [...folders].filter((name) => folders.has(`${name}-float`)).toSorted();
  return shipped.map((name) => `${name}[-float]`).join(", ");
};

/**
 * The path itself; where nothing exists there and it is the name of a network in `models/`, the file of that network. A variant has
 * the file of the network whose weights it uses.
 *
 * @throws Refusal for an invalid manifest, and for an unknown name, with the list of known ones.
 */
export const networkFile = async (operand: string): Promise<string> => {
  if (!manifestSchema.shape.name.safeParse(operand).success || (await statOf(operand))) return operand;
  const path = join(models, operand, "manifest.json");
  if (!(await statOf(path))) {
    if (operand.includes(".")) return operand;
    throw new Refusal(`${operand}: no such file, nor a network that ships: ${await names()}`);
  }
  const value = await readJson(path);
  const { network = operand, file } = await at(path, () => parseManifest(value));
  return relative(".", join(models, network, file));
};
