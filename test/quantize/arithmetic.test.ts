import { describe, expect, it } from "vitest";
import { convolutionsOf } from "../../src/quantize/convolution.ts";
import { fastestArithmetic, intensity } from "../../src/quantize/arithmetic.ts";
import type { PlainAttributes } from "../../src/onnx/graph.ts";
import { modelOf, node, noise } from "../onnx/support.ts";

const convolution = (op: string, shape: readonly number[], attributes: PlainAttributes = {}) => {
  const model = modelOf({
    inputs: { x: noise([1, 1, 1, 1]) },
    initializers: { w: noise(shape) },
    nodes: [node(op, ["x", "w"], ["y"], attributes)],
    outputs: ["y"],
  });
  return convolutionsOf(model.graph)[0]!;
};

describe("the fastest arithmetic in WASM", () => {
  it.each([
    ["3×3 of 32 channels", "Conv", [32, 32, 3, 3], {}, 144, "integer"],
    ["3×3 of 16 channels", "Conv", [16, 16, 3, 3], {}, 72, "integer"],
    ["5×1 of 32 channels", "Conv", [32, 32, 5, 1], {}, 80, "integer"],
    ["2×2 strided", "Conv", [16, 64, 2, 2], { strides: [2, 2] }, 4096 / 272, "weights"],
    ["1×1, 128 to 32", "Conv", [32, 128, 1, 1], {}, 25.6, "weights"],
    ["1×1, 32 to 128", "Conv", [128, 32, 1, 1], {}, 25.6, "weights"],
    ["the first", "Conv", [13, 3, 3, 3], { strides: [2, 2] }, 351 / 25, "float"],
    ["3×3 of 4 channels", "Conv", [4, 4, 3, 3], {}, 18, "float"],
    ["depthwise 5×5 of 64", "Conv", [64, 1, 5, 5], { group: 64 }, 1600 / 128, "weights"],
    ["grouped, as intense as may be", "Conv", [256, 128, 3, 3], { group: 2 }, 576, "weights"],
  ] as const)("%s", (_, op, shape, attributes, expected, arithmetic) => {
    const c = convolution(op, shape, attributes);
    expect(intensity(c)).toBeCloseTo(expected, 6);
    expect(fastestArithmetic(c)).toBe(arithmetic);
  });

  it("never integers for a transposed convolution", () => {
    expect(fastestArithmetic(convolution("ConvTranspose", [64, 64, 3, 3]))).toBe("weights");
    expect(fastestArithmetic(convolution("ConvTranspose", [16, 11, 2, 2], { strides: [2, 2] }))).toBe("float");
  });
});
