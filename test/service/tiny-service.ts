/** A service over small networks, in Node. */

import type { ServiceOptions } from "../../src/service/context.ts";
import { createService } from "../../src/service/service.ts";
import { FaultlineError, type Failure } from "../../src/contract/failure.ts";
import type { AttackSpec } from "../../src/contract/attack.ts";
import type { RobustnessSpec } from "../../src/contract/robustness.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type { Labels } from "../../src/segmenter/segmenter.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";

export type File = ReturnType<typeof tinyFile>;

export const tiny = tinyFile({ activation: "Tanh" });

export const serviceOf = (files: readonly File[] = [tiny], options: Partial<ServiceOptions> = {}) =>
  createService({
    store: {
      manifests: files.map((f) => f.manifest),
      read: (manifest) => Promise.resolve(files.find((f) => f.manifest === manifest)!.bytes),
    },
    runtime: startWasm(),
    version: "1.2.3",
    defaultModel: files[0]!.manifest.name,
    ...options,
  });

export const image = noiseImage(12, 16, 5);
export const imagePng = encodePng(image);
export const pngOf = (labels: Labels): Uint8Array =>
  encodeLabels(
    labels,
    tiny.manifest.classes.map((c) => c.color),
  );

export const spec: AttackSpec = {
  model: "tiny",
  attack: "ifgsm",
  epsilon: 8,
  alpha: 1,
  steps: 4,
  label: "prediction",
  norm: "linf",
  pixelRange: "clip",
  seed: 0,
};

export const grid: RobustnessSpec = {
  model: "tiny",
  norm: "linf",
  attacks: ["fgsm", "ifgsm-ii"],
  epsilons: [0.25, 2, 16],
  alpha: 1,
  threshold: 0.6,
  label: "prediction",
  pixelRange: "clip",
  seed: 0,
};

/** The failure that a request is refused with. */
export const failureOf = async (request: Promise<unknown>): Promise<Failure> => {
  const error: unknown = await request.then(
    () => new Error("it was not refused"),
    (cause: unknown) => cause,
  );
  if (error instanceof FaultlineError) return error.failure;
  throw error;
};
