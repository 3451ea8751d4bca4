/** A network's file, checked against its manifest and opened. */

import { sha256Of } from "../digest.ts";
import { gradientFaults } from "../segmenter/compile.ts";
import { ensembleOf } from "../segmenter/ensemble.ts";
import { ManifestError, type Manifest } from "../segmenter/manifest.ts";
import { openNetwork, type Network } from "../segmenter/network.ts";
import { createSegmenter, type Segmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";

export interface OpenModel {
  readonly network: Network;
  /** Of the network, on WASM. */
  readonly segmenter: Segmenter;
  readonly bytes: number;
  readonly unsupported: readonly string[];
}

/** @throws OnnxError for a bad file, ManifestError where it is not what the manifest says. */
export const checkedNetwork = async (manifest: Manifest, bytes: Uint8Array): Promise<Network> => {
  const digest = await sha256Of(bytes);
  if (digest !== manifest.sha256) throw new ManifestError(`${manifest.file} has ${digest}`, "sha256");
  return openNetwork(manifest, bytes);
};

/**
 * `bytes`: of its file.
 *
 * @param known operators without a rule for their gradient; where they are not known, a gradient is built to find them.
 */
export const openModel = (
  network: Network,
  bytes: number,
  cache: SessionCache,
  known?: readonly string[],
): OpenModel => ({
  network,
  segmenter: createSegmenter(network, cache),
  bytes,
  unsupported: known ?? gradientFaults(network),
});

/** Several models as one (see `ensembleOf`). @throws ManifestError where they do not go together. */
export const openTogether = (models: readonly [OpenModel, ...OpenModel[]], cache: SessionCache): OpenModel => {
  const [first, ...others] = models;
  const network = ensembleOf([first.network, ...others.map((model) => model.network)]);
  if (network === first.network) return first;
  return {
    network,
    segmenter: createSegmenter(network, cache),
    bytes: models.reduce((sum, { bytes }) => sum + bytes, 0),
    unsupported: [...new Set(models.flatMap(({ unsupported }) => unsupported))],
  };
};
