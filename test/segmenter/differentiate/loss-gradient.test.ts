/** `lossGradient`: what the library adds to `faultline differentiate`, which calls it and whose tests hold its numbers. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readModel } from "../../../src/onnx/read.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { GradientError } from "../../../src/segmenter/differentiate/gradient-error.ts";
import { lossGradient, type LossGradientOptions } from "../../../src/segmenter/differentiate/loss-gradient.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { faultline, temporaryFolder } from "../../cli/terminal.ts";
import { noise } from "../../support/networks/check.ts";
import { tinyModel } from "../../support/networks/tiny.ts";
import { runWasm } from "../../support/wasm.ts";

const { path, put } = temporaryFolder();
const model = tinyModel();
const bytes = writeModel(model);
const size = { height: 8, width: 8 };

describe("lossGradient", () => {
  it("gives the file that the command writes, of bytes and of a model that is read", async () => {
    const out = path("grad.onnx");
    await faultline("differentiate", put("tiny.onnx", model), "-o", out, "--size", "8x8");
    const made = lossGradient(bytes, { size });
    expect(made.bytes).toEqual(new Uint8Array(readFileSync(out)));
    expect(lossGradient(readModel(bytes), { size }).bytes).toEqual(made.bytes);
  });

  it("describes the file as it is", () => {
    const made = lossGradient(bytes, { size });
    const { opset, graph } = readModel(made.bytes);
    expect([made.opset, made.nodes]).toEqual([opset, graph.nodes.length]);
    expect([made.inputs, made.outputs]).toEqual([graph.inputs, graph.outputs]);
    expect(made.predictedBytes).toBeGreaterThan(made.bytes.length);
    expect(made.warnings).toEqual([]);
  });

  it("ignores a class as it ignores 255, in the loss and in the gradient", async () => {
    const classes = lossGradient(bytes, { size }).outputs[0]!.shape![1] as number;
    const labels = Array.from({ length: 64 }, (_, i) => i % classes);
    const run = (options: LossGradientOptions, given: readonly number[]) =>
      runWasm(readModel(lossGradient(bytes, { size, ...options }).bytes), {
        input: noise([1, 3, 8, 8], 5),
        labels: tensorOf("int32", [1, 8, 8], given),
      });
    const ignored = 1;
    const voided = labels.map((label) => (label === ignored ? 255 : label));
    const [expected, actual, whole] = [
      await run({}, voided),
      await run({ ignoredLabel: ignored }, labels),
      await run({}, labels),
    ];
    for (const name of ["loss", "input_grad"]) expect(actual[name]).toEqual(expected[name]);
    const first = (t: Tensor | undefined) => numbersOf(t!)[0]!;
    expect(first(whole["loss"])).not.toBeCloseTo(first(expected["loss"]), 4);
  });

  const refusals: readonly (readonly [string, LossGradientOptions, RegExp])[] = [
    ["a size that is left open", {}, /^the network leaves sizes open \(.*\): give `size` HxW$/],
    ["half a pixel", { size: { height: 8.5, width: 8 } }, /^`size`: 8.5 is not a whole number from 1 to 16777216$/],
    ["no pixels", { size: { height: 0, width: 8 } }, /^`size`: 0 is not/],
    ["a dimension that is none", { size, dimensions: { depth: 3 } }, /^`dimensions` depth: no such dimension/],
    ["a shape below 0", { shapes: { input: [1, 3, 8, -8] } }, /^`shapes`: -8 is not/],
    [
      "a loss that is none",
      { size, loss: "zzz" as "sum" },
      /^`loss`: must be one of cross-entropy, sum, seed, not "zzz"$/,
    ],
    ["another output", { size, output: "mask" }, /^`output` mask: no such output; outputs: output \(float32/],
    ["another input", { size, inputs: ["x"] }, /^`inputs` x: no such input; inputs: input \(float32\)/],
    ["a label between two", { size, ignoredLabel: 0.5 }, /^`ignoredLabel` 0.5: is not a whole number/],
    ["a budget of nothing", { size, budgetBytes: 1 }, /give a larger `budgetBytes` or a smaller `size`$/],
  ];

  it.each(refusals)("refuses %s in the library's own words", (_, options, message) => {
    expect(() => lossGradient(bytes, options)).toThrow(GradientError);
    expect(() => lossGradient(bytes, options)).toThrow(message);
  });
});
