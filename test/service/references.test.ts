/** What the scores compare with, and when there is nothing to compare. */

import { describe, expect, it } from "vitest";
import { filledLabels, voidedBeyond } from "../../src/evaluation/labels.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { tensorOf } from "../../src/tensor.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, grid, imagePng, pngOf, serviceOf, spec } from "./tiny-service.ts";

const classless = serviceOf([tinyFile({ classes: 3, outputs: 5, activation: "Tanh" }, { name: "classless" })]);
const service = serviceOf();
const map = tensorOf("uint8", [12, 16], new Uint8Array(192));

describe("a network with outputs that are no classes", () => {
  it("is scored against its prediction, those pixels void", async () => {
    const result = await classless.attack({ spec: { ...spec, model: "classless" }, image: imagePng, outputs: [] }, {});
    expect(result.reference).toBe("prediction");
    expect(result.scores.float.miou.clean).toBe(1);
    expect(result.scores.float.iouRatio).toBeLessThanOrEqual(1);
  });

  it("has its robustness measured in the same way", async () => {
    const result = await classless.robustness({ spec: { ...grid, model: "classless" }, image: imagePng }, {});
    expect(result.clean.miou).toBe(1);
    expect(result.masking.confidence).toBeGreaterThan(0);
    expect(result.masking.zeroGradientShare).toBeLessThan(1);
  });

  it("voids exactly what is beyond the classes", () => {
    expect([...voidedBeyond(tensorOf("uint8", [1, 4], [0, 2, 3, 255]), 3).data]).toEqual([0, 2, 255, 255]);
  });
});

describe("robustness without a clean score", () => {
  it("is refused, not called robust", async () => {
    const labels = pngOf(filledLabels(map, 255));
    const failure = await failureOf(service.robustness({ spec: grid, image: imagePng, labels }, {}));
    expect(failure).toMatchObject({ kind: "invalid-spec", errors: [{ pointer: "/labels" }] });
  });
});

describe("a memory budget that is no number", () => {
  it.each([Number.NaN, 0, -1])("is refused: %s", (budget) => {
    expect(() => new SessionCache(startWasm(), budget)).toThrow(RangeError);
  });
});

describe("a network that fails as it runs", () => {
  it("is unavailable, with the reason", async () => {
    const overflowing = tinyFile({ head: (op, z) => op.Mul(op.Mul(z, op.constant(1e30)), op.constant(1e30)) });
    const run = serviceOf([overflowing]).attack({ spec, image: imagePng, outputs: [] }, {});
    expect(await failureOf(run)).toMatchObject({
      kind: "model-unavailable",
      reason: expect.stringContaining("overflows"),
    });
  });

  it("is segmented with, and not attacked by gradients, where it gives labels of no logits", async () => {
    const threshold = tinyFile(
      {
        head: (op, z) =>
          op.cast(op.Greater(op.Slice(z, op.ints([0]), op.ints([1]), op.ints([1])), op.constant(0)), "int64"),
      },
      { classes: 2, output: { kind: "labels" } },
    );
    const own = serviceOf([threshold]);
    const { classes, confidence } = await own.segment({ model: "tiny", image: imagePng });
    expect(classes.every(({ share }) => share > 0)).toBe(true);
    expect(confidence).toEqual({ mean: 1, min: 1 });
    const run = own.attack({ spec, image: imagePng, outputs: [] }, {});
    expect(await failureOf(run)).toMatchObject({ kind: "gradient-unsupported", operators: ["Greater"] });
  });

  it("is unavailable when what it calls labels are none", async () => {
    const labelled = serviceOf([tinyFile({}, { output: { kind: "labels" } })]);
    const failure = await failureOf(labelled.segment({ model: "tiny", image: imagePng }));
    expect(failure).toMatchObject({ kind: "model-unavailable", reason: expect.stringContaining("output.kind") });
  });
});
