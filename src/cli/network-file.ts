/** What a command's operand means: a file, or a network that ships. */

import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestSchema, parseManifest } from "../segmenter/manifest.ts";
import { at } from "./failure.ts";
import { readJson, statOf } from "./files.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

/**
 * The path itself; where nothing is there, and it is the name of a network in `models/`, that network's file. A variant's is the
 * one whose weights it uses.
 *
 * @throws Refusal for a manifest that is not valid.
 */
export const networkFile = async (operand: string): Promise<string> => {
  if (!manifestSchema.shape.name.safeParse(operand).success || (await statOf(operand))) return operand;
  const path = join(models, operand, "manifest.json");
  if (!(await statOf(path))) return operand;
  const value = await readJson(path);
  const { network = operand, file } = await at(path, () => parseManifest(value));
  return relative(".", join(models, network, file));
};
