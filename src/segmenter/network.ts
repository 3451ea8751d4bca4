/** A network: its graph, prepared once, and its manifest. */

import type { Front } from "./front.ts";
import type { Refinement } from "./refinement.ts";
import type { Model } from "../onnx/graph.ts";
import { fuseBatchNormalization } from "../onnx/passes/fuse-batch-norm.ts";
import { inSinglePrecision } from "../onnx/passes/single-precision.ts";
import { readModel } from "../onnx/read.ts";
import { ManifestError, requireConsistent, type Manifest } from "./manifest.ts";

/** A network that its manifest describes: both, checked against each other. */
export interface Network {
  readonly manifest: Manifest;
  readonly model: Model;
  /** The CRF behind its logits, where a graph is to have one. */
  readonly refinement?: Refinement;
  /** The transformations before it, where a graph is to have them. */
  readonly front?: Front | undefined;
}

/** Reads the network of a manifest. @throws OnnxError for a bad file, ManifestError where the two do not fit. */
export const openNetwork = (manifest: Manifest, bytes: Uint8Array): Network => {
  requireConsistent(manifest);
  if (manifest.output.kind === "labels") {
    throw new ManifestError("labels alone have neither confidence nor gradient; export the logits", "output.kind");
  }
  const model = fuseBatchNormalization(inSinglePrecision(readModel(bytes)));
  const requireName = (field: string, wanted: string, present: readonly { readonly name: string }[]) => {
    if (present.some((v) => v.name === wanted)) return;
    throw new ManifestError(`the network has no "${wanted}", only ${present.map((v) => v.name).join(", ")}`, field);
  };
  requireName("input.name", manifest.input.name, model.graph.inputs);
  requireName("output.name", manifest.output.name, model.graph.outputs);
  const others = model.graph.inputs.flatMap(({ name }) => (name === manifest.input.name ? [] : [`"${name}"`]));
  if (others.length > 0) {
    const remedy = "export the network with its other inputs fixed, as initializers";
    throw new ManifestError(
      `is all that is given; the network wants ${others.join(", ")} too; ${remedy}`,
      "input.name",
    );
  }
  return { manifest, model };
};
