/** What a command's operand means: a file, or a network that ships. */

import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestSchema, parseManifest } from "../segmenter/manifest.ts";
import { at, Refusal } from "../node/failure.ts";
import { readJson, statOf } from "../node/files.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

/** Those of `models/`, a float one beside its int8 one as its ending. */
const names = async (): Promise<string> => {
  const entries = await readdir(models, { withFileTypes: true });
  const folders = new Set(entries.filter((e) => e.isDirectory()).map((e) => e.name));
  const shipped = [...folders].filter((name) => folders.has(`${name}-float`)).toSorted();
  return shipped.map((name) => `${name}[-float]`).join(", ");
};

/**
 * The path itself; where nothing is there, and it is the name of a network in `models/`, that network's file. A variant's is the
 * one whose weights it uses.
 *
 * @throws Refusal for a manifest that is not valid, and for a name that is none of theirs, telling these.
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
