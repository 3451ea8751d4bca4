/** One smooth network as exporters write it: other layouts and types of the input, other forms of the output. */

import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Dimension, Model } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { normal, random } from "../../../src/random.ts";
import { sizeOf, tensorOf, type DType } from "../../../src/tensor.ts";

export interface VariantOptions {
  /** Input channels of the convolution; default 3. */
  readonly channels?: number;
  /** Output channels; default 3. */
  readonly outputs?: number;
  readonly dtype?: DType;
  /** The input's shape, whose open sizes are null; default [1, channels, null, null]. */
  readonly shape?: readonly Dimension[];
  /** From the input to float32 [1, channels, H, W] near the unit range. */
  readonly head?: (op: Builder, x: Value) => Value;
  /** From logits [1, outputs, H, W] to what the file gives. */
  readonly tail?: (op: Builder, z: Value) => Value;
  /** Further outputs. */
  readonly more?: (op: Builder, z: Value) => Readonly<Record<string, Value>>;
}

/** Sizes at which the graph is built; they are opened afterwards. */
const SIDE = 16;

/** head → conv 3×3 → tanh → conv 3×3 → tail, for any size. */
export const variant = ({
  channels = 3,
  outputs = 3,
  dtype = "float32",
  shape = [1, channels, null, null],
  head = (_, x) => x,
  tail = (_, z) => z,
  more = () => ({}),
}: VariantOptions = {}): Model => {
  const op = createBuilder("variant");
  const next = random(5);
  const weights = (of: readonly number[], gain: number): Value => {
    const values = Array.from({ length: sizeOf(of) }, () => gain * normal(next));
    return op.tensor(tensorOf("float32", of, values), "weights");
  };
  const x = op.input(
    "pixels",
    dtype,
    shape.map((d) => (typeof d === "number" ? d : SIDE)),
  );
  const pads = { pads: [1, 1, 1, 1] };
  const hidden = op.Tanh(op.Conv(head(op, x), weights([5, channels, 3, 3], 0.5), weights([5], 0.1), pads));
  const z = op.Conv(hidden, weights([outputs, 5, 3, 3], 0.5), weights([outputs], 0.2), pads);
  const model = op.model({ map: tail(op, z), ...more(op, z) });
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape }));
  return {
    ...model,
    graph: { ...model.graph, inputs, outputs: model.graph.outputs.map((v) => ({ ...v, shape: null })) },
  };
};

/** [1, H, W, C] to [1, C, H, W], and back. */
export const toPlanes = (op: Builder, x: Value): Value => op.Transpose(x, { perm: [0, 3, 1, 2] });
export const toPixels = (op: Builder, x: Value): Value => op.Transpose(x, { perm: [0, 2, 3, 1] });

/** Grey levels as uint8 to 0..1. */
export const unit = (op: Builder, x: Value): Value => op.Div(op.cast(x, "float32"), op.constant(255));
