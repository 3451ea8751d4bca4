/** A network as a manifest and the path of its file, so that each thread opens it for itself. */

import type { Manifest } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { checkedNetwork } from "../networks/open.ts";
import { at } from "./failure.ts";
import { readNetwork } from "./read-network.ts";

/** Plain data. */
export interface Located {
  readonly manifest: Manifest;
  /** Of the file, whose weights may lie in files beside it. */
  readonly path: string;
}

/** @throws Refusal that names the file and what is wrong with it. */
export const openLocated = async ({ manifest, path }: Located): Promise<Network> => {
  const { bytes } = await readNetwork(path);
  return at(path, () => checkedNetwork(manifest, bytes));
};
