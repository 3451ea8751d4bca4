/** Segmenting, scoring, robustness and models, on a small network. */

import { describe, expect, it } from "vitest";
import { decodeLabels } from "../../src/image/labels.ts";
import { encodePng } from "../../src/image/encode.ts";
import { gridAttack, type CurvePoint, type GridAttack } from "../../src/contract/robustness.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, grid, image, imagePng, pngOf, serviceOf, spec, tiny } from "./tiny-service.ts";

const service = serviceOf();
const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 30));

describe("segment", () => {
  it("gives the prediction, each class's share and the confidence", async () => {
    const result = await service.segment({ model: "tiny", image: imagePng });
    const { labels, confidence } = await segmenter.predict(image);
    expect(decodeLabels(result.labels.data, { maxPixels: 1e6 })).toEqual(labels);
    expect([result.width, result.height, result.model]).toEqual([16, 12, "tiny"]);
    const shares = [0, 1, 2, 3].map((c) => labels.data.filter((v) => v === c).length / labels.data.length);
    expect(result.classes.map((c) => c.share)).toEqual(shares);
    expect(result.classes[2]).toMatchObject({ index: 2, name: "class 2", color: [2, 4, 253] });
    expect(result.confidence.min).toBe(Math.min(...confidence.data));
    expect(result.confidence.mean).toBeCloseTo(confidence.data.reduce((a, b) => a + b, 0) / confidence.data.length, 9);
  });
});

describe("score", () => {
  const map = (...values: readonly number[]): Labels => tensorOf("uint8", [2, 3], values);
  const reference = map(0, 0, 1, 1, 2, 255);
  const prediction = map(0, 1, 1, 1, 0, 3);
  const adversarial = map(1, 1, 0, 0, 2, 0);
  const request = { prediction: pngOf(prediction), reference: pngOf(reference) };

  it("counts by hand: confusion, IoU, accuracy, void", async () => {
    const result = await service.score({ ...request, classes: { kind: "count", count: 4 } });
    expect(result.prediction.confusion).toEqual([
      [1, 1, 0, 0, 0],
      [0, 2, 0, 0, 0],
      [1, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ]);
    expect(result.prediction.perClass.map((c) => c.iou)).toEqual([1 / 3, 2 / 3, 0, null]);
    expect(result.prediction.perClass.map((c) => c.name)).toEqual([null, null, null, null]);
    expect(result.prediction.miou).toBeCloseTo(1 / 3, 12);
    expect(result.prediction.pixelAccuracy).toBe(3 / 5);
    expect([result.voidPixels, result.classes, result.width, result.height]).toEqual([1, 4, 3, 2]);
    expect(result).not.toHaveProperty("iouRatio");
  });

  it("gives the ratio to a third map, and the names of a model's classes", async () => {
    const classes = { kind: "model", model: "tiny" } as const;
    const result = await service.score({ ...request, adversarial: pngOf(adversarial), classes });
    expect(result.adversarial!.perClass.map((c) => c.iou)).toEqual([0, 0, 1, null]);
    expect(result.iouRatio).toBeCloseTo(1 / 3 / (1 / 3), 12);
    expect(result.prediction.perClass[1]!.name).toBe("class 1");
  });

  it("agrees with the scores of the attack whose maps it gets", async () => {
    const truth = noiseLabels(12, 16, 4, 8, true);
    const outputs = ["labels-before", "labels-after"] as const;
    const attacked = await service.attack({ spec, image: imagePng, labels: pngOf(truth), outputs }, {});
    const scored = await service.score({
      classes: { kind: "model", model: "tiny" },
      reference: pngOf(truth),
      prediction: attacked.images["labels-before"]!.data,
      adversarial: attacked.images["labels-after"]!.data,
    });
    expect(scored.iouRatio).toBe(attacked.scores.float.iouRatio);
    expect(scored.prediction.miou).toBe(attacked.scores.float.miou.clean);
    expect(scored.adversarial!.pixelAccuracy).toBe(attacked.scores.float.pixelAccuracy.adversarial);
  });
});

describe("robustness", () => {
  it("has a point for each attack and radius, told as it is measured, each as the attack alone gives it", async () => {
    const told: [CurvePoint, number, number][] = [];
    const result = await service.robustness({ spec: grid, image: imagePng }, { onPoint: (...p) => void told.push(p) });
    expect(told.map(([, index, total]) => [index, total])).toEqual([1, 2, 3, 4, 5, 6].map((i) => [i, 6]));
    // Flags need the whole curve.
    expect(result.curve).toEqual(told.map(([point]) => ({ ...point, flags: expect.any(Array) })));
    expect(result.curve.map((p) => [p.attack, p.epsilon, p.steps])).toEqual([
      ["fgsm", 0.25, 1],
      ["fgsm", 2, 1],
      ["fgsm", 16, 1],
      ["ifgsm-ii", 0.25, 1],
      ["ifgsm-ii", 2, 3],
      ["ifgsm-ii", 16, 20],
    ]);
    for (const { attack, epsilon, steps, float, uint8 } of result.curve) {
      const alone = await service.attack(
        { spec: { ...spec, attack, epsilon, steps }, image: imagePng, outputs: [] },
        {},
      );
      expect(float).toEqual({
        iouRatio: alone.scores.float.iouRatio,
        miou: alone.scores.float.miou.adversarial,
        pixelAccuracy: alone.scores.float.pixelAccuracy.adversarial,
      });
      expect(uint8.iouRatio).toBe(alone.scores.uint8.iouRatio);
    }
    expect(result.clean).toEqual({ miou: 1, pixelAccuracy: 1 });
  });

  it.each([0.3, 0.6, 0.9, 0.99, 1e-9])("finds the smallest radius below the threshold: %d", async (threshold) => {
    const result = await service.robustness({ spec: { ...grid, threshold }, image: imagePng }, {});
    const smallest = (kind: "float" | "uint8", attacks: readonly string[]) => {
      const broken = result.curve.filter((p) => attacks.includes(p.attack) && p[kind].iouRatio! < threshold);
      return broken.length > 0 ? Math.min(...broken.map((p) => p.epsilon)) : null;
    };
    const both = (attacks: readonly string[]) => ({
      float: smallest("float", attacks),
      uint8: smallest("uint8", attacks),
    });
    const names = grid.attacks.map((entry) => gridAttack(entry).attack);
    expect(result.smallestEpsilon).toEqual(both(names));
    expect(result.breaking).toEqual(names.map((attack) => ({ attack, ...both([attack]) })));
    const broken = result.smallestEpsilon.float !== null || result.smallestEpsilon.uint8 !== null;
    expect(result.verdict).toBe(broken ? "broken" : "undecided");
    expect(result.summary).toContain(broken ? "brings the IoU ratio to 0." : "No attack of the grid, up to ε = 16");
  });

  it("is undecided for the reasons that the signs state", async () => {
    const spec = { ...grid, epsilons: [0.25], threshold: 1e-9 };
    const kinds = async (attacks: readonly GridAttack[], of = imagePng) => {
      const { verdict, signs } = await service.robustness({ spec: { ...spec, attacks }, image: of }, {});
      return [verdict, ...signs.map(({ kind }) => kind)];
    };
    expect(await kinds(["fgsm"])).toEqual(["undecided", "weak-attacks", "few-pixels"]);
    const large = encodePng(noiseImage(32, 32, 3));
    expect(await kinds(["fgsm"], large)).toEqual(["undecided", "weak-attacks"]);
    expect(await kinds([{ attack: "pgd", steps: 20 }], large)).toEqual(["not-broken"]);
  });

  it("runs an attack with options of its own", async () => {
    const attacks = [{ attack: "pgd", steps: 3, alpha: 0.5 }, "fgsm"] as const;
    const asked = { ...grid, attacks, epsilons: [4] };
    const { curve, receipt } = await service.robustness({ spec: asked, image: imagePng }, {});
    expect(curve.map((point) => [point.attack, point.steps])).toEqual([
      ["pgd", 3],
      ["fgsm", 1],
    ]);
    const pgd = { ...spec, attack: "pgd", steps: 3, alpha: 0.5, epsilon: 4, seed: grid.seed } as const;
    const alone = await service.attack({ spec: pgd, image: imagePng, outputs: [] }, {});
    expect(curve[0]!.float.iouRatio).toBe(alone.scores.float.iouRatio);
    expect((await service.robustness({ spec: receipt.spec, image: imagePng }, {})).curve).toEqual(curve);
  });

  it("takes radii in L2, and attacks of minimum norm, each as the attack alone gives it", async () => {
    const attacks = ["pgd", { attack: "apgd", steps: 5 }, { attack: "ddn", steps: 8 }] as const;
    const { alpha: _, ...plain } = grid;
    const asked = { ...plain, norm: "l2", attacks, epsilons: [30, 300] } as const;
    const { curve, rows, summary, receipt } = await service.robustness({ spec: asked, image: imagePng }, {});
    expect(summary).toMatch(/ at ε = (30|300) in L2 brings/);
    // A row has the norm where it is not the attack's first.
    const norms = rows.slice(1).map(({ unit }) => (unit.attack as { readonly norm?: string }).norm);
    expect(norms).toEqual(["l2", "l2", "l2", "l2", undefined, undefined]);
    const ran = { pgd: { alpha: 37.5, steps: 20, start: 1 }, apgd: { steps: 5, start: 1 }, ddn: { steps: 8 } } as const;
    for (const [attack, options] of Object.entries(ran)) {
      const ball = { epsilon: 300, norm: "l2", attack: attack as keyof typeof ran } as const;
      const { alpha: _own, ...bare } = spec;
      const alone = { spec: { ...bare, ...options, ...ball }, image: imagePng, outputs: [] } as const;
      const { scores } = await service.attack(alone, {});
      const point = curve.find((one) => one.attack === attack && one.epsilon === 300)!;
      expect(point.float.iouRatio).toBe(scores.float.iouRatio);
    }
    expect((await service.robustness({ spec: receipt.spec, image: imagePng }, {})).curve).toEqual(curve);
  });

  it("gives both verdicts over these thresholds", async () => {
    const verdicts = [];
    for (const threshold of [1e-9, 0.99]) {
      verdicts.push((await service.robustness({ spec: { ...grid, threshold }, image: imagePng }, {})).verdict);
    }
    expect(verdicts).toEqual(["undecided", "broken"]);
  });

  it("compares with the ground truth where it is given", async () => {
    const labels = pngOf(noiseLabels(12, 16, 4, 8));
    const request = { spec: { ...grid, epsilons: [4], label: "ground-truth" } as const, image: imagePng, labels };
    const result = await service.robustness(request, {});
    expect(result.reference).toBe("ground-truth");
    expect(result.clean.miou).toBeLessThan(1);
    expect(result.curve[0]!.float.iouRatio).toBeCloseTo(result.curve[0]!.float.miou! / result.clean.miou!, 12);
  });
});

describe("models", () => {
  it("are told as their manifests state them, with the largest attack that fits", async () => {
    const told = serviceOf([tiny], { budgetBytes: 24 * 2 ** 20 });
    const info = await told.model("tiny");
    expect(info).toMatchObject({
      name: "tiny",
      sha256: tiny.manifest.sha256,
      bytes: tiny.bytes.length,
      classes: tiny.manifest.classes,
      gradient: { supported: true, unsupportedOperators: [] },
    });
    const { memory: _, largestAttack, ...outline } = info;
    expect(await told.models()).toEqual([outline]);
    const { width, height } = largestAttack!;
    expect(Math.abs(width / height - 4 / 3)).toBeLessThan(0.05);
    expect(width * height).toBeGreaterThan(64 * 64);
  });

  it("share the file of the network that they name, which is read of that one", async () => {
    const variant = { ...tiny, manifest: { ...tiny.manifest, name: "half", network: "tiny", scales: [0.5] } };
    const asked: string[] = [];
    const store = {
      manifests: [variant.manifest, tiny.manifest],
      read: ({ name }: { readonly name: string }) => {
        asked.push(name);
        return Promise.resolve(tiny.bytes);
      },
    };
    const both = serviceOf([variant], { store });
    const infos = await both.models();
    expect(infos).toMatchObject([{ name: "half", network: "tiny", scales: [0.5] }, { name: "tiny" }]);
    expect(asked).toEqual(["tiny", "tiny"]);
    const [half, whole] = await Promise.all(["half", "tiny"].map((model) => both.segment({ model, image: imagePng })));
    expect(half!.labels.data).not.toEqual(whole!.labels.data);
    const lost = serviceOf([variant], { store: { ...store, manifests: [variant.manifest] } });
    expect(await failureOf(lost.segment({ model: "half", image: imagePng }))).toEqual({
      kind: "model-unavailable",
      model: "half",
      reason: 'network: "tiny" is no shipped network with a file of its own',
    });
  });

  it("without a gradient say so", async () => {
    const odd = tinyFile({ head: (op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]! });
    const [info] = await serviceOf([odd]).models();
    expect(info!.gradient).toEqual({ supported: false, unsupportedOperators: ["Mod"] });
    expect(info).not.toHaveProperty("largestAttack");
  });

  it("are ready once they can be opened", async () => {
    await expect(service.ready()).resolves.toBeUndefined();
    const broken = serviceOf([{ ...tiny, bytes: tiny.bytes.subarray(1) }]);
    expect(await failureOf(broken.ready())).toMatchObject({ kind: "model-unavailable", model: "tiny" });
  });

  it("are read once, and again after a failure", async () => {
    let reads = 0;
    const read = () => {
      reads += 1;
      return reads === 1 ? Promise.reject(new Error("the store is away")) : Promise.resolve(tiny.bytes);
    };
    const flaky = serviceOf([tiny], { store: { manifests: [tiny.manifest], read } });
    expect(await failureOf(flaky.ready())).toEqual({
      kind: "model-unavailable",
      model: "tiny",
      reason: "the store is away",
    });
    await flaky.ready();
    await flaky.segment({ model: "tiny", image: imagePng });
    expect(reads).toBe(2);
  });
});
