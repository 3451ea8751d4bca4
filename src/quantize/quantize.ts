/** Quantises a float network: BatchNormalization folded, int8 weights, uint8 activations where integers are faster. */

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
  /** The network's preprocessed inputs for each calibration image. */
  readonly feeds: Iterable<Feeds> | AsyncIterable<Feeds>;
  readonly open: Open;
  /** Chooses how each convolution is computed; default: `arithmeticThatPays`, measured in WASM. */
  readonly arithmetic?: (convolution: Convolution) => Arithmetic;
}

export interface Quantized {
  readonly model: Model;
  /** The arithmetic of each convolution by the name of its output, in the graph's order. */
  readonly arithmetic: ReadonlyMap<string, Arithmetic>;
  readonly activations: ReadonlyMap<string, Affine>;
}

/** The float network that is calibrated and quantised: the same function with fewer nodes. */
export const prepare = (model: Model): Model => foldConstants(fuseBatchNormalization(model));

/**
 * Post-training quantisation: the ranges of activations minimise the squared error on the calibration images.
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
