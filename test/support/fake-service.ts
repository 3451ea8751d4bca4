/** A Service without a network: fixed answers, a record of its requests, and methods that a test can replace. */
import { FaultlineError, type Failure } from "../../src/contract/failure.ts";
import type { Service } from "../../src/contract/service.ts";
import type { AttackResult, OutputName } from "../../src/contract/attack.ts";
import type { AttackName } from "../../src/attacks/catalogue.ts";
import type { AttackScores } from "../../src/evaluation/scores.ts";
import type { EncodedImage } from "../../src/contract/files.ts";
import type { ModelInfo } from "../../src/contract/models.ts";
import type { Row } from "../../src/evaluation/row.ts";
import type { CurvePoint } from "../../src/contract/robustness.ts";
import { gridAttack } from "../../src/contract/robustness.ts";
import type { MapScores } from "../../src/contract/score.ts";
import { fakePrepared, fakeSet } from "./fake-set.ts";

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const AWAITED_STEPS = 100;

/** Bytes that begin as a PNG does; every byte value occurs, so that base64 and multipart must keep them all. */
export const fakePng: Uint8Array<ArrayBuffer> = Uint8Array.from([
  ...pngSignature,
  ...Array.from({ length: 256 }, (_, i) => i),
]);

const png = (marker: string): EncodedImage => ({
  mediaType: "image/png",
  data: Uint8Array.from([...pngSignature, ...new TextEncoder().encode(marker)]),
});

const encodedOutput = (name: OutputName): EncodedImage =>
  name === "adversarial-npy"
    ? { mediaType: "application/x-npy", data: new TextEncoder().encode("\u0093NUMPY") }
    : png(name);

export const fakeModel: ModelInfo = {
  name: "enet-street",
  architecture: "E-Net",
  dataset: "CamVid",
  classes: [
    { name: "sky", color: [128, 128, 128] },
    { name: "road", color: [128, 64, 128] },
  ],
  void: 255,
  sha256: "0".repeat(64),
  bytes: 400_000,
  precision: "int8",
  input: { width: "dynamic", height: "dynamic", multipleOf: 8, channels: "RGB", mean: [0], std: [1], scale: 1 },
  metrics: { cleanMiou: 0.5 },
  license: "Apache-2.0",
  source: "models/training",
  citation: "Paszke et al., 2016",
  gradient: { supported: true, unsupportedOperators: [] },
  largestAttack: { width: 480, height: 360 },
};

const scores: AttackScores = {
  iouRatio: 0.25,
  miou: { clean: 1, adversarial: 0.25 },
  pixelAccuracy: { clean: 1, adversarial: 0.5 },
  perClass: [
    { class: 0, name: "sky", clean: 1, adversarial: 0.25 },
    { class: 1, name: "road", clean: null, adversarial: null },
  ],
};

const mapScores: MapScores = {
  confusion: [
    [3, 1],
    [0, 4],
  ],
  perClass: [
    { class: 0, name: null, iou: 0.75 },
    { class: 1, name: null, iou: 0.8 },
  ],
  miou: 0.775,
  pixelAccuracy: 0.875,
};

const receipt = {
  model: "enet-street",
  modelSha256: fakeModel.sha256,
  seed: 0,
  versions: { faultline: "0.1.0", onnxruntime: "1.30.0" },
  backend: "wasm",
  backendWhy: "it was asked for",
  notes: [],
} as const;

/** max(⌈min(ε + 4, 1.25 ε)⌉, 1) for the iterative attacks. */
const defaultSteps = (attack: AttackName, epsilon: number): number =>
  attack.startsWith("fgsm") ? 1 : Math.max(Math.ceil(Math.min(epsilon + 4, 1.25 * epsilon)), 1);

const point = (attack: AttackName, epsilon: number): CurvePoint => {
  const at = { iouRatio: 1 / (1 + epsilon), miou: 0.5, pixelAccuracy: 0.5 };
  return { attack, epsilon, steps: defaultSteps(attack, epsilon), float: at, uint8: at, signs: [] };
};

const recorded = ["segment", "attack", "score", "robustness", "robustnessOfSet", "prepareRobustness", "concludeRobustness", "transfer", "audit", "certify", "report"] as const; // prettier-ignore

type Calls = { [K in (typeof recorded)[number]]: Parameters<Service[K]>[0][] };

/** A Service that records its requests in order. */
export interface FakeService extends Service {
  readonly calls: Calls;
}

export const fakeService = (replaced: Partial<Service> = {}): FakeService => {
  const calls = Object.fromEntries(recorded.map((name) => [name, []])) as unknown as Calls;
  return {
    calls,
    defaultModel: "enet-street",
    models: async () => [fakeModel],
    model: async (name) => {
      if (name === fakeModel.name) return fakeModel;
      throw new FaultlineError({ kind: "unknown-model", model: name, accepted: [fakeModel.name] });
    },
    ready: async () => {},
    segment: async (request) => {
      calls.segment.push(request);
      return {
        model: request.model,
        width: 4,
        height: 2,
        classes: fakeModel.classes.map((each, index) => ({ index, name: each.name, color: each.color, share: 0.5 })),
        confidence: { mean: 0.9, min: 0.4 },
        labels: png("labels"),
        backend: "wasm",
        backendWhy: "it was asked for",
        notes: [],
        warnings: [],
        timings: { run: 2, total: 3 },
      };
    },
    attack: async (request, { onStep, signal }) => {
      calls.attack.push(request);
      const steps = Array.from({ length: request.spec.steps }, (_, i) => ({
        step: i + 1,
        loss: i,
        changedPixelShare: 0.1,
      }));
      for (const step of steps) {
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        const reported = onStep?.({ ...step, steps: steps.length });
        // Whoever follows the steps yields to the event loop at each, a millisecond; thousands of steps need not wait for it.
        if (step.step <= AWAITED_STEPS) await reported;
      }
      const perturbation = { linf: request.spec.epsilon ?? 1, l2: 10, l0: 8, psnr: 30, ssim: 0.9 };
      const result: AttackResult = {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        voidPixels: 0,
        warnings: [],
        scores: { float: scores, uint8: { ...scores, iouRatio: 0.3 } },
        perturbation: { float: perturbation, uint8: { ...perturbation, psnr: null } },
        steps,
        masking: { zeroGradientShare: 0, confidence: 0.9 },
        evaluations: { forward: steps.length + 2, backward: steps.length },
        signs: [],
        unchecked: { kinds: ["gradient-free-stronger"], detail: "A sentence." },
        timings: { run: 12.34, total: 20 },
        receipt: { ...receipt, spec: request.spec },
        images: Object.fromEntries(request.outputs.map((name) => [name, encodedOutput(name)])),
      };
      return result;
    },
    score: async (request) => {
      calls.score.push(request);
      const { meanOver = "reference" } = request;
      const both = { width: 4, height: 2, classes: 2, meanOver, warnings: [], voidPixels: 0, prediction: mapScores };
      return request.adversarial ? { ...both, adversarial: mapScores, iouRatio: 1 } : both;
    },
    robustness: async (request, { onPoint, signal }) => {
      calls.robustness.push(request);
      const { epsilons, threshold } = request.spec;
      const attacks = request.spec.attacks.map((entry) => gridAttack(entry).attack);
      const curve = attacks.flatMap((attack) => epsilons.map((epsilon) => point(attack, epsilon)));
      for (const [i, each] of curve.entries()) {
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        await onPoint?.(each, i + 1, curve.length);
      }
      const smallest = curve.find(({ float }) => float.iouRatio! < threshold)?.epsilon ?? null;
      return {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        voidPixels: 0,
        warnings: [],
        threshold,
        clean: { miou: 1, pixelAccuracy: 1 },
        curve: curve.map((each) => ({ ...each, flags: [] })),
        breaking: attacks.map((attack) => ({ attack, float: smallest, uint8: smallest })),
        smallestEpsilon: { float: smallest, uint8: smallest },
        verdict: smallest === null ? "undecided" : "broken",
        masking: { zeroGradientShare: 0, confidence: 0.9 },
        signs: [],
        summary: "A sentence.",
        cost: { pixels: 8, steps: 20, work: 160, maxWork: 2 ** 30 },
        rows: ["clean", ...curve].map((_, i) => ({ schema: 2, id: String(i) }) as unknown as Row),
        timings: { total: 5 },
        receipt: { ...receipt, spec: request.spec },
      };
    },
    robustnessOfSet: async (request, run) => {
      calls.robustnessOfSet.push(request);
      return fakeSet(request, run, fakeService());
    },
    prepareRobustness: async (request) => {
      calls.prepareRobustness.push(request);
      return fakePrepared(request);
    },
    concludeRobustness: async (request) => {
      calls.concludeRobustness.push(request);
      const { spec } = request.prepared;
      return fakeService().robustness({ spec, image: fakePng }, {});
    },
    transfer: async (request) => {
      calls.transfer.push(request);
      const { sources, targets, epsilon } = request.spec;
      const ran = (model: string) => ({ model, modelSha256: fakeModel.sha256, backend: "wasm" as const });
      const perturbation = { linf: epsilon ?? 1, l2: 10, l0: 8, psnr: 30, ssim: 0.9 };
      const scored = { iouRatio: 0.5, miou: 0.5, pixelAccuracy: 0.5 };
      return {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        warnings: [],
        sources: sources.map((source) => ({
          ...ran(source),
          perturbation: { float: perturbation, uint8: perturbation },
          masking: { zeroGradientShare: 0, confidence: 0.9 },
          evaluations: { forward: 3, backward: 2 },
          signs: [],
        })),
        targets: targets.map((target) => ({
          ...ran(target),
          clean: { miou: 1, pixelAccuracy: 1 },
          from: sources.map((source) => ({
            source,
            whiteBox: source === target,
            float: scored,
            uint8: scored,
            signs: [],
          })),
          mostEffective: sources[0]!,
          mostEffectiveTransfer: null,
          transferBeatsWhiteBox: false,
          summary: "A sentence.",
        })),
        timings: { total: 5 },
        receipt: { spec: request.spec, seed: request.spec.seed, versions: receipt.versions },
      };
    },
    audit: async (request) => {
      calls.audit.push(request);
      const { epsilon } = request.spec;
      return {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        warnings: [],
        runs: [
          {
            run: "adaptive",
            attack: "apgd",
            epsilon,
            iouRatio: 0.5,
            evaluations: { forward: 3, backward: 2 },
            flags: [],
          },
        ],
        quotients: [1, null],
        signs: [],
        verdict: "believable",
        summary: "A sentence.",
        timings: { total: 5 },
        receipt: { ...receipt, spec: request.spec },
      };
    },
    certify: async (request) => {
      calls.certify.push(request);
      return {
        width: 4,
        height: 2,
        reference: request.labels ? "ground-truth" : "prediction",
        warnings: [],
        radius: 10.8,
        norm: "l2",
        scores: {
          certifiedAccuracy: 0.5,
          miou: 0.4,
          abstainedShare: 0.3,
          wrongShare: 0.2,
          perClass: [{ class: 0, name: "road", iou: 0.4 }],
        },
        clean: { miou: 0.8, pixelAccuracy: 0.9 },
        ...(request.spec.method === "smoothing" && { drawn: request.spec.samples }),
        images: { labels: png("labels"), outcome: png("outcome") },
        timings: { total: 5 },
        receipt: { ...receipt, spec: request.spec },
      };
    },
    report: async (request) => {
      calls.report.push(request);
      return request.form === "json" ? '{"schema":1}\n' : "<h1>Report</h1>\n";
    },
    ...replaced,
  };
};

/** A service whose every method fails with this failure. */
export const failingService = (failure: Failure): FakeService => {
  const fail = async (): Promise<never> => {
    throw new FaultlineError(failure);
  };
  return fakeService(Object.fromEntries([...recorded, "ready"].map((name) => [name, fail])));
};
