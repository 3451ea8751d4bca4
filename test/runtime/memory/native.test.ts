/** The prediction of native onnxruntime's memory; `npm run bench -- memory --native` compares it with what sessions take. */

import { describe, expect, it } from "vitest";
import type { Footprint } from "../../../src/runtime/memory/memory.ts";
import { nativeRoomBeside, predictNativeMemory } from "../../../src/runtime/memory/native.ts";

const MIB = 2 ** 20;
const session = (staticMib: number, peakMib: number): Footprint => ({
  staticBytes: staticMib * MIB,
  runBytes: 1.1 * peakMib * MIB,
  liveness: { peakBytes: peakMib * MIB, largestBytes: 0 },
});

/** Peak of the resident memory, less that before onnxruntime was loaded, of processes at 360×480 and of convolutions with many weights. */
const measured: readonly (readonly [string, readonly Footprint[], number])[] = [
  ["E-Net, predictions", [session(2.4, 17.3)], 69],
  ["E-Net, gradients", [session(4.8, 44.7)], 136],
  ["E-Net, both", [session(2.4, 17.3), session(4.8, 44.7)], 176],
  ["PSPNet, both", [session(3.2, 17.3), session(6.7, 30.8)], 167],
  ["16 convolutions of 1024 channels, gradients", [session(128, 20)], 528],
];

describe("native memory", () => {
  it.each(measured)("is predicted within 0.9 to 1.2 of what it was: %s", (_, sessions, mebibytes) => {
    const ratio = predictNativeMemory(sessions) / (mebibytes * MIB);
    expect(ratio).toBeGreaterThanOrEqual(0.9);
    expect(ratio).toBeLessThanOrEqual(1.2);
  });

  it("is that of all sessions that are held: an arena keeps what its session took", () => {
    const [a, b] = [session(2, 100), session(3, 200)];
    const none = predictNativeMemory([]);
    expect(predictNativeMemory([a, b]) - none).toBeCloseTo(
      predictNativeMemory([a]) + predictNativeMemory([b]) - 2 * none,
    );
  });

  it("has room for a session that then fits, and none where the budget is exceeded without it", () => {
    const held = [session(2, 40)];
    const budget = 512 * MIB;
    const room = nativeRoomBeside(held, budget) / MIB;
    const planned = session(0.05 * room, (0.95 * room) / 1.1);
    expect(predictNativeMemory([...held, planned])).toBeLessThanOrEqual(budget);
    expect(predictNativeMemory([...held, planned])).toBeGreaterThan(0.85 * budget);
    expect(nativeRoomBeside(held, 64 * MIB)).toBeLessThan(0);
  });
});
