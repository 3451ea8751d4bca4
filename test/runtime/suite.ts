/** What every backend must do: run it on a Runtime, with reasons for what it cannot. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { RuntimeError, type Runtime } from "../../src/runtime/session.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { noise } from "../onnx/support.ts";
import { interpret } from "../support/interpreter.ts";
import { tinyModel } from "../support/networks/tiny.ts";

/** A test that a backend does not pass, and why. */
export interface Skip {
  readonly test: string;
  readonly reason: string;
}

/** z = x·w + y, x [2,3], y [2]; two outputs. */
const affine = (factor: number): Uint8Array => {
  const op = createBuilder();
  const [x, y] = [op.input("x", "float32", [2, 3]), op.input("y", "float32", [2, 1])];
  const scaled = op.Mul(x, op.constant(factor));
  return writeModel(
    op.model({ z: op.Add(scaled, y), labels: op.cast(op.ArgMax(scaled, { axis: 1, keepdims: 0 }), "uint8") }),
  );
};

const x = tensorOf("float32", [2, 3], [1, 2, 3, 6, 5, 4]);
const y = tensorOf("float32", [2, 1], [10, 20]);

export const describeSession = (
  name: string,
  makeRuntime: () => Promise<Runtime>,
  { skip }: { readonly skip: readonly Skip[] },
): void => {
  describe(`the ${name} runtime`, () => {
    let runtime: Runtime;
    const titles: string[] = [];
    beforeAll(async () => {
      runtime = await makeRuntime();
    });
    beforeEach(({ task, skip: leave }) => {
      titles.push(task.name);
      const found = skip.find((s) => s.test === task.name);
      leave(found !== undefined, found?.reason);
    });
    afterAll(() => {
      // A skip must say why, and what it skips must exist.
      expect(skip.filter((s) => s.reason === "" || !titles.includes(s.test))).toEqual([]);
    });

    it("says what it is", async () => {
      expect(["wasm", "webgpu", "native"]).toContain(runtime.backend);
      expect(runtime.version).toMatch(/\d+\.\d+/);
    });

    it("gives every output by name, typed and shaped", async () => {
      const session = await runtime.createSession(affine(2));
      expect([[...session.inputs].toSorted(), [...session.outputs].toSorted()]).toEqual([
        ["x", "y"],
        ["labels", "z"],
      ]);
      const { z, labels } = await session.run({ x, y });
      expect(z).toEqual(tensorOf("float32", [2, 3], [12, 14, 16, 32, 30, 28]));
      expect(labels).toEqual(tensorOf("uint8", [2], [2, 0]));
      await session.release();
    });

    it("agrees with the definition of the operators", async () => {
      const model = tinyModel();
      const feeds: Record<string, Tensor> = { input: noise([1, 3, 16, 12]) };
      const session = await runtime.createSession(writeModel(model));
      const [actual, expected] = [await session.run(feeds), interpret(model.graph, feeds)];
      const [a, b] = [numbersOf(actual["output"]!), numbersOf(expected["output"]!)];
      expect(actual["output"]!.shape).toEqual(expected["output"]!.shape);
      for (const [i, v] of b.entries()) expect(Math.abs(a[i]! - v)).toBeLessThan(1e-4);
      await session.release();
    });

    it("keeps what it gave, and what it was given, through later runs", async () => {
      const session = await runtime.createSession(affine(2));
      const given = x.data.slice();
      const first = await session.run({ x, y });
      const kept = numbersOf(first["z"]!);
      await session.run({ x: tensorOf("float32", [2, 3], [9, 9, 9, 9, 9, 9]), y });
      expect(numbersOf(first["z"]!)).toEqual(kept);
      expect(x.data).toEqual(given);
      await session.release();
    });

    it("ignores feeds that are no input", async () => {
      const session = await runtime.createSession(affine(2));
      const { z } = await session.run({ x, y, other: tensorOf("int64", [1], [7]) });
      expect(numbersOf(z!)[0]).toBe(12);
      await session.release();
    });

    it("refuses a run without an input, by its name, and runs afterwards", async () => {
      const session = await runtime.createSession(affine(2));
      await expect(session.run({ x })).rejects.toThrow(RuntimeError);
      await expect(session.run({ x })).rejects.toThrow(/"y" is missing; given: x/);
      expect(numbersOf((await session.run({ x, y }))["z"]!)[0]).toBe(12);
      await session.release();
    });

    it("refuses an input of another shape or type, and runs afterwards", async () => {
      const session = await runtime.createSession(affine(2));
      await expect(session.run({ x: tensorOf("float32", [3, 2], [1, 2, 3, 4, 5, 6]), y })).rejects.toThrow(
        RuntimeError,
      );
      await expect(session.run({ x: tensorOf("int32", [2, 3], [1, 2, 3, 4, 5, 6]), y })).rejects.toThrow(RuntimeError);
      expect(numbersOf((await session.run({ x, y }))["z"]!)[0]).toBe(12);
      await session.release();
    });

    it("refuses bytes that are no model, and makes sessions afterwards", async () => {
      const bad = [new Uint8Array(0), new TextEncoder().encode("not a model at all"), affine(2).subarray(0, 40)];
      for (const bytes of bad) await expect(runtime.createSession(bytes)).rejects.toThrow(RuntimeError);
      await (await runtime.createSession(affine(2))).release();
    });

    it("keeps the cause of a failure", async () => {
      const failure: unknown = await runtime
        .createSession(new TextEncoder().encode("nothing"))
        .catch((e: unknown) => e);
      expect((failure as Error).cause).toBeDefined();
      expect((failure as Error).message).toMatch(/^the model was refused: ./);
    });

    it("cannot run a session that is released, and runs the others", async () => {
      const [gone, kept] = [await runtime.createSession(affine(2)), await runtime.createSession(affine(3))];
      await gone.release();
      await expect(gone.run({ x, y })).rejects.toThrow(RuntimeError);
      expect(numbersOf((await kept.run({ x, y }))["z"]!)).toEqual([13, 16, 19, 38, 35, 32]);
      await kept.release();
    });

    it("gives each of many runs at once its own result", async () => {
      const sessions = await Promise.all([1, 2, 3].map((factor) => runtime.createSession(affine(factor))));
      const runs = Array.from({ length: 12 }, async (_, i) => {
        const shifted = tensorOf("float32", [2, 1], [i, 2 * i]);
        const { z } = await sessions[i % 3]!.run({ x, y: shifted });
        const factor = 1 + (i % 3);
        expect(numbersOf(z!)).toEqual([...x.data].map((v, j) => factor * v + (j < 3 ? i : 2 * i)));
      });
      // One that fails among them disturbs none.
      await Promise.all([...runs, expect(sessions[0]!.run({ x })).rejects.toThrow(RuntimeError)]);
      await Promise.all(sessions.map((s) => s.release()));
    });

    it("tells its memory, which grows with what runs", async () => {
      const op = createBuilder();
      const big = op.input("x", "float32", [1 << 22]);
      const parts = [1, 2, 3, 4].map((k) => op.Add(big, op.constant(k)));
      const session = await runtime.createSession(writeModel(op.model({ y: op.Concat(...parts, { axis: 0 }) })));
      const before = runtime.memoryBytes();
      await session.run({ x: tensorOf("float32", [1 << 22], new Float32Array(1 << 22)) });
      // Four parts, and their concatenation: 144 MiB with the input. A process may have had a peak above its size before.
      expect(runtime.memoryBytes()).toBeGreaterThanOrEqual(100 * 2 ** 20);
      expect(runtime.memoryBytes()).toBeGreaterThan(before);
      await session.release();
    });
  });
};
