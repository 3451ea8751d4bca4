/** Small images, logits and graphs for the tests of the CRF. */

import { latticeInputs } from "../../src/crf/lattice-filter.ts";
import { refine } from "../../src/crf/fragment.ts";
import { latticeOfImage } from "../../src/crf/image-lattice.ts";
import type { CrfParameters } from "../../src/crf/parameters.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, type Size, sizeOf, spatialSize, type Tensor, tensorOf } from "../../src/tensor.ts";

/** Two regions of different colours with a slanted border, and noise: [3,H,W]. */
export const pictureOf = ({ height, width }: Size, seed = 1, noise = 4): Tensor<"float32"> => {
  const next = random(seed);
  const values = Array.from({ length: 3 * height * width }, (_, at) => {
    const [c, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    const left = 2 * x + y < width;
    return [90, 120, 60][c]! + (left ? 70 : 0) + 10 * Math.sin(x / 3 + c) + noise * normal(next);
  });
  return tensorOf("float32", [3, height, width], values);
};

export const normalTensor = (shape: readonly number[], seed: number, spread = 1): Tensor<"float32"> => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => spread * normal(next)),
  );
};

/** Softmax over the classes of [1,C,H,W]. */
export const softmaxOf = (z: Tensor): number[] => {
  const values = numbersOf(z);
  const [classes, n] = [z.shape[1]!, values.length / z.shape[1]!];
  return values.map((_, at) => {
    const own = Array.from({ length: classes }, (__, l) => values[l * n + (at % n)]!);
    const top = Math.max(...own);
    return Math.exp(values[at]! - top) / own.reduce((sum, v) => sum + Math.exp(v - top), 0);
  });
};

export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new RangeError(`${a.length} values against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
};

export interface Refinement {
  readonly model: Model;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** The refinement of logits as a model with its feeds; `outputs` may add to what it puts out. */
export const refinement = (
  image: Tensor<"float32">,
  logits: Tensor,
  parameters: CrfParameters,
  outputs: (op: Builder, refined: Value, logits: Value) => Readonly<Record<string, Value>> = (_, refined) => ({
    refined,
  }),
): Refinement => {
  const op = createBuilder("crf");
  const { height, width } = spatialSize(logits);
  const lattice = latticeOfImage(image, parameters);
  const u = op.input("logits", "float32", logits.shape);
  const inputs = lattice && latticeInputs(op, height * width, lattice.vertices);
  return {
    model: op.model(outputs(op, refine(op, u, inputs, parameters), u)),
    feeds: { logits, ...lattice?.feeds },
  };
};
