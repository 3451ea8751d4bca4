/** The manifest of a network that lies in a file of its own. */

import { sha256Of } from "../digest.ts";
import { at, Refusal } from "../node/failure.ts";
import { readJson } from "../node/files.ts";
import type { Model } from "../onnx/graph.ts";
import { precisionOf } from "../segmenter/describe/describe.ts";
import { parseManifest, withOwnFile, type Manifest } from "../segmenter/manifest.ts";

/** Name of the file under which the network is kept beside its manifest. */
export const MODEL_FILE = "model.onnx";

/** Whether the digest is still to be filled in: absent, empty or zeros. */
const undecided = (sha256: unknown): boolean =>
  sha256 === undefined || (typeof sha256 === "string" && /^0*$/.test(sha256));

/**
 * The manifest at `path`, with the digest of the network filled in, its precision where it is left out, and the name replaced where one is given.
 *
 * @throws ManifestError naming each field at fault; Refusal where the digest is another file's.
 */
export const completeManifest = async (
  path: string,
  { bytes, model }: { readonly bytes: Uint8Array; readonly model: Model },
  name?: string,
): Promise<Manifest> => {
  const given: Readonly<Record<string, unknown>> = { precision: precisionOf(model), ...(await readJson(path)) };
  const sha256 = await sha256Of(bytes);
  const manifest = await at(path, () =>
    withOwnFile(parseManifest({ ...given, ...(name === undefined ? {} : { name }), file: MODEL_FILE, sha256 })),
  );
  if (!undecided(given["sha256"]) && given["sha256"] !== sha256)
    throw new Refusal(
      `${path}: sha256: is that of another file; this one's is ${sha256} (leave the field out to have it filled in)`,
    );
  return manifest;
};
