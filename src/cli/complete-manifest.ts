/** The manifest of a network that lies in a file of its own. */

import { completedManifest } from "../intake/manifest-for.ts";
import { at } from "../node/failure.ts";
import { readJson } from "../node/files.ts";
import type { Model } from "../onnx/graph.ts";
import type { Manifest } from "../segmenter/manifest.ts";

/** Name of the file under which the network is kept beside its manifest. */
export const MODEL_FILE = "model.onnx";

/** The manifest at `path`, completed from the network. @throws Refusal naming the path and each field at fault. */
export const completeManifest = async (
  path: string,
  read: { readonly bytes: Uint8Array<ArrayBuffer>; readonly model: Model },
  name?: string,
): Promise<Manifest> => {
  const given = await readJson(path);
  return at(path, () => completedManifest({ ...given }, { ...read, name: MODEL_FILE }, name));
};
