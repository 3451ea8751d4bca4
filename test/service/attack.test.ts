/** /v1/attack's work on a small network: what is told must be what was done. */

import { awayFrom } from "../support/aims.ts";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { roundToUint8 } from "../../src/image/encode.ts";
import type { AttackResult, AttackSpec, OutputName } from "../../src/contract/attack.ts";
import type { AttackName } from "../../src/attacks/catalogue.ts";
import type { StepReport } from "../../src/evaluation/steps.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { readNpy } from "../segmenter/npy.ts";
import { noiseLabels } from "../support/networks/image.ts";
import { image, imagePng, pngOf, serviceOf, spec, tiny } from "./tiny-service.ts";

const service = serviceOf();
const network = openNetwork(tiny.manifest, tiny.bytes);
const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 30));
const maxPixels = 2 ** 20;
const [height, width] = [12, 16];
const truth = noiseLabels(height, width, 4, 8, true);

const attack = (changes: Partial<AttackSpec> = {}, outputs: readonly OutputName[] = ["adversarial-npy"], parts = {}) =>
  service.attack({ spec: { ...spec, ...changes }, image: imagePng, outputs, ...parts }, {});

const adversarialOf = ({ images }: AttackResult): Image => {
  const { shape, data } = readNpy(images["adversarial-npy"]!.data);
  return tensor("float32", shape, Float32Array.from(data));
};

/** mIoU over the classes present in the reference, counted pixel by pixel. */
const miouByHand = (prediction: Labels, reference: Labels): number => {
  const iou = [0, 1, 2, 3].flatMap((c) => {
    let [both, either, present] = [0, 0, 0];
    for (const [i, r] of reference.data.entries()) {
      if (r === 255) continue;
      const p = prediction.data[i]!;
      present += Number(r === c);
      both += Number(r === c && p === c);
      either += Number(r === c || p === c);
    }
    return present > 0 ? [both / either] : [];
  });
  return iou.reduce((a, b) => a + b, 0) / iou.length;
};

it("warns where rounding to 8 bits undoes the attack, and only there", async () => {
  const { warnings } = await attack({ epsilon: 0.4, alpha: 0.4 });
  expect(warnings).toEqual([
    { kind: "rounded-away", part: "image", detail: expect.stringMatching(/undoes the attack: the 8-bit image is/) },
  ]);
  expect((await attack({ epsilon: 8, alpha: 8 })).warnings).toEqual([]);
});

describe("an attack", () => {
  it("against the clean prediction: its mIoU is 1, and the scores are those of the image that is given", async () => {
    const result = await attack();
    const adversarial = adversarialOf(result);
    const clean = (await segmenter.predict(image)).labels;
    const after = (await segmenter.predict(adversarial)).labels;
    const rounded = (await segmenter.predict(roundToUint8(adversarial))).labels;
    expect(result.reference).toBe("prediction");
    expect(result.scores.float.miou.clean).toBe(1);
    expect(result.scores.float.pixelAccuracy.clean).toBe(1);
    expect(result.scores.float.miou.adversarial).toBeCloseTo(miouByHand(after, clean), 12);
    expect(result.scores.float.iouRatio).toBeCloseTo(miouByHand(after, clean), 12);
    expect(result.scores.uint8.iouRatio).toBeCloseTo(miouByHand(rounded, clean), 12);
    expect(result.scores.float.iouRatio).toBeLessThan(0.9);
    expect(result.scores.float.perClass.map((c) => c.name)).toEqual(["class 0", "class 1", "class 2", "class 3"]);
  });

  it("stays within ε as an 8-bit image: below one grey level it is the clean one", async () => {
    const { perturbation, scores } = await attack({ epsilon: 0.5, steps: 4, alpha: 0.25 });
    expect(perturbation.float.linf).toBeCloseTo(0.5, 6);
    expect([perturbation.uint8.linf, scores.uint8.iouRatio]).toEqual([0, 1]);
  });

  it("against the ground truth: the ratio is of two mIoUs, void ignored", async () => {
    const result = await attack({}, ["adversarial-npy"], { labels: pngOf(truth) });
    const clean = miouByHand((await segmenter.predict(image)).labels, truth);
    const after = miouByHand((await segmenter.predict(adversarialOf(result))).labels, truth);
    expect(result.reference).toBe("ground-truth");
    expect(result.scores.float.miou.clean).toBeCloseTo(clean, 12);
    expect(result.scores.float.miou.adversarial).toBeCloseTo(after, 12);
    expect(result.scores.float.iouRatio).toBeCloseTo(after / clean, 12);
  });

  it("measures the perturbation that it made", async () => {
    const result = await attack();
    const adversarial = adversarialOf(result);
    const difference = Array.from(adversarial.data, (v, i) => v - image.data[i]!);
    expect(result.perturbation.float.linf).toBe(Math.max(...difference.map(Math.abs)));
    expect(result.perturbation.float.linf).toBe(4);
    expect(result.perturbation.float.l2).toBeCloseTo(Math.hypot(...difference), 6);
    expect(result.perturbation.uint8.linf).toBe(4);
    expect(result.perturbation.float.psnr).toBeGreaterThan(30);
  });

  it("loses to rounding at ε = 0.25, on an image of whole grey levels", async () => {
    const result = await attack({ epsilon: 0.25, attack: "fgsm", alpha: 0.25, steps: 1 });
    expect(result.perturbation.float.linf).toBe(0.25);
    expect(result.perturbation.uint8).toMatchObject({ linf: 0, l0: 0, psnr: null });
    expect(result.scores.uint8.iouRatio).toBe(1);
  });

  it.each<readonly [AttackName, Partial<AttackSpec>]>([
    ["fgsm", { alpha: 8, steps: 1 }],
    ["fgsm-ii", { alpha: 8, steps: 1 }],
    ["ifgsm", {}],
    ["ifgsm-ii", {}],
    ["pgd", { seed: 3 }],
  ])("%s stays in its ball, changes labels, and is the same again", async (name, changes) => {
    const run = () => attack({ attack: name, ...changes });
    const [first, second] = [await run(), await run()];
    expect(adversarialOf(second)).toEqual(adversarialOf(first));
    expect(second.scores).toEqual(first.scores);
    expect(first.perturbation.float.linf).toBeLessThanOrEqual(8 + 1e-5);
    expect(first.steps.at(-1)!.changedPixelShare).toBeGreaterThan(0);
  });

  it("takes another way for each choice", async () => {
    const parts = { labels: pngOf(truth), target: pngOf(noiseLabels(height, width, 4, 2)) };
    const choices: Partial<AttackSpec>[] = [
      {},
      { label: "ground-truth" },
      { attack: "ifgsm-ii" },
      { targeted: { kind: "class", class: 1 } },
      { targeted: { kind: "class", class: 2 } },
      { targeted: { kind: "map" } },
      { attack: "pgd" },
      { attack: "pgd", seed: 1 },
      { pixelRange: "none" },
      { alpha: 0.5 },
      { steps: 5 },
    ];
    const distinct = new Set<string>();
    for (const choice of choices) {
      distinct.add(adversarialOf(await attack(choice, ["adversarial-npy"], parts)).data.join(" "));
    }
    expect(distinct.size).toBe(choices.length);
  });

  it("towards a class brings pixels to it", async () => {
    const share = async (result: AttackResult) => {
      const { data } = (await segmenter.predict(adversarialOf(result))).labels;
      return data.filter((v) => v === 2).length / data.length;
    };
    const clean = (await segmenter.predict(image)).labels.data.filter((v) => v === 2).length / (height * width);
    expect(
      await share(await attack({ targeted: { kind: "class", class: 2 }, epsilon: 32, steps: 32 })),
    ).toBeGreaterThan(clean + 0.2);
  });
});

describe("the trace", () => {
  it("tells each step once, in order, before the result; the last with the final labels", async () => {
    const told: StepReport[] = [];
    const result = await service.attack(
      { spec, image: imagePng, outputs: ["adversarial-npy"] },
      { onStep: (step) => void told.push(step) },
    );
    expect(told.map((s) => [s.step, s.steps])).toEqual([1, 2, 3, 4].map((step) => [step, 4]));
    expect(result.steps).toEqual(told.map(({ step, loss, changedPixelShare }) => ({ step, loss, changedPixelShare })));
    const clean = (await segmenter.predict(image)).labels;
    const after = (await segmenter.predict(adversarialOf(result))).labels;
    const changed = after.data.filter((v, i) => v !== clean.data[i]).length / after.data.length;
    expect(told.at(-1)!.changedPixelShare).toBeCloseTo(changed, 12);
    expect(1 - result.scores.float.pixelAccuracy.adversarial!).toBeCloseTo(changed, 12);
  });

  it("has the loss where each step starts: it rises for an untargeted attack, from the clean loss", async () => {
    const { steps } = await attack({ alpha: 0.5 });
    const labels = (await segmenter.predict(image)).labels;
    const { loss } = await segmenter.objective(awayFrom(labels))(image);
    expect(steps[0]!.loss).toBeCloseTo(loss, 6);
    for (const [i, step] of steps.slice(1).entries()) expect(step.loss).toBeGreaterThan(steps[i]!.loss);
    const targeted = await attack({ alpha: 0.5, targeted: { kind: "class", class: 1 } });
    for (const [i, s] of targeted.steps.slice(1).entries()) expect(s.loss).toBeLessThan(targeted.steps[i]!.loss);
  });

  it("counts the components without gradient at the first step", async () => {
    const { masking } = await attack();
    const labels = (await segmenter.predict(image)).labels;
    const { gradient } = await segmenter.objective(awayFrom(labels))(image);
    const { confidence } = await segmenter.predict(image);
    expect(masking.zeroGradientShare).toBe(gradient.data.filter((v) => v === 0).length / gradient.data.length);
    const mean = confidence.data.reduce((a, b) => a + b, 0) / confidence.data.length;
    expect(masking.confidence).toBeCloseTo(mean, 6);
  });
});

describe("the answer", () => {
  it("has the images that were asked for, and no other; each is what it says", async () => {
    const names = [
      "adversarial",
      "adversarial-16bit",
      "adversarial-npy",
      "perturbation",
      "labels-before",
      "labels-after",
    ] as const;
    const result = await attack({ epsilon: 2.3, steps: 6, alpha: 0.7 }, names);
    expect(Object.keys(result.images).toSorted()).toEqual([...names].toSorted());
    expect(Object.keys((await attack({}, ["labels-after"])).images)).toEqual(["labels-after"]);
    const bytes = (name: OutputName) => result.images[name]!.data;
    const exact = adversarialOf(result);
    expect(await decodeImage(bytes("adversarial"), { maxPixels })).toEqual(roundToUint8(exact));
    const fine = await decodeImage(bytes("adversarial-16bit"), { maxPixels });
    for (const [i, v] of exact.data.entries()) expect(Math.abs(fine.data[i]! - v)).toBeLessThanOrEqual(1 / 514 + 1e-5);
    expect(decodeLabels(bytes("labels-before"), { maxPixels })).toEqual((await segmenter.predict(image)).labels);
    expect(decodeLabels(bytes("labels-after"), { maxPixels })).toEqual((await segmenter.predict(exact)).labels);
    const shown = await decodeImage(bytes("perturbation"), { maxPixels });
    const expected = exact.data.map((v, i) => Math.floor(128.5 + (127 * (v - image.data[i]!)) / 2.3));
    expect(shown.data).toEqual(expected);
  });

  it("has a receipt to run it again, and times that add up", async () => {
    const { receipt, timings, height: h, width: w } = await attack({ seed: 42, attack: "pgd" });
    expect([h, w]).toEqual([height, width]);
    expect(receipt).toEqual({
      model: "tiny",
      modelSha256: tiny.manifest.sha256,
      spec: { ...spec, seed: 42, attack: "pgd" },
      seed: 42,
      versions: { faultline: "1.2.3", onnxruntime: startWasm().version },
      backend: "wasm",
      backendWhy: "this service has no WebGPU",
      notes: [],
    });
    const { total, ...stages } = timings;
    const sum = Object.values(stages).reduce((a, b) => a + b, 0);
    expect(Object.values(stages).every((ms) => ms >= 0)).toBe(true);
    expect(sum).toBeLessThanOrEqual(total + 1e-6);
  });
});
