/** From a float network to the one that ships: BatchNormalization folded, weights int8, activations uint8 where it pays. */

import type { Model } from "../onnx/graph.ts";
import { fuseBatchNormalization } from "../onnx/passes/fuse-batch-norm.ts";
import { affineOf, type Affine } from "./affine.ts";
import { foldConstants } from "./constants.ts";
import { convolutionsOf, type Convolution } from "./convolution.ts";
import { insertQuantization, type Arithmetic } from "./insert.ts";
import { observe, type Feeds, type Open } from "./observe.ts";
import { arithmeticThatPays } from "./pays.ts";
import { leastErrorRange } from "./ranges.ts";

export interface Calibration {
  /** What the network's inputs are on each calibration image, preprocessed. */
  readonly feeds: Iterable<Feeds> | AsyncIterable<Feeds>;
  readonly open: Open;
  /** How each convolution is to be computed; by default what is measured to pay in WASM. */
  readonly arithmetic?: (convolution: Convolution) => Arithmetic;
}

export interface Quantized {
  readonly model: Model;
  /** How each convolution is computed, by the name of its output, in the graph's order. */
  readonly arithmetic: ReadonlyMap<string, Arithmetic>;
  readonly activations: ReadonlyMap<string, Affine>;
}

/** The float network as it is calibrated and quantised: the same function in fewer nodes. */
export const prepare = (model: Model): Model => foldConstants(fuseBatchNormalization(model));

/**
 * Post-training quantisation: ranges of activations are those of least squared error on the calibration images.
 *
 * @throws OnnxError for a model that is quantised already or older than opset 13.
 */
export const quantize = async (
  model: Model,
  { feeds, open, arithmetic = arithmeticThatPays }: Calibration,
): Promise<Quantized> => {
  const prepared = prepare(model);
  const convolutions = convolutionsOf(prepared.graph);
  const kinds = new Map(convolutions.map((c) => [c.y, arithmetic(c)]));
  const onIntegers = convolutions.filter(({ y }) => kinds.get(y) === "integer");
  const names = [...new Set(onIntegers.flatMap(({ x, y }) => [x, y]))];
  const histograms = await observe(prepared, names, feeds, open);
  const activations = new Map([...histograms].map(([name, h]) => [name, affineOf(leastErrorRange(h))]));
  const plan = { arithmetic: ({ y }: Convolution) => kinds.get(y)!, activations };
  return { model: insertQuantization(prepared, plan), arithmetic: kinds, activations };
};
