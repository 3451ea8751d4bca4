/** Small networks to quantise. */

import type { Model } from "../../src/onnx/graph.ts";
import { convolutionsOf } from "../../src/quantize/convolution.ts";
import type { Arithmetic } from "../../src/quantize/insert.ts";
import type { Open } from "../../src/quantize/observe.ts";
import type { Tensor } from "../../src/tensor.ts";
import { modelOf, node, noise } from "../onnx/support.ts";
import { runWasm } from "../support/wasm.ts";

/** What calibrates: onnxruntime, a session a run. */
export const open: Open = (model) => Promise.resolve((feeds) => runWasm(model, feeds));

const scaled = (t: Tensor<"float32">, factor: number): Tensor<"float32"> => ({
  ...t,
  data: t.data.map((v) => v * factor),
});

export const shape = [1, 3, 9, 10] as const;

/** A bottleneck as E-Net has it: 3×3, PRelu, then 5×1 and 1×5 in a row, the sum with a 1×1 of the same input. */
export const bottleneck = (): Model =>
  modelOf({
    opset: 13,
    inputs: { x: noise(shape) },
    initializers: {
      w1: scaled(noise([6, 3, 3, 3], 2), 0.2),
      b1: noise([6], 3),
      slope: scaled(noise([6, 1, 1], 4), 0.2),
      w2: scaled(noise([6, 6, 5, 1], 5), 0.2),
      w3: scaled(noise([4, 6, 1, 5], 6), 0.2),
      b3: noise([4], 7),
      w4: scaled(noise([4, 3, 1, 1], 8), 0.5),
      wt: scaled(noise([4, 5, 2, 2], 9), 0.5),
    },
    nodes: [
      node("Conv", ["x", "w1", "b1"], ["c1"], { pads: [1, 1, 1, 1] }),
      node("PRelu", ["c1", "slope"], ["a1"]),
      node("Conv", ["a1", "w2"], ["c2"], { pads: [2, 0, 2, 0] }),
      node("Conv", ["c2", "w3", "b3"], ["c3"], { pads: [0, 2, 0, 2] }),
      node("Conv", ["x", "w4"], ["c4"]),
      node("Add", ["c3", "c4"], ["sum"]),
      node("Relu", ["sum"], ["a3"]),
      node("ConvTranspose", ["a3", "wt"], ["y"], { strides: [2, 2] }),
    ],
    outputs: ["y"],
  });

/** Two convolutions and nothing between: linear, so its gradient is the same everywhere. */
export const linear = (): Model =>
  modelOf({
    opset: 13,
    inputs: { x: noise(shape) },
    initializers: { w1: noise([4, 3, 3, 3], 2), b1: noise([4], 3), w2: noise([2, 4, 3, 3], 4) },
    nodes: [
      node("Conv", ["x", "w1", "b1"], ["c1"], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      node("Conv", ["c1", "w2"], ["y"], { pads: [2, 2, 2, 2], dilations: [2, 2] }),
    ],
    outputs: ["y"],
  });

/** Every Conv on integers, every ConvTranspose on int8 weights. */
export const integers = ({ node: { op } }: ReturnType<typeof convolutionsOf>[number]): Arithmetic =>
  op === "Conv" ? "integer" : "weights";
