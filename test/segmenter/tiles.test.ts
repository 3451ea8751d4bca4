/** Tiles: where they begin, what they count, in what order they are run. */

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { executionOrder } from "../../src/runtime/memory/liveness.ts";
import { compileForward } from "../../src/segmenter/compile.ts";
import { tiled, tileStarts } from "../../src/segmenter/tiles.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

describe("tiles begin", () => {
  it.each([
    [8, 8, 3, [0]],
    [9, 8, 3, [0, 1]],
    [13, 8, 3, [0, 5]],
    [14, 8, 3, [0, 5, 6]],
    [16, 8, 0, [0, 8]],
    [5, 2, 1, [0, 1, 2, 3]],
  ] as const)("of %i pixels, %i a tile, %i shared: at %j", (length, side, overlap, starts) => {
    expect(tileStarts(length, side, overlap)).toEqual(starts);
  });
});

describe("what tiles give", () => {
  const [height, width] = [11, 14];
  const { data } = noiseImage(height, width);
  const blend = (overlap: number, logits: (x: Value, index: number) => Value, of = data) => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 3, height, width]);
    let count = 0;
    const y = tiled(op, x, { height: 6, width: 5 }, overlap, (part) => logits(part, count++));
    return numbersOf(interpret(op.graph({ y }), { x: tensorOf("float64", [1, 3, height, width], of) })["y"]!);
  };

  it.each([0, 1, 2, 4])("is what they are given, where the network changes nothing: overlap %i", (overlap) => {
    for (const [i, v] of blend(overlap, (x) => x).entries()) expect(Math.abs(v - data[i]!)).toBeLessThan(1e-4);
  });

  it("passes from one to the next in equal steps", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 1, 1, 7]);
    let count = 0;
    // Two tiles of five pixels that share three: the first gives 0, the second 1.
    const y = tiled(op, x, { height: 1, width: 5 }, 3, (part) =>
      op.Add(op.Mul(part, op.constant(0)), op.constant(count++)),
    );
    const values = numbersOf(
      interpret(op.graph({ y }), {
        x: tensorOf(
          "float64",
          [1, 1, 1, 7],
          Array.from({ length: 7 }, () => 9),
        ),
      })["y"]!,
    );
    for (const [i, v] of [0, 0, 0.25, 0.5, 0.75, 1, 1].entries()) expect(values[i]).toBeCloseTo(v, 6);
  });
});

describe("the graph of tiles", () => {
  const network = tinyNetwork({}, { input: { fit: "tile", height: 32, width: 32, overlap: 8 } });
  const compile = (height: number, width: number) => compileForward(network, { height, width });

  it("runs one after another", () => {
    const { model } = compile(80, 80);
    const convolutions = executionOrder(model.graph.nodes).flatMap((n) => (n.op === "Conv" ? n.outputs : []));
    const tiles = convolutions.length / 9;
    const made = new Map(model.graph.nodes.map((n) => [n.outputs[0]!, n]));
    const sliceOf = (name: string): string => {
      const node = made.get(name)!;
      return node.op === "Slice" ? name : sliceOf(node.inputs[0]!);
    };
    const order = convolutions.map(sliceOf);
    const changes = order.filter((name, i) => name !== order[i - 1]).length;
    expect(Number.isInteger(tiles)).toBe(true);
    expect([new Set(order).size, changes]).toEqual([9, 9]);
  });

  it("holds one tile's activations, a strip, two maps of logits and their sum, beside the image and what it is prepared to", () => {
    const side = 152;
    const [whole, strip] = [4 * side * side, 4 * side * 32];
    const most = compile(32, 32).footprint.liveness.peakBytes + strip * (3 + 2 * 4) + whole * (3 + 3 + 3 * 4);
    expect(compile(side, side).footprint.liveness.peakBytes).toBeLessThan(most);
  });
});
