import { describe, expect, it } from "vitest";
import { dequantizeWeights, quantizeWeights } from "../../src/quantize/weights.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noise } from "../onnx/support.ts";

describe("int8 weights", () => {
  it("take one scale a channel: the largest becomes ±127", () => {
    const w = tensorOf("float32", [2, 3], [1, -2, 0.5, 0.25, 0.125, 0]);
    const { values, scales } = quantizeWeights(w, 0);
    expect([...values.data]).toEqual([64, -127, 32, 127, 64, 0]);
    expect([...scales.data]).toEqual([Math.fround(2 / 127), Math.fround(0.25 / 127)]);
  });

  it("take the channels of ConvTranspose from axis 1", () => {
    const w = tensorOf("float32", [2, 2, 1, 1], [1, 10, -0.5, 20]);
    const { values, scales } = quantizeWeights(w, 1);
    expect([...values.data]).toEqual([127, 64, -64, 127]);
    expect([...scales.data]).toEqual([Math.fround(1 / 127), Math.fround(20 / 127)]);
  });

  it.each([0, 1])("are off by half a step at most (axis %i)", (axis) => {
    const w = noise([5, 4, 3, 2], 11);
    const quantized = quantizeWeights(w, axis);
    const back = dequantizeWeights(quantized, axis);
    const stride = axis === 0 ? 24 : 6;
    const channels = w.shape[axis]!;
    for (const [i, v] of w.data.entries()) {
      const step = quantized.scales.data[Math.floor(i / stride) % channels]!;
      expect(Math.abs(back.data[i]! - v)).toBeLessThanOrEqual(step * 0.5001);
    }
  });

  it("quantise to themselves once quantised", () => {
    const once = quantizeWeights(noise([4, 9], 12), 0);
    const twice = quantizeWeights(dequantizeWeights(once, 0), 0);
    expect(twice.values).toEqual(once.values);
  });

  it("give a channel of zeros the smallest scale of the others, and keep scales above a floor", () => {
    const w = tensorOf("float32", [3, 1], [0, 127, 254]);
    expect([...quantizeWeights(w, 0).scales.data]).toEqual([1, 1, 2]);
    const floored = quantizeWeights(w, 0, [4, 4, 0]);
    expect([...floored.scales.data]).toEqual([4, 4, 2]);
    expect([...floored.values.data]).toEqual([0, 32, 127]);
  });

  it("refuses an axis that is not there", () => {
    expect(() => quantizeWeights(noise([2]), 1)).toThrow("has no axis 1");
  });
});
