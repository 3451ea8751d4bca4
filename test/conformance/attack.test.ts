import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { Attack } from "../../src/api/attack-schemas.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { eventsIn } from "../support/api-request.ts";
import { attackWith, bytesOf, floatsIn, imageOf, labelsOf, npyOf, okJson, openWorker } from "./worker.ts";
import { labelPng, makeScene } from "./scene.ts";

const client = openWorker();
const small = makeScene(7, 96, 72);
const large = makeScene(11, 160, 120);
const image = { image: small.png };

/** Planes of an interleaved RGB image. */
const planar = (data: ArrayLike<number>): number[] => {
  const area = data.length / 3;
  return Array.from({ length: data.length }, (_, i) => data[(i % area) * 3 + Math.floor(i / area)]!);
};

const largestChange = (after: ArrayLike<number>, before: Float32Array): number =>
  before.reduce((most, v, i) => Math.max(most, Math.abs(after[i]! - v)), 0);

const outside = (data: ArrayLike<number>): number => Array.from(data).filter((v) => !(v >= 0 && v <= 255)).length;

const share = (labels: Uint8Array, holds: (label: number, i: number) => boolean): number =>
  labels.filter(holds).length / labels.length;

describe("POST /v1/attack", () => {
  it.each([
    ["fgsm", 4, 1],
    ["fgsm-ii", 4, 1],
    ["ifgsm", 8, 10],
    ["ifgsm-ii", 2.5, 4],
    ["pgd", 3, 4],
  ])("%s stays in the ball of radius %f and in the pixel range", async (attack, epsilon, steps) => {
    const outputs = ["adversarial", "adversarial-npy"];
    const answer = await attackWith(client, { image: large.png }, { attack, epsilon, seed: 5, images: outputs });
    expect(answer).toMatchObject({ width: 160, height: 120, reference: "prediction" });
    expect(answer.steps.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    const floats = floatsIn(imageOf(answer, "adversarial-npy"));
    expect(largestChange(floats, large.image.data)).toBeLessThanOrEqual(epsilon + 1e-4);
    expect(largestChange(floats, large.image.data)).toBeCloseTo(answer.perturbation.float.linf, 4);
    expect(largestChange(floats, large.image.data)).toBeGreaterThan(0);
    expect(outside(floats)).toBe(0);
    const bytes = planar(decode(imageOf(answer, "adversarial")).data);
    expect(largestChange(bytes, large.image.data)).toBeLessThanOrEqual(Math.ceil(epsilon));
    expect(largestChange(bytes, large.image.data)).toBe(answer.perturbation.uint8.linf);
    expect(bytes.filter((v, i) => Math.abs(v - floats[i]!) > 0.5 + 1e-4)).toEqual([]);
  });

  it("leaves the pixel range only where it is told to", async () => {
    const spec = { attack: "ifgsm", epsilon: 16, steps: 16, pixelRange: "none" };
    const floats = floatsIn(await npyOf(client, image, spec));
    expect(outside(floats)).toBeGreaterThan(0);
    expect(largestChange(floats, small.image.data)).toBeLessThanOrEqual(16 + 1e-4);
  });

  it("gives the same image by every media type, by form and by JSON", async () => {
    const spec = { attack: "ifgsm-ii", epsilon: 2.5 };
    const as = async (accept: string) => bytesOf(await client.json("/v1/attack", image, spec, { accept }), accept);
    const answer = await attackWith(client, image, { ...spec, images: ["adversarial", "adversarial-16bit", "adversarial-npy"] }); // prettier-ignore
    const npy = await as("application/x-npy");
    const [eight, sixteen] = [await as("image/png"), await as("image/png;depth=16")];
    expect(npy).toEqual(imageOf(answer, "adversarial-npy"));
    expect(eight).toEqual(imageOf(answer, "adversarial"));
    expect(sixteen).toEqual(imageOf(answer, "adversarial-16bit"));
    const floats = floatsIn(npy);
    const deep = decode(sixteen);
    expect([deep.width, deep.height, deep.depth]).toEqual([96, 72, 16]);
    expect(
      largestChange(
        planar(deep.data),
        floats.map((v) => v * 257),
      ),
    ).toBeLessThanOrEqual(0.5 + 0.01);
  });

  it("lowers the mIoU, and tells what ran", async () => {
    const answer = await attackWith(client, image, { attack: "ifgsm", epsilon: 8 });
    const { float, uint8 } = answer.scores;
    expect(float.miou.clean).toBe(1);
    expect(float.iouRatio).toBeLessThan(1);
    expect(uint8.iouRatio).toBeLessThan(1);
    expect(answer.steps.at(-1)!.loss).toBeGreaterThan(answer.steps[0]!.loss);
    const [before, after] = [labelsOf(answer, "labels-before"), labelsOf(answer, "labels-after")];
    expect(answer.steps.at(-1)!.changedPixelShare).toBeCloseTo(
      share(after, (v, i) => v !== before[i]),
      10,
    );
    expect(answer.masking.zeroGradientShare).toBeLessThan(0.5);
    expect(answer.receipt).toMatchObject({
      model: "enet-street",
      modelSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      spec: { attack: "ifgsm", epsilon: 8, alpha: 1, steps: 10, label: "prediction", pixelRange: "clip" },
      backend: "wasm",
      backendWhy: "Workers have no WebGPU",
      notes: [],
      versions: { onnxruntime: expect.stringMatching(/onnxruntime-web \d/) },
    });
  });

  it("gives the same for the same seed, and another image for another", async () => {
    const spec = { attack: "pgd", epsilon: 4, steps: 2 };
    const [first, again, other] = [
      await npyOf(client, image, { ...spec, seed: 1 }),
      await npyOf(client, image, { ...spec, seed: 1 }),
      await npyOf(client, image, { ...spec, seed: 2 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it("gives one image for fgsm and ifgsm at ε = 0.5, and for their II forms", async () => {
    for (const form of ["", "-ii"]) {
      const single = await npyOf(client, image, { attack: `fgsm${form}`, epsilon: 0.5 });
      expect(await npyOf(client, image, { attack: `ifgsm${form}`, epsilon: 0.5 })).toEqual(single);
    }
  });

  it("approaches a class", async () => {
    const spec = { attack: "ifgsm", epsilon: 16, targeted: { kind: "class", class: 1 } };
    const answer = await attackWith(client, image, spec);
    expect(answer.steps.at(-1)!.loss).toBeLessThan(answer.steps[0]!.loss);
    const of = (name: "labels-before" | "labels-after") => share(labelsOf(answer, name), (label) => label === 1);
    expect(of("labels-after")).toBeGreaterThan(of("labels-before"));
  });

  it("approaches a label map", async () => {
    const clean = decodeLabels(
      await bytesOf(await client.form("/v1/segment", image, {}, { accept: "image/png" }), "image/png"),
      { maxPixels: 1e6 },
    ).data;
    const mirrored = clean.map((_, i) => clean[i - (i % 96) + 95 - (i % 96)]!);
    const files = { ...image, target: labelPng(mirrored, 96, 72) };
    const answer = await attackWith(client, files, { attack: "ifgsm", epsilon: 8, targeted: { kind: "map" } });
    expect(labelsOf(answer, "labels-before")).toEqual(clean);
    const agreement = (labels: Uint8Array) => share(labels, (label, i) => label === mirrored[i]);
    expect(agreement(labelsOf(answer, "labels-after"))).toBeGreaterThan(agreement(clean));
    expect(answer.receipt.spec.targeted).toEqual({ kind: "map" });
  });

  it("streams a progress event per step, then what the JSON answer says", async () => {
    const spec = { attack: "ifgsm", epsilon: 4 };
    const response = await client.form("/v1/attack", image, spec, { accept: "text/event-stream" });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = await eventsIn(response);
    const { timings: _, ...answer } = await attackWith(client, image, spec);
    const result = events.pop()!;
    expect(result.event).toBe("result");
    const { timings: __, ...streamed } = Attack.parse(result.data);
    expect(streamed).toEqual(answer);
    expect(events).toEqual(answer.steps.map((step) => ({ event: "progress", data: { ...step, steps: 5 } })));
  });
});

describe("the scores of /v1/attack", () => {
  it("are those of /v1/score on its label maps, for the float and the 8-bit image", async () => {
    const truth = { labels: small.labelsPng };
    const spec = { attack: "ifgsm-ii", epsilon: 4, label: "ground-truth" };
    const answer = await attackWith(client, { ...image, ...truth }, spec);
    expect(answer.reference).toBe("ground-truth");
    const rounded = imageOf(answer, "adversarial");
    const after = {
      float: imageOf(answer, "labels-after"),
      uint8: await bytesOf(
        await client.form("/v1/segment", { image: rounded }, {}, { accept: "image/png" }),
        "image/png",
      ),
    };
    for (const kind of ["float", "uint8"] as const) {
      const files = {
        prediction: imageOf(answer, "labels-before"),
        reference: small.labelsPng,
        adversarial: after[kind],
      };
      const score = await okJson<Record<"prediction" | "adversarial", { miou: number; pixelAccuracy: number; perClass: { iou: number | null }[] }> & { iouRatio: number }>(await client.form("/v1/score", files)); // prettier-ignore
      const told = answer.scores[kind];
      const pair = (of: "miou" | "pixelAccuracy") => ({
        clean: score.prediction[of],
        adversarial: score.adversarial[of],
      });
      expect(told).toMatchObject({
        iouRatio: score.iouRatio,
        miou: pair("miou"),
        pixelAccuracy: pair("pixelAccuracy"),
      });
      expect(told.perClass.map(({ clean, adversarial }) => [clean, adversarial])).toEqual(
        score.prediction.perClass.map(({ iou }, i) => [iou, score.adversarial.perClass[i]!.iou]),
      );
    }
  });

  it("make the curve of /v1/robustness", async () => {
    const grid = { attacks: ["fgsm", "ifgsm-ii"], epsilons: [4, 0.5], threshold: 0.9 };
    interface Curve {
      readonly verdict: string;
      readonly smallestEpsilon: Record<"float" | "uint8", number | null>;
      readonly curve: readonly {
        attack: string;
        epsilon: number;
        float: { iouRatio: number };
        uint8: { iouRatio: number };
      }[];
    }
    const result = await okJson<Curve>(await client.form("/v1/robustness", image, grid));
    expect(result.curve.map(({ attack, epsilon }) => [attack, epsilon])).toEqual([
      ["fgsm", 0.5],
      ["fgsm", 4],
      ["ifgsm-ii", 0.5],
      ["ifgsm-ii", 4],
    ]);
    for (const { attack, epsilon, float, uint8 } of result.curve) {
      const { scores } = await attackWith(client, image, { attack, epsilon });
      expect([float.iouRatio, uint8.iouRatio]).toEqual([scores.float.iouRatio, scores.uint8.iouRatio]);
    }
    for (const kind of ["float", "uint8"] as const) {
      const broken = result.curve.filter((point) => point[kind].iouRatio < 0.9).map(({ epsilon }) => epsilon);
      expect(result.smallestEpsilon[kind]).toBe(broken.length > 0 ? Math.min(...broken) : null);
    }
    const anyBroken = result.smallestEpsilon.float !== null || result.smallestEpsilon.uint8 !== null;
    expect(result.verdict).toBe(anyBroken ? "broken" : "undecided");
    const events = await eventsIn(await client.json("/v1/robustness", image, grid, { accept: "text/event-stream" }));
    expect(events.map(({ event }) => event)).toEqual(["progress", "progress", "progress", "progress", "result"]);
    expect(events.at(-1)!.data["curve"]).toEqual(result.curve);
  });
});
