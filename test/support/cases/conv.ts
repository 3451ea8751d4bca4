/** Convolutions: every attribute, alone and together, with weights as constants and as inputs. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { about, fixed, node, weights, x, type Case } from "./case.ts";

interface Form {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes?: PlainAttributes;
}

const convolutions: readonly Form[] = [
  { name: "1×1", x: [2, 3, 4, 5], w: [4, 3, 1, 1] },
  { name: "3×3 unpadded", x: [1, 2, 5, 6], w: [3, 2, 3, 3] },
  { name: "3×3 padded", x: [1, 2, 5, 6], w: [3, 2, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  { name: "stride 2", x: [1, 2, 7, 7], w: [3, 2, 3, 3], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  { name: "stride 2 that leaves a row unused", x: [1, 2, 8, 6], w: [3, 2, 3, 3], attributes: { strides: [2, 2] } },
  { name: "1×1 with stride 2", x: [1, 3, 6, 5], w: [2, 3, 1, 1], attributes: { strides: [2, 2] } },
  {
    name: "stride 3 that leaves two columns unused",
    x: [1, 1, 5, 8],
    w: [2, 1, 2, 3],
    attributes: { strides: [1, 3] },
  },
  { name: "dilation", x: [1, 2, 8, 8], w: [2, 2, 3, 3], attributes: { dilations: [2, 2], pads: [2, 2, 2, 2] } },
  {
    name: "dilation and stride",
    x: [1, 2, 9, 8],
    w: [2, 2, 3, 2],
    attributes: { dilations: [2, 3], strides: [2, 2], pads: [1, 0, 2, 1] },
  },
  { name: "asymmetric pads", x: [1, 2, 5, 6], w: [2, 2, 3, 3], attributes: { pads: [0, 1, 2, 0] } },
  { name: "pads beyond the kernel", x: [1, 1, 3, 3], w: [2, 1, 2, 2], attributes: { pads: [2, 3, 3, 2] } },
  { name: "even kernel", x: [1, 2, 5, 5], w: [2, 2, 4, 2], attributes: { pads: [1, 0, 2, 1] } },
  { name: "5×1 kernel", x: [1, 2, 6, 4], w: [2, 2, 5, 1], attributes: { pads: [2, 0, 2, 0] } },
  { name: "two groups", x: [1, 4, 5, 5], w: [6, 2, 3, 3], attributes: { group: 2, pads: [1, 1, 1, 1] } },
  { name: "depthwise", x: [2, 4, 5, 5], w: [4, 1, 3, 3], attributes: { group: 4, pads: [1, 1, 1, 1] } },
  {
    name: "depthwise with multiplier and stride",
    x: [1, 3, 7, 6],
    w: [6, 1, 3, 3],
    attributes: { group: 3, pads: [1, 1, 1, 1], strides: [2, 2] },
  },
  { name: "SAME_UPPER", x: [1, 2, 5, 6], w: [2, 2, 3, 2], attributes: { auto_pad: "SAME_UPPER", strides: [2, 2] } },
  { name: "SAME_LOWER", x: [1, 2, 5, 6], w: [2, 2, 2, 4], attributes: { auto_pad: "SAME_LOWER", strides: [2, 1] } },
  { name: "VALID", x: [1, 2, 5, 6], w: [2, 2, 3, 3], attributes: { auto_pad: "VALID", strides: [1, 2] } },
  { name: "one spatial axis", x: [2, 3, 7], w: [4, 3, 3], attributes: { strides: [2], pads: [1, 1] } },
  { name: "three spatial axes", x: [1, 2, 4, 3, 4], w: [2, 2, 2, 3, 2], attributes: { pads: [1, 1, 0, 0, 1, 1] } },
];

/** Weights of ConvTranspose are [channels in, channels out ÷ group, kernel]. */
const transposes: readonly Form[] = [
  { name: "1×1", x: [2, 3, 3, 4], w: [3, 2, 1, 1] },
  { name: "3×3", x: [1, 2, 3, 4], w: [2, 3, 3, 3] },
  { name: "2×2 stride 2", x: [1, 2, 3, 4], w: [2, 3, 2, 2], attributes: { strides: [2, 2] } },
  { name: "stride 2 and pads", x: [1, 2, 3, 4], w: [2, 3, 3, 3], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  {
    name: "output_padding",
    x: [1, 2, 3, 4],
    w: [2, 3, 3, 3],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
  },
  {
    name: "output_padding as large as the stride allows",
    x: [1, 2, 3, 3],
    w: [2, 2, 2, 2],
    attributes: { strides: [3, 4], output_padding: [2, 3] },
  },
  {
    name: "1×1 with stride 2",
    x: [1, 2, 3, 3],
    w: [2, 2, 1, 1],
    attributes: { strides: [2, 2], output_padding: [1, 0] },
  },
  { name: "asymmetric pads", x: [1, 2, 4, 4], w: [2, 2, 3, 3], attributes: { strides: [2, 1], pads: [0, 1, 2, 0] } },
  {
    name: "output_shape",
    x: [1, 2, 3, 4],
    w: [2, 2, 3, 3],
    attributes: { strides: [2, 2], output_shape: [6, 8] },
  },
  {
    name: "output_shape beyond the kernels' reach",
    x: [1, 2, 3, 4],
    w: [2, 2, 2, 2],
    attributes: { strides: [2, 2], output_shape: [7, 9] },
  },
  {
    name: "output_shape with SAME_UPPER",
    x: [1, 2, 3, 4],
    w: [2, 2, 4, 3],
    attributes: { strides: [2, 2], output_shape: [7, 8], auto_pad: "SAME_UPPER" },
  },
  { name: "SAME_UPPER", x: [1, 2, 3, 4], w: [2, 2, 3, 4], attributes: { strides: [2, 2], auto_pad: "SAME_UPPER" } },
  { name: "SAME_LOWER", x: [1, 2, 3, 4], w: [2, 2, 3, 4], attributes: { strides: [2, 2], auto_pad: "SAME_LOWER" } },
  { name: "dilation", x: [1, 2, 4, 3], w: [2, 2, 3, 2], attributes: { dilations: [2, 3], strides: [1, 2] } },
  {
    name: "two groups",
    x: [1, 4, 3, 3],
    w: [4, 3, 3, 3],
    attributes: { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "depthwise",
    x: [1, 3, 3, 3],
    w: [3, 1, 4, 4],
    attributes: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  { name: "one spatial axis", x: [2, 3, 4], w: [3, 2, 3], attributes: { strides: [2], pads: [0, 1] } },
  { name: "three spatial axes", x: [1, 2, 2, 3, 2], w: [2, 2, 2, 2, 3], attributes: { strides: [2, 1, 1] } },
];

const casesOf = (operator: "Conv" | "ConvTranspose", form: Form, channels: number): Case[] => [
  about(operator, form.name, [x(form.x)], (op, v) =>
    op[operator](v, weights(op, form.w), weights(op, [channels], 8), form.attributes ?? {}),
  ),
  node(
    operator,
    `${form.name}, weights and bias as inputs`,
    [x(form.x), fixed(form.w, "normal", "w"), x([channels], "normal", "bias")],
    form.attributes ?? {},
  ),
];

const groupOf = ({ attributes }: Form): number => Number(attributes?.["group"] ?? 1);

export const convCases: readonly Case[] = [
  ...convolutions.flatMap((form) => casesOf("Conv", form, form.w[0]!)),
  ...transposes.flatMap((form) => casesOf("ConvTranspose", form, form.w[1]! * groupOf(form))),
  about("Conv", "no bias", [x([1, 2, 4, 4])], (op, v) => op.Conv(v, weights(op, [2, 2, 3, 3]))),
  about("ConvTranspose", "no bias", [x([1, 2, 4, 4])], (op, v) => op.ConvTranspose(v, weights(op, [2, 2, 3, 3]))),
];
