/** The graphs that are stored of a network, with the network. */

import { identityOf, type Network } from "../segmenter/network.ts";
import { readStored } from "../segmenter/stored-graphs.ts";
import { manifestDigest } from "./outlines.ts";

/** The network with its stored graphs; without them where the file is none, or is of another manifest. They only save time. */
export const withStored = async (network: Network, file: Uint8Array<ArrayBuffer> | null): Promise<Network> => {
  if (!file) return network;
  try {
    const stored = readStored(file, identityOf(network), network.model.graph);
    return stored.manifestSha256 === (await manifestDigest(network.manifest)) ? { ...network, stored } : network;
  } catch {
    return network;
  }
};
