/**
 * Post-training quantisation: BatchNormalization folded, weights int8, activations uint8 where integer arithmetic is
 * faster.
 */

import type { Model } from "../onnx/graph.ts";
import { fuseBatchNormalization } from "../onnx/passes/fuse-batch-norm.ts";
import { affineOf, type Affine } from "./affine.ts";
import { foldConstants } from "./constants.ts";
import { convolutionsOf, type Convolution } from "./convolution.ts";
import { insertQuantization, type Arithmetic } from "./insert.ts";
import { observe, type Feeds, type Open } from "./observe.ts";
import { fastestArithmetic } from "./arithmetic.ts";
import { leastErrorRange } from "./ranges.ts";

export interface Calibration {
  /** The network's inputs for each calibration image, preprocessed. */
  readonly feeds: Iterable<Feeds> | AsyncIterable<Feeds>;
  readonly open: Open;
  /** How each convolution is to be computed; by default what was measured to be fastest in WASM. */
  readonly arithmetic?: (convolution: Convolution) => Arithmetic;
}

export interface Quantized {
  readonly model: Model;
  /** The arithmetic of each convolution by the name of its output, in the graph's order. */
  readonly arithmetic: ReadonlyMap<string, Arithmetic>;
  readonly activations: ReadonlyMap<string, Affine>;
}

/** The float network in the form that is calibrated and quantised: the same function with fewer nodes. */
export const prepare = (model: Model): Model => foldConstants(fuseBatchNormalization(model));

/**
 * Quantises a float network. The ranges of the activations minimise the squared error on the calibration images.
 *
 * @throws OnnxError if the model is quantised already or older than opset 13.
 */
export const quantize = async (
  model: Model,
  { feeds, open, arithmetic = fastestArithmetic }: Calibration,
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
