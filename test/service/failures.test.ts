/** Everything that a service refuses, and that it says why. */

import { describe, expect, it } from "vitest";
import type { Service } from "../../src/contract/service.ts";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { tensorOf } from "../../src/tensor.ts";
import { failureOf, grid, imagePng, pngOf, serviceOf, spec, tiny } from "./tiny-service.ts";

const service = serviceOf([tiny], { maxPixels: 400 });
const truth = pngOf(noiseLabels(12, 16, 4));

/** The three requests that run a network, with an image. */
const runs: readonly (readonly [string, (s: Service, image: Uint8Array, model?: string) => Promise<unknown>])[] = [
  ["segment", (s, image, model = "tiny") => s.segment({ model, image })],
  ["attack", (s, image, model = "tiny") => s.attack({ spec: { ...spec, model }, image, outputs: [] }, {})],
  ["robustness", (s, image, model = "tiny") => s.robustness({ spec: { ...grid, model }, image }, {})],
];

describe.each(runs)("%s refuses", (_, run) => {
  it.each([
    ["an image that is cut off", imagePng.subarray(0, 60), { kind: "image-malformed", part: "image" }],
    ["no bytes", new Uint8Array(0), { kind: "image-malformed", part: "image" }],
    [
      "another format",
      new TextEncoder().encode("GIF89a..".padEnd(64)),
      {
        kind: "image-unsupported-format",
        accepted: ["PNG", "JPEG", "WebP", "NPY [H, W, 3] or [3, H, W] of uint8, uint16 or float32"],
        received: "bytes 47 49 46 38 39 61 2e 2e …",
      },
    ],
    [
      "an image beyond the limit",
      encodePng(noiseImage(20, 21)),
      { kind: "image-too-large", size: { width: 21, height: 20 }, maxPixels: 400 },
    ],
  ] as const)("%s", async (_name, image, expected) => {
    expect(await failureOf(run(service, image))).toMatchObject(expected);
  });

  it("a model that is not there", async () => {
    const failure = await failureOf(run(service, imagePng, "nothing"));
    expect(failure).toEqual({ kind: "unknown-model", model: "nothing", accepted: ["tiny"] });
  });

  it("a model whose file is another", async () => {
    const other = serviceOf([{ manifest: tiny.manifest, bytes: tinyFile({ seed: 2 }).bytes }]);
    const failure = await failureOf(run(other, imagePng));
    expect(failure).toMatchObject({
      kind: "model-unavailable",
      reason: expect.stringMatching(/^sha256: model.onnx has /),
    });
  });

  it("a size that the network refuses", async () => {
    const rows = tensorOf("float32", [1, 1, 32, 1], new Float32Array(32)); // so that it takes 32 rows only
    const rigid = serviceOf([tinyFile({ head: (op, z) => op.Add(z, op.tensor(rows)) })]);
    const failure = await failureOf(run(rigid, imagePng));
    expect(failure).toMatchObject({
      kind: "image-size-unsupported",
      part: "image",
      size: { width: 16, height: 12 },
      reason: expect.stringContaining("broadcast"),
    });
  });

  it("what would exceed the memory", async () => {
    const small = serviceOf([tiny], { budgetBytes: 17 * 2 ** 20 });
    const failure = await failureOf(run(small, encodePng(noiseImage(480, 640))));
    if (failure.kind !== "memory-exceeded") throw new Error(failure.kind);
    expect(failure.budgetBytes).toBe(17 * 2 ** 20);
    expect(failure.predictedBytes).toBeGreaterThan(failure.budgetBytes);
    expect(Number.isInteger(failure.predictedBytes)).toBe(true);
    expect(failure.largestFit!.width).toBeLessThan(640);
  });
});

describe.each(runs.slice(0, 2))("%s behind a CRF refuses", (_, run) => {
  // Noise has a vertex for each corner of each pixel's simplex: far more than are reckoned with before the picture is seen.
  it("a picture whose lattice would exceed the memory, where another of its size fits", async () => {
    const crf = {
      iterations: 1,
      gaussian: { weight: 1, theta: 1 },
      bilateral: { weight: 1, thetaAlpha: 160, thetaBeta: 3 },
    };
    const small = serviceOf([tinyFile({}, { crf })], { budgetBytes: 20 * 2 ** 20 });
    await run(small, encodePng(tensorOf("float32", [3, 96, 128], new Float32Array(3 * 96 * 128).fill(90))));
    const failure = await failureOf(run(small, encodePng(noiseImage(96, 128))));
    if (failure.kind !== "memory-exceeded") throw new Error(failure.kind);
    expect(failure.predictedBytes).toBeGreaterThan(failure.budgetBytes);
    expect(failure).not.toHaveProperty("largestFit");
  });
});

describe.each(runs.slice(1))("%s refuses", (name, run) => {
  it("a network without a gradient, by the operators at fault", async () => {
    const odd = serviceOf([tinyFile({ head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! })]);
    expect(await failureOf(run(odd, imagePng))).toEqual({
      kind: "gradient-unsupported",
      model: "tiny",
      operators: ["Mod"],
    });
    await odd.segment({ model: "tiny", image: imagePng });
  });

  it.each([
    ["no label map", imagePng, { kind: "labels-malformed" }],
    ["a cut label map", truth.subarray(0, 50), { kind: "labels-malformed" }],
    [
      "another size",
      pngOf(noiseLabels(16, 12, 4)),
      { kind: "labels-size-mismatch", size: { width: 12, height: 16 }, expected: { width: 16, height: 12 } },
    ],
    ["no such class", pngOf(noiseLabels(12, 16, 9)), { kind: "labels-class-out-of-range", classes: 4 }],
  ] as const)("labels: %s", async (_name, labels, expected) => {
    const requests = {
      attack: () => service.attack({ spec, image: imagePng, labels, outputs: [] }, {}),
      robustness: () => service.robustness({ spec: grid, image: imagePng, labels }, {}),
    };
    const failure = await failureOf(requests[name as "attack"]());
    expect(failure).toMatchObject({ part: "labels", ...expected });
  });

  it("to go on once it is aborted", async () => {
    const controller = new AbortController();
    let told = 0;
    const stop = () => {
      told += 1;
      controller.abort(new Error("the caller left"));
    };
    const { signal } = controller;
    const requests = {
      attack: () => service.attack({ spec, image: imagePng, outputs: [] }, { onStep: stop, signal }),
      robustness: () => service.robustness({ spec: grid, image: imagePng }, { onPoint: stop, signal }),
    };
    expect(await failureOf(requests[name as "attack"]())).toEqual({ kind: "cancelled" });
    expect(told).toBe(1);
    await run(service, imagePng);
  });
});

describe("attack refuses", () => {
  it("a target class that is none", async () => {
    const targeted = { kind: "class", class: 4 } as const;
    const failure = await failureOf(service.attack({ spec: { ...spec, targeted }, image: imagePng, outputs: [] }, {}));
    if (failure.kind !== "invalid-spec") throw new Error(failure.kind);
    expect(failure.errors).toMatchObject([{ pointer: "/spec/targeted/class", received: 4 }]);
  });

  it("a target map of another size, by its part", async () => {
    const target = pngOf(noiseLabels(3, 3, 4));
    const request = { spec: { ...spec, targeted: { kind: "map" } as const }, image: imagePng, target, outputs: [] };
    expect(await failureOf(service.attack(request, {}))).toMatchObject({
      kind: "labels-size-mismatch",
      part: "target",
    });
  });

  it("before the first step is told", async () => {
    let told = 0;
    const request = { spec, image: imagePng, labels: pngOf(noiseLabels(3, 3, 4)), outputs: [] };
    await failureOf(service.attack(request, { onStep: () => void (told += 1) }));
    expect(told).toBe(0);
  });
});

describe("score refuses", () => {
  const classes = { kind: "count", count: 4 } as const;

  it.each(["prediction", "adversarial"] as const)("%s of another size than the reference", async (part) => {
    const parts = { prediction: truth, reference: truth, [part]: pngOf(noiseLabels(12, 15, 4)) };
    expect(await failureOf(service.score({ classes, ...parts }))).toMatchObject({ kind: "labels-size-mismatch", part });
  });

  it.each(["prediction", "reference", "adversarial"] as const)("%s with a class that is none", async (part) => {
    const parts = { prediction: truth, reference: truth, [part]: pngOf(noiseLabels(12, 16, 9)) };
    const failure = await failureOf(service.score({ classes, ...parts }));
    expect(failure).toMatchObject({ kind: "labels-class-out-of-range", part, classes: 4 });
  });

  it("the classes of a model that is not there", async () => {
    const request = { classes: { kind: "model", model: "x" } as const, prediction: truth, reference: truth };
    expect(await failureOf(service.score(request))).toMatchObject({ kind: "unknown-model" });
  });
});

describe("a busy service", () => {
  it("refuses what is beyond its line, runs the rest in order, and takes requests again", async () => {
    const queued = serviceOf([tiny], { waiting: 2 });
    const done: number[] = [];
    const requests = [0, 1, 2, 3, 4].map((i) =>
      queued.segment({ model: i === 1 ? "nothing" : "tiny", image: imagePng }).finally(() => done.push(i)),
    );
    const results = await Promise.allSettled(requests);
    expect(results.map((r) => r.status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected", "rejected"]);
    expect(done.filter((i) => i < 3)).toEqual([0, 1, 2]);
    for (const i of [3, 4]) expect(await failureOf(requests[i]!)).toMatchObject({ kind: "busy" });
    await queued.segment({ model: "tiny", image: imagePng });
  });
});
