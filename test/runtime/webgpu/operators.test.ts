/**
 * Every operator's cases, forward and gradient, lowered for WebGPU and run there, give what the plain graphs give on WASM; so do
 * the convolutions that onnxruntime's own kernels get wrong. Every eighth case by default, and those whose kernels fail in some
 * form; FAULTLINE_ALL_ON_GPU=1 runs them all.
 */

import { describe, expect, test } from "vitest";
import { offGpu } from "../../../src/lowering/webgpu/kernels.ts";
import { lowerForWebGpu } from "../../../src/lowering/webgpu/webgpu.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { startWebGpuInNode } from "../../../src/runtime/webgpu/node.ts";
import { tensorOf, type Tensor } from "../../../src/tensor.ts";
import { noise } from "../../onnx/support.ts";
import { differing, graphsOf, type Feeds } from "../../support/case-graphs.ts";
import { cases, titleOf } from "../../support/cases/all.ts";
import { gpu, gpuNote, hasGpu } from "../../support/gpu.ts";
import { runWasm, undeclared } from "../../support/wasm.ts";

const all = process.env["FAULTLINE_ALL_ON_GPU"] === "1";

/** What SwiftShader's own functions err by. */
const boundOf = (title: string): number => (/^A?(Sin|Cos|Tan)h?:|^Acos/.test(title) ? 3e-4 : 1e-5);

/** onnxruntime moves what changes the layout through the mask of these gradients, and then has no kernel for Booleans. */
const refused = (title: string, graph: number): boolean => title.startsWith("ConvInteger") && graph > 0;

const runGpu = async (model: Model, feeds: Feeds): Promise<Record<string, Tensor>> => {
  const runtime = await startWebGpuInNode({ device: gpu.device });
  const session = await runtime.createSession(writeModel(model));
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
};

/** Names of outputs that are not as on WASM. */
const wrongOn = async (model: Model, lowered: Model, feeds: Feeds, bound: number): Promise<string[]> => {
  const expected = await runWasm(model, feeds);
  return differing(await runGpu(lowered, feeds), expected, bound);
};

const chosen = cases.filter((c, i) => all || i % 8 === 0 || /^(Pow|Slice|InstanceN|LayerN|GroupN)/.test(titleOf(c)));
const perTest = 64;
const batches = Array.from({ length: Math.ceil(chosen.length / perTest) }, (_, i) =>
  chosen.slice(i * perTest, (i + 1) * perTest),
);

describe.skipIf(!hasGpu)(`operators${gpuNote}`, () => {
  test.each(batches.map((batch) => [titleOf(batch[0]!), batch] as const))("from %s on", async (_, batch) => {
    const wrong: string[] = [];
    let run = 0;
    for (const c of batch) {
      for (const [i, [model, feeds]] of graphsOf(c).entries()) {
        const lowered = lowerForWebGpu(model);
        if (offGpu(lowered.graph).length > 0 || refused(titleOf(c), i)) continue;
        const declared = (m: Model): Model => (c.undeclared ? undeclared(m) : m);
        const found = await wrongOn(declared(model), declared(lowered), feeds, boundOf(titleOf(c))).catch(String);
        wrong.push(...[found].flat().map((what) => `${titleOf(c)}, graph ${i}: ${what}`));
        run += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(run).toBeGreaterThan(0);
  });

  test("convolutions of 1 to 30 channels, in groups, forward and back", async () => {
    const wrong: string[] = [];
    const check = async (
      type: "Conv" | "ConvTranspose",
      x: number[],
      w: number[],
      attributes: object,
    ): Promise<void> => {
      const op = createBuilder();
      const image = op.input("x", "float32", x);
      const weights = op.tensor(tensorOf("float32", w, noise(w).data), "w");
      const model = op.model({ y: op[type](image, weights, { ...attributes }) });
      const found = await wrongOn(model, lowerForWebGpu(model), { x: noise(x) }, 1e-5);
      wrong.push(...found.map(() => `${type} ${w.join("×")} ${JSON.stringify(attributes)}`));
    };
    for (const channels of [1, 3, 5, 6, 9, 12, 15, 21, 30])
      for (const outputs of [3, 4, 8]) await check("Conv", [1, channels, 6, 7], [outputs, channels, 3, 3], {});
    for (const group of [2, 3])
      for (const inputs of [1, 2, 3, 4])
        for (const outputs of [1, 2]) {
          await check("Conv", [1, group * inputs, 6, 7], [group * outputs, inputs, 3, 3], { group });
          const attributes = { group, strides: [2, 2] };
          await check("ConvTranspose", [1, group * inputs, 4, 5], [group * inputs, outputs, 3, 3], attributes);
        }
    expect(wrong).toEqual([]);
  });
});
