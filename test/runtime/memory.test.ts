/** The memory prediction: on graphs worked by hand, and against what the WASM heap takes. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  executionOrder,
  footprint,
  liveness,
  peakOf,
  predictMemory,
  roomWithin,
  type Footprint,
  type SizedGraph,
  type SizedNode,
  type SizedType,
} from "../../src/runtime/memory.ts";

/** `"Conv a w > b"`: operator, inputs, outputs. */
const nodeOf = (text: string): SizedNode => {
  const [left, right] = text.split(" > ") as [string, string];
  const [op, ...inputs] = left.split(" ") as [string, ...string[]];
  return { op, inputs, outputs: right.split(" ") };
};

/** Values of `sizes` bytes, all uint8; inputs, outputs and weights by name. */
const graphOf = (
  nodes: readonly string[],
  sizes: Readonly<Record<string, number>>,
  { inputs = ["x"], outputs, weights = [] }: { inputs?: string[]; outputs: string[]; weights?: string[] },
): SizedGraph => {
  const type = (name: string): SizedType => ({ dtype: "uint8", shape: [sizes[name]!] });
  return {
    inputs: inputs.map((name) => ({ name })),
    outputs: outputs.map((name) => ({ name })),
    initializers: new Map(weights.map((name) => [name, type(name)])),
    nodes: nodes.map(nodeOf),
    types: new Map(Object.keys(sizes).map((name) => [name, type(name)])),
  };
};

const order = (...nodes: readonly string[]) => executionOrder(nodes.map(nodeOf)).map((n) => n.outputs[0]);

describe("the order of execution", () => {
  it("is that of the file along a chain", () => {
    expect(order("A x > a", "B a > b", "C b > c")).toEqual(["a", "b", "c"]);
  });

  it("takes of a diamond's two branches first the one that stands last in the file", () => {
    expect(order("A x > a", "L a > l", "R a > r", "Add l r > y")).toEqual(["a", "r", "l", "y"]);
    expect(order("A x > a", "R a > r", "L a > l", "Add l r > y")).toEqual(["a", "l", "r", "y"]);
  });

  it("goes back depth first: a late mask is made as soon as what it reads", () => {
    // The mask reads a, and stands after the forward pass in the file.
    const nodes = ["A x > a", "B a > b", "C b > c", "D c > d", "Where mask d > y", "Greater a > mask"];
    expect(order(...nodes)).toEqual(["a", "mask", "b", "c", "d", "y"]);
  });

  it("starts from the sink that stands last, and skips identities", () => {
    expect(order("A x > a", "Identity a > i", "B i > b", "C a > c")).toEqual(["a", "c", "b"]);
  });
});

describe("liveness", () => {
  it("of a chain holds two neighbours beside the input", () => {
    const sizes = { x: 5, a: 100, b: 30, c: 200 };
    const graph = graphOf(["Conv x > a", "Conv a > b", "Conv b > c"], sizes, { outputs: ["c"] });
    expect(liveness(graph)).toEqual({ peakBytes: 5 + 30 + 200, largestBytes: 200 });
    const { bytes, at, alive } = peakOf(graph);
    expect([bytes, at]).toEqual([5 + 30 + 200, "Conv → c"]);
    expect(alive.map((v) => v.name)).toEqual(["c", "b", "x"]);
  });

  it("of a diamond keeps the first branch while the second is made", () => {
    const sizes = { x: 1, a: 50, l: 70, r: 30, y: 10 };
    const { bytes, at } = peakOf(
      graphOf(["Conv x > a", "Conv a > l", "Conv a > r", "Concat l r > y"], sizes, { outputs: ["y"] }),
    );
    // r is made first (30), then l beside a and r.
    expect([bytes, at]).toEqual([1 + 50 + 30 + 70, "Conv → l"]);
  });

  it("writes an elementwise chain in place, but not over what is still needed", () => {
    const sizes = { x: 0, a: 100, b: 100, c: 100 };
    const inPlace = graphOf(["Conv x > a", "Relu a > b", "Neg b > c"], sizes, { outputs: ["c"] });
    expect(liveness(inPlace).peakBytes).toBe(100);
    const kept = graphOf(["Conv x > a", "Relu a > b", "Mul a b > c"], sizes, { outputs: ["c"] });
    expect(liveness(kept).peakBytes).toBe(200);
    const other = graphOf(["Conv x > a", "Softmax a > b"], sizes, { outputs: ["b"] });
    expect(liveness(other).peakBytes).toBe(200);
  });

  it("gives a reshaped value no memory of its own, and lets it live as long as its aliases", () => {
    const sizes = { x: 0, a: 100, r: 100, s: 100, b: 40, y: 10 };
    const graph = graphOf(["Conv x > a", "Reshape a > r", "Unsqueeze r > s", "Conv x > b", "Concat b s > y"], sizes, {
      outputs: ["y"],
    });
    expect(liveness(graph).peakBytes).toBe(100 + 40 + 10);
    expect(peakOf(graph).alive.map((v) => v.name)).toEqual(["a", "b", "y", "x"]);
  });

  it("keeps inputs and outputs to the end, and drops at once what nothing reads", () => {
    const sizes = { x: 8, a: 100, unused: 300, b: 10, c: 20 };
    const graph = graphOf(["Split x > a unused", "Conv a > b", "Conv b > c"], sizes, { outputs: ["a", "c"] });
    expect(liveness(graph).peakBytes).toBe(8 + 100 + 300);
    const later = {
      ...graph,
      nodes: graph.nodes.map((n) => ({ ...n, outputs: n.outputs.filter((o) => o !== "unused") })),
    };
    expect(liveness(later).peakBytes).toBe(8 + 100 + 10 + 20);
  });

  it("counts weights apart, and the scratch of kernels that have it", () => {
    const sizes = { x: 4, w: 1000, a: 10, c: 10, y: 10 };
    const graph = graphOf(["Conv x w > a"], sizes, { outputs: ["a"], weights: ["w"] });
    expect(liveness(graph).peakBytes).toBe(14);
    expect(footprint(graph).staticBytes).toBeGreaterThanOrEqual(1000);
    const where = graphOf(["Where c a x > y"], sizes, { inputs: ["x", "a", "c"], outputs: ["y"] });
    expect(liveness(where).peakBytes).toBe(4 + 10 + 10 + 10 + 2 * 10);
  });
});

describe("the heap", () => {
  const session = (mebibytes: number): Footprint => ({
    staticBytes: mebibytes * 2 ** 20,
    runBytes: 3 * mebibytes * 2 ** 20,
    liveness: { peakBytes: 0, largestBytes: 0 },
  });

  it("holds every session's weights, and one run at a time", () => {
    for (const sizes of [[], [1], [5, 5], [40, 10, 3]]) {
      const needed = 12 + sizes.reduce((a, b) => a + b, 0) + 3 * Math.max(0, ...sizes);
      const predicted = predictMemory(sizes.map(session)) / 2 ** 20;
      expect(predicted).toBeGreaterThanOrEqual(Math.max(16, needed));
      expect(predicted).toBeLessThan(Math.max(16.01, 1.05 * needed));
    }
  });

  it("has the room within a budget that its steps leave", () => {
    const taking = (bytes: number) => predictMemory([{ ...session(0), staticBytes: bytes }]);
    for (const budget of [16, 17, 64, 96, 500].map((m) => m * 2 ** 20)) {
      const room = roomWithin(budget);
      expect(taking(room)).toBeLessThanOrEqual(budget);
      expect(taking(room + 1)).toBeGreaterThan(budget);
    }
    expect(roomWithin(15 * 2 ** 20)).toBeLessThan(0);
    expect(roomWithin(Infinity)).toBeLessThan(2 ** 32);
  });
});

const root = fileURLToPath(new URL("../..", import.meta.url));
const shipped = existsSync(`${root}models/enet-street/manifest.json`);
const execute = promisify(execFile);

interface Measured {
  readonly created: number;
  readonly measured: number;
  readonly predicted: number;
}

/** In a process of its own: the heap never shrinks. */
const measure = async (...args: readonly string[]): Promise<Measured> => {
  const { stdout } = await execute(process.execPath, ["--import", "tsx", "bench/memory-case.ts", ...args], {
    cwd: root,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
};

describe("the prediction", () => {
  const cases = [
    ["given", 120, 160],
    ["least-likely", 240, 320],
    // Activations are recomputed: without that 41 MiB are predicted.
    ["given", 240, 320, 38],
  ] as const;

  it.skipIf(!shipped).each(cases)(
    "is within 15 % of what the heap takes: enet-street %s at %d×%d",
    async (...c) => {
      const { measured, predicted } = await measure("enet-street", ...c.map(String));
      expect(measured).toBeGreaterThan(16 * 2 ** 20);
      expect(Math.abs(predicted / measured - 1)).toBeLessThanOrEqual(0.15);
    },
    180_000,
  );
});
