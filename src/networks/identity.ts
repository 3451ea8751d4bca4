/** Whether two manifests are of the same network, for what is made of its results. */

import { sha256Of } from "../digest.ts";
import type { Manifest } from "../segmenter/manifest.ts";

/**
 * The digest of everything in a manifest that results depend on: the network's file by its digest, and how it is run. The name under which the
 * file is stored, and what is only told of the network, are no part of it.
 */
export const networkIdentity = (manifest: Manifest): Promise<string> => {
  const { file: _, metrics: __, license: ___, source: ____, citation: _____, ...decisive } = manifest;
  return sha256Of(JSON.stringify(decisive));
};
