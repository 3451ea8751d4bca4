/** Floating-point operators that onnxruntime fuses, and other contributed ones. */

import { noise } from "../support.ts";
import { microsoft, type DecomposeCase } from "./case.ts";

const conv = [{ fed: noise([1, 2, 5, 5]) }, noise([3, 2, 3, 3], 2), noise([3], 4)];
const floats = (...value: readonly number[]) => ({ type: "floats", value }) as const;

export const fused: readonly DecomposeCase[] = [
  ...[
    { activation: "Relu" },
    { activation: "Tanh" },
    { activation: "Sigmoid" },
    { activation: "HardSwish" },
    { activation: "LeakyRelu", activation_params: floats(0.2) },
    { activation: "Clip", activation_params: floats(-1, 2) },
    { activation: "HardSigmoid", activation_params: floats(0.3, 0.4) },
  ].map((attributes) =>
    microsoft({
      operator: "FusedConv",
      name: attributes.activation,
      inputs: conv,
      attributes: { ...attributes, pads: [1, 1, 1, 1], strides: [2, 1] },
    }),
  ),
  microsoft({
    operator: "FusedConv",
    name: "a sum before the activation",
    inputs: [...conv, { fed: noise([1, 3, 3, 3], 6) }],
    attributes: { activation: "Relu" },
  }),
  microsoft({
    operator: "FusedGemm",
    name: "LeakyRelu",
    inputs: [{ fed: noise([2, 4]) }, noise([3, 4], 2), noise([3], 3)],
    attributes: { transB: 1, alpha: 0.5, activation: "LeakyRelu", activation_alpha: { type: "float", value: 0.3 } },
  }),
  microsoft({
    operator: "FusedMatMul",
    name: "both transposed, scaled",
    inputs: [{ fed: noise([2, 4, 3]) }, { fed: noise([2, 5, 4], 2) }],
    attributes: { transA: 1, transB: 1, alpha: 0.5 },
  }),
  microsoft({ operator: "Gelu", name: "exact", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "BiasGelu", name: "exact", inputs: [{ fed: noise([3, 4]) }, noise([4], 2)] }),
  microsoft({ operator: "FastGelu", name: "no bias", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "FastGelu", name: "bias", inputs: [{ fed: noise([3, 4]) }, noise([4], 2)] }),
  microsoft({ operator: "QuickGelu", name: "default", inputs: [{ fed: noise([3, 4]) }] }),
  microsoft({ operator: "QuickGelu", name: "alpha", inputs: [{ fed: noise([3, 4]) }], attributes: { alpha: 1.2 } }),
  microsoft({
    operator: "SkipLayerNormalization",
    name: "shift and bias, the sum used",
    inputs: [{ fed: noise([2, 3, 4]) }, { fed: noise([2, 3, 4], 2) }, noise([4], 3), noise([4], 4), noise([4], 5)],
    attributes: { epsilon: 1e-3 },
    outputs: 4,
  }),
  microsoft({
    operator: "GridSample",
    name: "bicubic",
    inputs: [{ fed: noise([1, 2, 5, 6]) }, { fed: noise([1, 3, 4, 2], 2) }],
    attributes: { mode: "bicubic", padding_mode: "border" },
  }),
];
