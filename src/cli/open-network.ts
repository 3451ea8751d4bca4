/** A network with its manifest: a file with `--manifest`, a folder, or the name of a network that ships. */

import { basename, dirname, join } from "node:path";
import { at, Refusal } from "../node/failure.ts";
import { readBytes, readJson, readNetwork, statOf } from "../node/files.ts";
import { networksFolder } from "../node/networks-folder.ts";
import { checkedNetwork } from "../networks/open.ts";
import { parseManifest, manifestSchema } from "../segmenter/manifest.ts";
import { openNetwork, type Network } from "../segmenter/network.ts";
import { completeManifest } from "./complete-manifest.ts";
import { namesIn } from "./network-file.ts";

/** The network of FOLDER/manifest.json. A variant names the network whose file it shares, which lies in the folder beside its own. */
const fromFolder = async (folder: string): Promise<Network> => {
  const path = join(folder, "manifest.json");
  if (!(await statOf(path)))
    throw new Refusal(`${folder}: holds no manifest.json; name the network's file, with --manifest`);
  const value = await readJson(path);
  const manifest = await at(path, () => parseManifest(value));
  const { network, file } = manifest;
  const bytes = await readBytes(network === undefined ? join(folder, file) : join(dirname(folder), network, file));
  return at(path, () => checkedNetwork(manifest, bytes));
};

/** The folder of a network that ships, or null. */
const shippedFolder = async (name: string): Promise<string | null> => {
  if (!manifestSchema.shape.name.safeParse(name).success) return null;
  const { folder } = await networksFolder();
  const found = folder === null ? null : join(folder, name);
  return found !== null && (await statOf(join(found, "manifest.json"))) ? found : null;
};

/** Whether the file is the one that the manifest.json beside it describes. */
const isDescribed = async (file: string): Promise<boolean> => {
  const path = join(dirname(file), "manifest.json");
  return (await statOf(path)) !== null && (await readJson(path))["file"] === basename(file);
};

/**
 * @param operand a file, a folder with manifest.json, or the name of a network that ships.
 * @param manifest path of the manifest of a file; without it, the manifest.json beside the file is used where it names the file.
 * @throws Refusal that says what is wrong and what there is.
 */
export const openOperand = async (operand: string, manifest?: string): Promise<Network> => {
  const found = await statOf(operand);
  if (found?.isDirectory() || (!found && manifest === undefined)) {
    if (manifest !== undefined)
      throw new Refusal(`${operand}: is a folder, whose manifest.json is used; --manifest goes with a file`);
    const folder = found ? operand : await shippedFolder(operand);
    if (folder !== null) return fromFolder(folder);
    const { folder: all, places } = await networksFolder();
    const known =
      all === null ? `the networks that ship are in none of: ${places}` : `${all} has: ${await namesIn(all)}`;
    throw new Refusal(`${operand}: no such file or folder, nor the name of a network; ${known}`);
  }
  if (manifest === undefined) {
    if (await isDescribed(operand)) return fromFolder(dirname(operand));
    throw new Refusal(
      `${operand}: what it takes and gives is not known; name its manifest with --manifest FILE (faultline init writes it)`,
    );
  }
  const read = await readNetwork(operand);
  const complete = await completeManifest(manifest, read);
  return at(`${operand} with ${manifest}`, () => openNetwork(complete, read.bytes));
};
