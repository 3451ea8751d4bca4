/** Pooling and unpooling: windows that part, overlap, overhang; indices used or not. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { numbersOf } from "../../../src/tensor.ts";
import { about, fixed, node, x, type Case, type CaseOptions, type Surrogate } from "./case.ts";

interface Form {
  readonly name: string;
  readonly x: readonly number[];
  readonly attributes: PlainAttributes;
  readonly undeclared?: string;
}

const shared: readonly Form[] = [
  { name: "2×2 stride 2", x: [2, 2, 4, 6], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  { name: "2×2 stride 2, odd size", x: [1, 2, 5, 7], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
  {
    name: "3×3 stride 2 padded",
    x: [1, 2, 7, 6],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  { name: "3×3 stride 1 padded", x: [1, 2, 5, 5], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
  {
    name: "asymmetric pads",
    x: [1, 1, 5, 6],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [0, 1, 2, 0] },
  },
  { name: "stride beyond the kernel", x: [1, 2, 7, 8], attributes: { kernel_shape: [2, 2], strides: [3, 3] } },
  { name: "ceil_mode", x: [1, 2, 6, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  {
    name: "ceil_mode where the last window would start in the padding",
    x: [1, 1, 4, 5],
    attributes: { kernel_shape: [2, 2], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 },
    undeclared: "its shape inference at opset 21 counts the window that its kernel drops",
  },
  {
    name: "2×2 stride 2 that overhangs, ceil_mode",
    x: [1, 2, 5, 7],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  },
  {
    name: "2×2 stride 2 that overhangs, SAME_UPPER",
    x: [1, 2, 5, 7],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_UPPER" },
  },
  {
    name: "2×2 stride 2 that overhangs, SAME_LOWER",
    x: [1, 2, 5, 7],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_LOWER" },
  },
  {
    name: "2×2 stride 2 padded",
    x: [1, 2, 4, 6],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "SAME_UPPER",
    x: [1, 2, 5, 6],
    attributes: { kernel_shape: [2, 3], strides: [2, 2], auto_pad: "SAME_UPPER" },
  },
  {
    name: "SAME_LOWER",
    x: [1, 2, 5, 6],
    attributes: { kernel_shape: [2, 3], strides: [2, 2], auto_pad: "SAME_LOWER" },
  },
  { name: "VALID", x: [1, 2, 5, 6], attributes: { kernel_shape: [2, 3], strides: [2, 2], auto_pad: "VALID" } },
  { name: "dilation", x: [1, 2, 7, 7], attributes: { kernel_shape: [3, 2], dilations: [2, 3], pads: [1, 1, 1, 1] } },
  { name: "one spatial axis", x: [2, 2, 7], attributes: { kernel_shape: [3], strides: [2], pads: [1, 0] } },
  { name: "three spatial axes", x: [1, 2, 4, 4, 4], attributes: { kernel_shape: [2, 2, 2], strides: [2, 2, 2] } },
];

const optionsOf = ({ undeclared }: Form): CaseOptions => (undeclared ? { undeclared } : {});

const maxPools = shared.flatMap((form) => [
  node("MaxPool", form.name, [x(form.x, { distinct: 0 })], form.attributes, optionsOf(form)),
  about(
    "MaxPool",
    `${form.name}, with indices`,
    [x(form.x, { distinct: 0 })],
    (op, v) => {
      const [y, places] = op.append("MaxPool", [v], form.attributes, 2);
      return { y: y!, places: places! };
    },
    optionsOf(form),
  ),
]);

const averagePools = shared.flatMap((form) =>
  [0, 1].map((include) =>
    node(
      "AveragePool",
      `${form.name}, count_include_pad ${include}`,
      [x(form.x)],
      { ...form.attributes, count_include_pad: include },
      optionsOf(form),
    ),
  ),
);

/** Its gradient needs y, so onnxruntime must infer the shape that its kernel gives. */
const lpPools = shared
  .filter(({ undeclared }) => !undeclared)
  .flatMap((form) =>
    (form.x.length === 4 ? [1, 2, 3] : [2]).map((p) =>
      node("LpPool", `${form.name}, p = ${p}`, [x(form.x, { away: [0] })], { ...form.attributes, p }),
    ),
  );

/** Every element of x receives the gradient of the position it was sent to, also where another overwrote it. */
const everyWriter: Surrogate = (_, forward, cotangent) => ({
  x: numbersOf(forward["places"]!).map((place) => cotangent[place]!),
});

const unpools: readonly Case[] = [
  about(
    "MaxUnpool",
    "pads cut the borders off",
    [fixed([1, 2, 6, 6], { distinct: 0 }), x([1, 2, 4, 4])],
    (op, v, u) => {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] };
      const places = op.append("MaxPool", [v], attributes, 2)[1]!;
      return op.MaxUnpool(u, places, attributes);
    },
  ),
  about(
    "MaxUnpool",
    "2×2 after 2×2, output_shape for an odd size",
    [fixed([1, 2, 5, 7], { distinct: 0 }), x([1, 2, 2, 3])],
    (op, v, u) => {
      const places = op.append("MaxPool", [v], { kernel_shape: [2, 2], strides: [2, 2] }, 2)[1]!;
      return op.MaxUnpool(u, places, op.ints([1, 2, 5, 7]), { kernel_shape: [2, 2], strides: [2, 2] });
    },
  ),
  about("MaxUnpool", "back to the pooled places", [x([2, 2, 4, 6], { distinct: 0 })], (op, v) => {
    const [y, places] = op.append("MaxPool", [v], { kernel_shape: [2, 2], strides: [2, 2] }, 2);
    return op.MaxUnpool(op.Mul(y, y), places, { kernel_shape: [2, 2], strides: [2, 2] });
  }),
  about(
    "MaxUnpool",
    "2×2 after overlapping 3×3 stride 2, places shared",
    [fixed([1, 2, 8, 8], { distinct: 0 }, "image"), x([1, 2, 4, 4])],
    (op, image, v) => {
      const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      const places = op.append("MaxPool", [image], attributes, 2)[1]!;
      const y = op.MaxUnpool(v, places, op.ints([1, 2, 8, 8]), { kernel_shape: [2, 2], strides: [2, 2] });
      return { y, places };
    },
    { surrogate: everyWriter },
  ),
];

export const poolCases: readonly Case[] = [
  ...maxPools,
  ...averagePools,
  ...lpPools,
  ...unpools,
  about("MaxPool", "indices found again by the rule, used twice", [x([1, 2, 6, 6], { distinct: 0 })], (op, v) => {
    const y = op.MaxPool(v, { kernel_shape: [3, 3], strides: [2, 2] });
    return op.Mul(y, y);
  }),
  node("GlobalAveragePool", "two spatial axes", [x([2, 3, 4, 5])]),
  node("GlobalAveragePool", "one spatial axis", [x([2, 3, 5])]),
  node("LpPool", "default p", [x([1, 2, 5, 6], { away: [0] })], { kernel_shape: [3, 2] }),
  ...[1, 2, 3].map((p) => node("GlobalLpPool", `p = ${p}`, [x([2, 3, 4, 5], { away: [0] })], { p })),
  node("GlobalLpPool", "default p, one spatial axis", [x([2, 3, 5], { away: [0] })]),
  node("GlobalMaxPool", "one spatial axis", [x([2, 3, 5], { distinct: 0 })]),
  node("GlobalMaxPool", "two spatial axes", [x([2, 3, 4, 5], { distinct: 0 })]),
];
