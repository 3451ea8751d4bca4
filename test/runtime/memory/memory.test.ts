/** The memory prediction: the heap, and against what the WASM heap takes. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { footprint, predictMemory, roomWithin, type Footprint } from "../../../src/runtime/memory/memory.ts";
import { graphOf } from "../../support/sized-graph.ts";

describe("a footprint", () => {
  it("has the weights, as they stay and as they are read, and the nodes of the file", () => {
    const sizes = { x: 4, w: 1000, a: 10 };
    const { staticBytes, runBytes } = footprint(graphOf(["Conv x w > a"], sizes, { outputs: ["a"], weights: ["w"] }));
    expect(staticBytes).toBeGreaterThanOrEqual(1000);
    expect(runBytes).toBeGreaterThanOrEqual(1000);
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
      const needed = 10 + sizes.reduce((a, b) => a + b, 0) + 3 * Math.max(0, ...sizes);
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

const root = fileURLToPath(new URL("../../..", import.meta.url));
const shipped = existsSync(`${root}models/enet-street/manifest.json`);
const execute = promisify(execFile);

interface Measured {
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
  /** Of what was measured; all of it where the heap did not even grow. */
  const error = ({ measured, predicted }: Measured): number =>
    measured > 16 * 2 ** 20 ? Math.abs(predicted / measured - 1) : 1;

  const cases = [
    ["enet-street", "given", 120, 160],
    ["enet-street", "least-likely", 240, 320],
    // Convolutions of integers, the second also with pooled ones.
    ["enet-street", "forward", 360, 480],
    ["fcn8s-vgg", "forward", 360, 480],
    // Many weights, and large values first.
    ["fcn8s-vgg-float", "forward", 360, 480],
  ] as const;

  it.skipIf(!shipped).each(cases)(
    "is within 15 % of what the heap takes: %s %s at %d×%d",
    async (...c) => expect(error(await measure(...c.map(String)))).toBeLessThanOrEqual(0.15),
    180_000,
  );

  it.skipIf(!shipped)(
    "is within 15 % of what an attack takes whose activations are recomputed, and the budget holds",
    async () => {
      const budget = 38;
      const attack = await measure("enet-street", "attack", "240", "320", String(budget));
      expect(error(attack)).toBeLessThanOrEqual(0.15);
      expect(attack.measured).toBeLessThanOrEqual(budget * 2 ** 20);
      expect((await measure("enet-street", "given", "240", "320")).predicted).toBeGreaterThan(budget * 2 ** 20);
    },
    180_000,
  );
});
