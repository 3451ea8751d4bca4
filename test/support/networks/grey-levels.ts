/** A network whose logits can be written down. */

import { createBuilder } from "../../../src/onnx/build.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { openNetwork, type Network } from "../../../src/segmenter/network.ts";
import { tinyManifest, type ManifestChanges } from "./tiny.ts";

/** Logits are the prepared pixels: grey levels over `std` in the three channels of the image. */
export const greyLevels = ({ std = 1, ...changes }: ManifestChanges & { readonly std?: number } = {}): Network => {
  const op = createBuilder();
  const model = op.model({ output: op.Add(op.input("input", "float32", [1, 3, 1, 1]), op.constant(0)) });
  const open = <T extends object>(v: T) => ({ ...v, shape: [1, 3, null, null] });
  const { graph } = model;
  const freed = { ...graph, inputs: graph.inputs.map(open), outputs: graph.outputs.map(open) };
  const input = { multipleOf: 1, mean: [0, 0, 0], std: [std, std, std] };
  return openNetwork(tinyManifest({ classes: 3, ...changes, input }), writeModel({ ...model, graph: freed }));
};
