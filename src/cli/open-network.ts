/** A network with its manifest: a file with `--manifest`, a folder, or the name of a network that ships. */

import { basename, dirname, join } from "node:path";
import { at, Refusal } from "../node/failure.ts";
import { readJson, statOf } from "../node/files.ts";
import { readNetwork } from "../node/read-network.ts";
import { openLocated, type Located } from "../node/located.ts";
import { networksFolder } from "../node/networks-folder.ts";
import { parseManifest, manifestSchema } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { completeManifest } from "./complete-manifest.ts";
import { namesIn } from "./network-file.ts";

/** FOLDER/manifest.json with its network's file. A variant names the network whose file it shares, which lies in the folder beside its own. */
const inFolder = async (folder: string): Promise<Located> => {
  const path = join(folder, "manifest.json");
  if (!(await statOf(path)))
    throw new Refusal(`${folder}: holds no manifest.json; name the network's file, with --manifest`);
  const value = await readJson(path);
  const manifest = await at(path, () => parseManifest(value));
  const { network, file } = manifest;
  return { manifest, path: network === undefined ? join(folder, file) : join(dirname(folder), network, file) };
};

/** The folder of a network that ships, or null. */
const shippedFolder = async (name: string): Promise<string | null> => {
  if (!manifestSchema.shape.name.safeParse(name).success) return null;
  const { folder } = await networksFolder();
  const found = folder === null ? null : join(folder, name);
  return found !== null && (await statOf(join(found, "manifest.json"))) ? found : null;
};

/** Where `faultline init` writes the manifest of a file: NET.json beside NET.onnx. */
export const manifestBeside = (file: string): string => `${file.replace(/\.onnx$/i, "")}.json`;

/** The manifest beside a file that names it: NET.json, or manifest.json; or null. */
const describing = async (file: string): Promise<string | null> => {
  for (const path of [manifestBeside(file), join(dirname(file), "manifest.json")])
    if ((await statOf(path))?.isFile() && (await readJson(path))["file"] === basename(file)) return path;
  return null;
};

/**
 * A network's manifest, and where its file is.
 *
 * @param operand a file, a folder with manifest.json, or the name of a network that ships.
 * @param manifest path of the manifest of a file; without it, NET.json beside NET.onnx is used, or the manifest.json there, where it names the file.
 * @throws Refusal that says what is wrong and what there is.
 */
export const locateOperand = async (operand: string, manifest?: string): Promise<Located> => {
  const found = await statOf(operand);
  if (found?.isDirectory() || (!found && manifest === undefined)) {
    if (manifest !== undefined)
      throw new Refusal(`${operand}: is a folder, whose manifest.json is used; --manifest goes with a file`);
    const folder = found ? operand : await shippedFolder(operand);
    if (folder !== null) return inFolder(folder);
    const { folder: all, places } = await networksFolder();
    const known =
      all === null ? `the networks that ship are in none of: ${places}` : `${all} has: ${await namesIn(all)}`;
    throw new Refusal(`${operand}: no such file or folder, nor the name of a network; ${known}`);
  }
  if (manifest === undefined) {
    const beside = await describing(operand);
    if (beside !== null && basename(beside) === "manifest.json") return inFolder(dirname(operand));
    if (beside !== null) return locateOperand(operand, beside);
    throw new Refusal(
      `${operand}: what it takes and gives is not known; name its manifest with --manifest FILE (faultline init writes it)`,
    );
  }
  return { manifest: await completeManifest(manifest, await readNetwork(operand)), path: operand };
};

/** The network itself; the arguments are those of `locateOperand`. @throws Refusal that says what is wrong and what there is. */
export const openOperand = async (operand: string, manifest?: string): Promise<Network> =>
  openLocated(await locateOperand(operand, manifest));
