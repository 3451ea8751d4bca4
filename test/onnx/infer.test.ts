import { describe, expect, it } from "vitest";
import { attributesOf } from "../../src/onnx/attributes.ts";
import { OnnxError, describe as describeNode, intsOf, type Node } from "../../src/onnx/graph.ts";
import { inferableOperators, inferTypes } from "../../src/onnx/infer.ts";
import { convTransposeWindow, windowOf } from "../../src/onnx/infer/window.ts";
import { scalar } from "../../src/tensor.ts";
import { inferCases } from "./infer-cases.ts";
import {
  distance,
  fixed,
  fixedInts,
  float,
  ints,
  modelOf,
  noise,
  partsOf,
  runModel,
  titleOf,
  type Case,
} from "./support.ts";

describe("inferTypes", () => {
  it("has a case for each operator it knows", () => {
    const covered = new Set(inferCases.map(([op]) => op));
    expect(inferableOperators.filter((op) => !covered.has(op))).toEqual([]);
  });

  it.each(inferCases.map((c) => [titleOf(c), c] as const))("gives what onnxruntime returns: %s", async (_, c) => {
    const { node, values, names, feeds, initializers } = partsOf(c);
    const types = inferTypes(node, values).slice(0, names.length);
    const outputTypes = Object.fromEntries(names.map((name, i) => [name, types[i]!.dtype]));
    const model = modelOf({ inputs: feeds, initializers, nodes: [node], outputs: names, outputTypes });
    const results = await runModel(model, feeds);
    expect(types).toEqual(names.map((name) => ({ dtype: results[name]!.dtype, shape: results[name]!.shape })));
  });
});

/** The node with its padding written out. */
const explicit = ({ node, values }: ReturnType<typeof partsOf>) => {
  const [input, weight] = values;
  const spatial = input!.shape.slice(2);
  const kernel = intsOf(node, "kernel_shape", undefined) ?? weight!.shape.slice(2);
  const transposed = node.op === "ConvTranspose";
  const window = transposed ? convTransposeWindow(node, input!, weight!) : windowOf(node, spatial, kernel);
  const kept = Object.entries(node.attributes).filter(([name]) => !["auto_pad", "output_shape"].includes(name));
  return { ...node, attributes: { ...Object.fromEntries(kept), ...attributesOf(node.op, { pads: window.pads }) } };
};

describe("windows", () => {
  const x = noise([1, 4, 7, 9]);
  const table: readonly Case[] = [
    ["Conv", [x, noise([2, 4, 3, 2])], { auto_pad: "SAME_UPPER", strides: [2, 2] }],
    ["Conv", [x, noise([2, 4, 4, 2])], { auto_pad: "SAME_LOWER", strides: [3, 2] }],
    ["AveragePool", [x], { auto_pad: "SAME_UPPER", kernel_shape: [3, 4], strides: [2, 2] }],
    ["MaxPool", [x], { auto_pad: "SAME_LOWER", kernel_shape: [2, 4], strides: [1, 2] }],
    ["ConvTranspose", [x, noise([4, 2, 3, 4])], { auto_pad: "SAME_UPPER", strides: [2, 3] }],
    ["ConvTranspose", [x, noise([4, 2, 4, 4])], { auto_pad: "SAME_LOWER", strides: [2, 3] }],
    ["ConvTranspose", [x, noise([4, 2, 3, 3])], { output_shape: [14, 18], strides: [2, 2] }],
    ["ConvTranspose", [x, noise([4, 2, 3, 3])], { output_shape: [14, 18], strides: [2, 2], auto_pad: "SAME_UPPER" }],
    ["ConvTranspose", [x, noise([4, 2, 3, 3])], { output_shape: [14, 18], strides: [2, 2], auto_pad: "SAME_LOWER" }],
  ];

  it.each(table.map((c) => [titleOf(c), c] as const))("resolves the padding as onnxruntime does: %s", async (_, c) => {
    const parts = partsOf(c);
    const run = (node: Node) => runModel(modelOf({ inputs: parts.feeds, nodes: [node], outputs: ["y0"] }), parts.feeds);
    expect(distance((await run(explicit(parts)))["y0"]!, (await run(parts.node))["y0"]!)).toBe(0);
  });
});

describe("inferTypes refuses", () => {
  const x = noise([1, 4, 7, 9]);
  const table: readonly (readonly [Case, RegExp])[] = [
    [["Frobnicate", [x]], /operator Frobnicate is not supported/],
    [["toString", [x]], /operator toString is not supported/],
    [["constructor", [x]], /operator constructor is not supported/],
    [["Relu", []], /input 0 is absent/],
    [["Add", [x, null]], /input 1 is absent/],
    [["Add", [noise([2, 3]), noise([4])]], /shapes \[2, 3\] and \[4\] do not broadcast/],
    [["Add", [noise([2]), ints(1, 2)]], /"x0" is float32, "x1" is int64/],
    [["Concat", [noise([2]), ints(1, 2)], { axis: 0 }], /"x0" is float32, "x1" is int64/],
    [
      ["MaxPool", [noise([1, 1, 8, 8])], { kernel_shape: [1, 1e6], pads: [0, 5e5, 0, 5e5] }],
      /a window of 1000000 along axis 3 is far larger than the input \[8, 8\]/,
    ],
    [["AveragePool", [noise([1, 1, 8, 8])], { kernel_shape: [1e6, 1], auto_pad: "SAME_UPPER" }], /a window of 1000000/],
    [
      ["LpPool", [noise([1, 1, 8, 8])], { kernel_shape: [2, 2], dilations: [1e6, 1], pads: [5e5, 0, 5e5, 0] }],
      /a window of 1000001/,
    ],
    [["LRN", [noise([1, 3, 8, 8])], { size: 1_000_001 }], /far larger than the 3 channels/],
    [["Sum", []], /input 0 is absent; Sum takes at least 1 input/],
    [["Pow", []], /input 0 is absent/],
    [["Size", []], /input 0 is absent/],
    [["GatherND", [noise([2]), ints(0, 1)]], /indices \[2\] do not fit \[2\]/],
    [["GatherND", [noise([2]), scalar("int64", 0)]], /indices \[\] do not fit \[2\]/],
    [["Cast", [x], { to: 8 }], /element type string is not supported/],
    [["Conv", [x, noise([6, 3, 3, 3])]], /weights \[6, 3, 3, 3\] with group 1 do not fit input \[1, 4, 7, 9\]/],
    [["Conv", [x, noise([6, 4, 8, 3])]], /input is too small/],
    [["Conv", [x, noise([6, 4, 3, 3])], { strides: [0, 1] }], /strides \[0, 1\] does not fit 2 spatial axes/],
    [["Conv", [x, noise([6, 4, 3, 3])], { dilations: [-1, 1] }], /dilations \[-1, 1\] does not fit/],
    [["Conv", [x, noise([6, 4, 3, 3])], { pads: [1, 1] }], /2 pads, expected 4/],
    [["Conv", [x, noise([6, 4, 3, 3])], { strides: "2" }], /attribute strides is string, expected ints/],
    [["ConvTranspose", [x, noise([3, 4, 3, 3])]], /weights \[3, 4, 3, 3\] do not fit input/],
    [["ConvTranspose", [x, noise([4, 4])]], /weights \[4, 4\] do not fit input/],
    [["ConvTranspose", [x, noise([4, 4, 3, 3])], { pads: [9, 9, 9, 9] }], /too small/],
    [["MaxPool", [x]], /has no kernel_shape/],
    [["MaxPool", [x], { kernel_shape: [2] }], /kernel \[2\] does not fit 2 spatial axes/],
    [["MaxPool", [x], { kernel_shape: [2, 2] }, 3], /has 3 outputs, 2 are supported/],
    [["LayerNormalization", [x, noise([9])], {}, 4], /has 4 outputs, 3 are supported/],
    [["LayerNormalization", [x, noise([9])], { axis: 4 }], /axis 4 is out of range for rank 4/],
    [["LayerNormalization", [x, noise([1, 1, 4, 1, 1])]], /parameters \[1, 1, 4, 1, 1\] do not fit \[1, 4, 7, 9\]/],
    [["LayerNormalization", [x, noise([9]), noise([2, 4, 7, 9])]], /parameters \[2, 4, 7, 9\] do not fit/],
    [["InstanceNormalization", [x, noise([4]), noise([3])]], /parameters \[3\] do not fit \[1, 4, 7, 9\]/],
    [["InstanceNormalization", [x, noise([4])]], /input 2 is absent/],
    [["GroupNormalization", [x, noise([4]), noise([4])], { num_groups: 3 }], /4 channels do not divide into 3 groups/],
    [["GroupNormalization", [x, noise([2]), noise([2])], { num_groups: 2 }], /parameters \[2\] do not fit/],
    [["LpNormalization", [x], { axis: 4 }], /axis 4 is out of range/],
    [["LRN", [x]], /size 0 is not positive/],
    [["Slice", [x, ints(1), fixedInts(3)]], /"x1" must be a constant once the input size is fixed/],
    [["Slice", [x, fixedInts(1), fixedInts(3), fixedInts(4)]], /axis 4 is out of range for rank 4/],
    [["Slice", [x, fixedInts(1), fixedInts(3), fixedInts(2), fixedInts(0)]], /would have shape/],
    [["Slice", [x, fixedInts(1), fixedInts(3), fixedInts(2, 3)]], /would have shape/],
    [["Split", [x, fixedInts(1, 2)], { axis: 1 }, 2], /sizes \[1, 2\] do not split 4 into 2 parts/],
    [["Split", [x, fixedInts(1, 3)], { axis: 1 }, 3], /do not split 4 into 3 parts/],
    [["Concat", [noise([2, 3]), noise([3, 2])], { axis: 0 }], /differ off axis 0/],
    [["Concat", [noise([2, 3]), noise([2])], { axis: 0 }], /differ off axis 0/],
    [["Pad", [x, fixedInts(0, 0, -9, 0, 0, 0, 0, 0)]], /would have shape \[1, 4, -2, 9\]/],
    [["Pad", [x, fixedInts(1, 1)]], /has 2 pads for 4 axes/],
    [["Reshape", [x, fixedInts(5, -1)]], /cannot be reshaped to \[5, -1\]/],
    [["Reshape", [x, fixedInts(-1, -1)]], /cannot be reshaped/],
    [["Reshape", [x, fixedInts(-2, -126)]], /would have shape \[-2, -126\]/],
    [["Squeeze", [x, fixedInts(1)]], /axis 1 of \[1, 4, 7, 9\] is not 1/],
    [["Unsqueeze", [x, fixedInts(7)]], /axis 7 is out of range for rank 5/],
    [["Transpose", [x], { perm: [0, 1, 1, 2] }], /perm \[0, 1, 1, 2\] does not permute 4 axes/],
    [["Flatten", [x], { axis: 5 }], /axis 5 is out of range/],
    [["Tile", [x, fixedInts(2)]], /1 repeats do not fit rank 4/],
    [["Gather", [x, ints(0)], { axis: 4 }], /axis 4 is out of range/],
    [["OneHot", [ints(0, 2), fixedInts(3), noise([2])], { axis: -3 }], /axis -3 is out of range for rank 2/],
    [["DepthToSpace", [x], { blocksize: 3 }], /does not divide by blocksize 3/],
    [["DepthToSpace", [noise([4])], { blocksize: 2 }], /is not of rank 4/],
    [["ConstantOfShape", [fixedInts(2, -1)]], /would have shape \[2, -1\]/],
    [["ConstantOfShape", [fixedInts(2)], { value: ints(1, 2) }], /its value is not one element/],
    [["ConstantOfShape", [fixedInts(2 ** 20, 2 ** 20)]], /is too large/],
    [["Constant", []], /has no tensor value/],
    [["MatMul", [noise([2, 3]), noise([2, 3])]], /\[2, 3\] and \[2, 3\] cannot be multiplied/],
    [["Gemm", [noise([2, 3]), noise([2, 3])]], /cannot be multiplied/],
    [["ReduceSum", [x, fixedInts(4)]], /axis 4 is out of range/],
    [["Resize", [x, null, null, fixedInts(3)], { axes: [2, 3] }], /1 sizes or scales do not fit 2 axes/],
    [
      ["Resize", [x, null, null, fixedInts(3)], { axes: [2], coordinate_transformation_mode: "tf_crop_and_resize" }],
      /roi of 0 values does not fit 1 axes/,
    ],
    [
      ["Resize", [x, null, null, fixedInts(3)], { axes: [2], keep_aspect_ratio_policy: "square" }],
      /keep_aspect_ratio_policy square is not known/,
    ],
    [["GridSample", [x, noise([1, 2, 2, 3])]], /a grid \[1, 2, 2, 3\] does not fit input \[1, 4, 7, 9\]/],
    [["GridSample", [x, noise([2, 2, 2, 2])]], /does not fit/],
    [["Einsum", [noise([2, 3])], { equation: "ij->ji->ij" }], /equation "ij->ji->ij" is malformed/],
    [["Einsum", [noise([2, 3])], { equation: "i.j->ji" }], /is malformed/],
    [["Einsum", [noise([2, 3])], { equation: "ij,jk" }], /has 2 terms for 1 inputs/],
    [["Einsum", [noise([2, 3])], { equation: "ijk" }], /does not fit input 0 of shape \[2, 3\]/],
    [["Einsum", [noise([2, 3])], { equation: "i...jk->i" }], /does not fit input 0/],
    [["Einsum", [noise([2, 3]), noise([4, 2])], { equation: "ij,jk" }], /has sizes 3 and 4 for "j"/],
    [["Einsum", [noise([2, 3])], { equation: "ij->k" }], /has "k" in its output/],
    [["Einsum", [noise([2, 3])], { equation: "ij->ii" }], /has "i" in its output, which is repeated/],
    [["Resize", [x, null, null, null]], /input 2 is absent/],
    [["Resize", [x, null, fixed(float([4], [1, 1, 0.01, 1]))]], /too small/],
    [["Resize", [x, null, null, fixedInts(3, 3)], { axes: [2, 9] }], /would have shape|out of range/],
  ];

  it.each(table.map(([c, message]) => [titleOf(c), c, message] as const))("%s", (_, c, message) => {
    const { node, values } = partsOf(c);
    const infer = () => inferTypes(node, values);
    expect(infer).toThrow(OnnxError);
    expect(infer).toThrow(message);
    expect(infer).toThrow(describeNode(node));
  });
});
