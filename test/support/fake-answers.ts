/** The answers of a Service without a network: fixed, but for what they repeat of their requests. */

import type { AttackScores } from "../../src/evaluation/scores.ts";
import type { OutputName } from "../../src/contract/attack.ts";
import type { AuditRequest, AuditResult } from "../../src/contract/audit.ts";
import type { CertifyRequest, CertifyResult } from "../../src/contract/certify.ts";
import type { EncodedImage } from "../../src/contract/files.ts";
import type { ModelInfo } from "../../src/contract/models.ts";
import type { MapScores } from "../../src/contract/score.ts";
import type { SegmentRequest, SegmentResult } from "../../src/contract/segment.ts";
import type { TransferRequest, TransferResult } from "../../src/contract/transfer.ts";

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes that begin as a PNG does; every byte value occurs, so that base64 and multipart must keep them all. */
export const fakePng: Uint8Array<ArrayBuffer> = Uint8Array.from([
  ...pngSignature,
  ...Array.from({ length: 256 }, (_, i) => i),
]);

export const png = (marker: string): EncodedImage => ({
  mediaType: "image/png",
  data: Uint8Array.from([...pngSignature, ...new TextEncoder().encode(marker)]),
});

export const encodedOutput = (name: OutputName): EncodedImage =>
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

export const scores: AttackScores = {
  iouRatio: 0.25,
  miou: { clean: 1, adversarial: 0.25 },
  pixelAccuracy: { clean: 1, adversarial: 0.5 },
  perClass: [
    { class: 0, name: "sky", clean: 1, adversarial: 0.25 },
    { class: 1, name: "road", clean: null, adversarial: null },
  ],
};

export const mapScores: MapScores = {
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

export const receipt = {
  model: "enet-street",
  modelSha256: fakeModel.sha256,
  seed: 0,
  versions: { faultline: "0.1.0", onnxruntime: "1.30.0" },
  backend: "wasm",
  backendWhy: "it was asked for",
  notes: [],
} as const;

export const segmentAnswer = (request: SegmentRequest): SegmentResult => {
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
};

export const transferAnswer = (request: TransferRequest): TransferResult => {
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
};

export const auditAnswer = (request: AuditRequest): AuditResult => {
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
};

export const certifyAnswer = (request: CertifyRequest): CertifyResult => {
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
};
