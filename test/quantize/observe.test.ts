import { describe, expect, it } from "vitest";
import { observe, withOutputs } from "../../src/quantize/observe.ts";
import { numbersOf } from "../../src/tensor.ts";
import { noise } from "../onnx/support.ts";
import { interpret } from "../support/interpreter.ts";
import { bottleneck, open, shape } from "./networks.ts";

describe("observing activations", () => {
  it("counts every element of inputs and inner values over all images", async () => {
    const images = [1, 2, 3].map((seed) => ({ x: noise(shape, seed) }));
    const histograms = await observe(bottleneck(), ["x", "a1", "c3"], images, open);
    const exposed = withOutputs(bottleneck(), ["a1", "c3"]).graph;
    const values = { x: images.flatMap(({ x }) => numbersOf(x)), a1: [] as number[], c3: [] as number[] };
    for (const feeds of images) {
      const { a1, c3 } = interpret(exposed, feeds);
      values.a1.push(...numbersOf(a1!));
      values.c3.push(...numbersOf(c3!));
    }
    for (const [name, seen] of Object.entries(values)) {
      const histogram = histograms.get(name)!;
      expect(histogram.total).toBe(seen.length);
      expect(histogram.extremes.low).toBeCloseTo(Math.min(...seen), 4);
      expect(histogram.extremes.high).toBeCloseTo(Math.max(...seen), 4);
    }
  });

  it("runs nothing where only inputs are asked for", async () => {
    const never = () => Promise.reject(new Error("opened"));
    const histograms = await observe(bottleneck(), ["x"], [{ x: noise(shape) }], never);
    expect(histograms.get("x")!.total).toBe(270);
  });

  it("names a value that is not there", () => {
    expect(() => withOutputs(bottleneck(), ["a1", "nowhere"])).toThrow('has no value "nowhere"');
  });
});
