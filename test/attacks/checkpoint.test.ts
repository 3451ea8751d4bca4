/** An attack that is stopped, written, read and continued gives the bytes of the one that is not. */

import { describe, expect, it } from "vitest";
import { attackEntry, attackNames, makeAttack } from "../../src/attacks/catalogue.ts";
import type { Objective, Trajectory } from "../../src/attacks/attack.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/attacks/checkpoint.ts";
import { follow, type Checkpoint } from "../../src/attacks/run.ts";
import { tensorOf } from "../../src/tensor.ts";
import { counted, crossing, optimum, twoPixels as image } from "./objectives.ts";

/** What a trajectory gives and writes, as a whole and continued from each of its checkpoints. */
const continuations = async (trajectory: Trajectory, objective: Objective = optimum) => {
  const run = async (from?: Checkpoint) => {
    const written: Uint8Array[] = [];
    const watched = counted(objective);
    const { data } = await follow(trajectory, watched, image, {
      from,
      onStep: ({ checkpoint }) => void written.push(writeCheckpoint(checkpoint)),
    });
    return { data, written, evaluations: watched.at.length };
  };
  const whole = await run();
  const continued: Awaited<ReturnType<typeof run>>[] = [];
  for (const bytes of whole.written.slice(0, -1)) continued.push(await run(readCheckpoint(bytes)));
  const { data, written, evaluations } = whole;
  const expected = continued.map((_, i) => ({
    data,
    written: written.slice(i + 1),
    evaluations: evaluations - i - 1,
  }));
  return { whole, continued, expected };
};

const settings = { epsilon: 4, alpha: 0.9, steps: 7, seed: 5, pixelRange: [0, 255] } as const;

describe.each(attackNames)("%s", (name) => {
  it("continues from each of its checkpoints as if it had never stopped", async () => {
    const objective = attackEntry(name).type === "minimum-norm" ? crossing : optimum;
    for (const trajectory of makeAttack(name, settings).trajectories) {
      const { whole, continued, expected } = await continuations(trajectory, objective);
      expect(whole.evaluations).toBe(trajectory.steps);
      expect(continued).toEqual(expected);
    }
  });
});

it("an attack that ran out of patience ends at the same step", async () => {
  const [trajectory] = makeAttack("padam", { ...settings, alpha: 3, steps: 40, start: 0, patience: 3 }).trajectories;
  const { whole, continued, expected } = await continuations(trajectory);
  // The tenth, eleventh and twelfth value are below the ninth.
  expect(whole.evaluations).toBe(12);
  expect(continued).toEqual(expected);
});

describe("a checkpoint", () => {
  const checkpoint: Checkpoint = {
    step: 3,
    x: Float32Array.of(1, NaN, -0),
    state: {
      none: null,
      numbers: [0, -0, 1e-300, NaN, Infinity, -Infinity],
      text: "ε",
      nested: { flags: [true, false], bytes: Uint8Array.of(1, 2, 3), wide: Int32Array.of(-5) },
    },
    clock: { step: 2, steps: 9 },
    feeds: { weights: tensorOf("float32", [1, 2], [0.5, 2]), target: tensorOf("int32", [1], [7]) },
  };

  it("is read as it was written, wherever the bytes lie, and written the same again", () => {
    const bytes = writeCheckpoint(checkpoint);
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(readCheckpoint(moved.subarray(3))).toEqual(checkpoint);
    expect(readCheckpoint(Buffer.from(bytes))).toEqual(checkpoint);
    expect(writeCheckpoint(readCheckpoint(bytes))).toEqual(bytes);
  });

  it("is refused where it is cut short or is none", () => {
    const bytes = writeCheckpoint(checkpoint);
    for (const length of [0, 3, 4, 40, bytes.length - 4])
      expect(() => readCheckpoint(bytes.subarray(0, length))).toThrow(RangeError);
    const other = bytes.slice();
    other[4] = 0xff;
    expect(() => readCheckpoint(other)).toThrow(/not JSON/);
  });
});
