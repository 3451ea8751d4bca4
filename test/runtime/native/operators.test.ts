/**
 * Operators' cases, forward and gradient, give on native onnxruntime what they give on WASM: every case on integers and of PRelu, and every sixth of the
 * others. FAULTLINE_ALL_ON_NATIVE=1 runs them all.
 */

import { describe, expect, test } from "vitest";
import { lowerForNative } from "../../../src/lowering/native.ts";
import { sumsExactly } from "../../../src/node/native-integers.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { startNative } from "../../../src/runtime/native/native.ts";
import type { Runtime } from "../../../src/runtime/session.ts";
import { tensorOf } from "../../../src/tensor.ts";
import { differing, graphsOf, type Feeds } from "../../support/case-graphs.ts";
import { cases, titleOf } from "../../support/cases/all.ts";
import { hasNative, nativeNote } from "../../support/native.ts";
import { runWasm, undeclared } from "../../support/wasm.ts";

const all = process.env["FAULTLINE_ALL_ON_NATIVE"] === "1";

const lowered = (model: Model): Model => ({ ...model, graph: lowerForNative(model.graph) });

const runOn = async (runtime: Runtime, model: Model, feeds: Feeds) => {
  const session = await runtime.createSession(writeModel(lowered(model)));
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
};

/** Titles of cases whose outputs are not WASM's, and how many graphs were compared. */
const wrongOn = async (runtime: Runtime, some: typeof cases): Promise<readonly [readonly string[], number]> => {
  const wrong: string[] = [];
  let graphs = 0;
  for (const c of some)
    for (const [i, [plain, feeds]] of graphsOf(c).entries()) {
      const model = c.undeclared ? undeclared(plain) : plain;
      const expected = await runWasm(model, feeds);
      const found = await runOn(runtime, model, feeds).then((actual) => differing(actual, expected, 5e-6), String);
      wrong.push(...[found].flat().map((what) => `${titleOf(c)}, graph ${i}: ${what}`));
      graphs += 1;
    }
  return [wrong, graphs];
};

const isInteger = (title: string): boolean => /Quantize|QLinear|Integer|QGemm/.test(title);
const integers = cases.filter((c) => isInteger(titleOf(c)));

describe.skipIf(!hasNative)(`operators on native onnxruntime${nativeNote}`, () => {
  test("give what they give on WASM", async () => {
    const chosen = cases.filter((c, i) => all || i % 6 === 0 || isInteger(titleOf(c)) || c.operator === "PRelu");
    const [wrong, graphs] = await wrongOn(await startNative(), chosen);
    expect(wrong).toEqual([]);
    expect(graphs).toBeGreaterThan(250);
  });

  test("with int8 weights as uint8, as on x86 without VNNI, give the same", async () => {
    const runtime = await startNative({ exactWeights: true });
    // onnxruntime 1.30 refuses weights with scales per block there ("Attempt to replace the existing tensor").
    const [wrong, graphs] = await wrongOn(
      runtime,
      integers.filter((c) => !titleOf(c).includes("per block")),
    );
    expect(wrong).toEqual([]);
    expect(graphs).toBeGreaterThan(30);
  });

  test("products of 8-bit integers are added exactly; kernels whose pairs of products saturate at 2¹⁵ − 1 are found", async () => {
    const runtime = await startNative();
    expect(await sumsExactly(runtime)).toBe(true);
    const y = tensorOf("int32", [1, 1], [32 * (2 ** 15 - 1)]);
    const session = {
      inputs: ["a"],
      outputs: ["y"],
      run: () => Promise.resolve({ y }),
      release: () => Promise.resolve(),
    };
    expect(await sumsExactly({ ...runtime, createSession: () => Promise.resolve(session) })).toBe(false);
  });
});
