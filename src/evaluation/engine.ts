/** The service: models, images and attacks put together. Knows neither HTTP nor where it runs. */

import { paperSteps } from "../attacks/ifgsm.ts";
import { encodeLabels } from "../image/labels.ts";
import type { Runtime } from "../runtime/session.ts";
import { MemoryBudgetError, SessionCache } from "../segmenter/session-cache.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { createAttackHandler } from "./attack-request.ts";
import { FaultlineError } from "./failure.ts";
import { classShares } from "./labels.ts";
import { createModels, largestFit, type ModelStore, type Models, type OpenModel } from "./models.ts";
import { readImage, readLabels } from "./pictures.ts";
import { createQueue } from "./queue.ts";
import { createRobustnessHandler } from "./robustness-request.ts";
import { scoreMaps } from "./score-maps.ts";
import type { AttackName, SegmentResult, Service, Size } from "./service.ts";
import { OnnxError } from "../onnx/graph.ts";

export interface EngineOptions {
  readonly store: ModelStore;
  readonly runtime: Runtime;
  /** Faultline's version, for receipts. */
  readonly version: string;
  readonly defaultModel: string;
  /** Of WASM memory. A Worker has 128 MB in all; default 96 MiB. */
  readonly budgetBytes?: number | undefined;
  /** Width × height of an image; default 4096 × 4096. */
  readonly maxPixels?: number | undefined;
  /** Requests that may wait while one runs; default 8. */
  readonly waiting?: number | undefined;
}

/** What the handlers of single requests share. */
export interface Engine {
  readonly models: Models;
  readonly cache: SessionCache;
  readonly version: string;
  readonly maxPixels: number;
  /** Decodes the image and refuses what could not run: before anything is computed. */
  readonly prepare: (model: OpenModel, bytes: Uint8Array, run: "forward" | "attack") => Promise<Image>;
}

const sizeOf = ({ shape }: Image): Size => ({ height: shape[1]!, width: shape[2]! });

const createEngine = ({
  store,
  runtime,
  version,
  budgetBytes = 96 * 2 ** 20,
  maxPixels = 4096 * 4096,
}: EngineOptions): Engine => {
  const cache = new SessionCache(runtime, budgetBytes);
  const models = createModels(store, cache);
  const prepare: Engine["prepare"] = async ({ segmenter, unsupported }, bytes, run) => {
    if (run === "attack" && unsupported.length > 0) {
      throw new FaultlineError({
        kind: "gradient-unsupported",
        model: segmenter.manifest.name,
        operators: unsupported,
      });
    }
    const image = await readImage(bytes, { maxPixels });
    const size = sizeOf(image);
    try {
      cache.requireFit(
        run === "attack" ? segmenter.attackFootprints(size, "least-likely") : [segmenter.forwardFootprint(size)],
      );
    } catch (cause) {
      if (cause instanceof MemoryBudgetError) {
        const { predictedBytes } = cause;
        const fit = largestFit(segmenter, cache, size);
        throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes, largestFit: fit }, { cause });
      }
      if (cause instanceof OnnxError) {
        throw new FaultlineError(
          { kind: "image-size-unsupported", part: "image", size, reason: cause.message },
          { cause },
        );
      }
      throw cause;
    }
    return image;
  };
  return { models, cache, version, maxPixels, prepare };
};

export const createService = (options: EngineOptions): Service => {
  const engine = createEngine(options);
  const { models, maxPixels } = engine;
  const queue = createQueue(options.waiting ?? 8);
  const attack = createAttackHandler(engine);
  const robustness = createRobustnessHandler(engine);

  const segment = async (request: { model: string; image: Uint8Array }): Promise<SegmentResult> => {
    const start = performance.now();
    const model = await models.open(request.model);
    const { manifest } = model.segmenter;
    const image = await engine.prepare(model, request.image, "forward");
    const decoded = performance.now();
    const { labels, confidence } = await model.segmenter.predict(image);
    const predicted = performance.now();
    const shares = classShares(labels, manifest.classes.length);
    const data = encodeLabels(
      labels,
      manifest.classes.map((c) => c.color),
    );
    const total = performance.now() - start;
    return {
      ...sizeOf(image),
      model: manifest.name,
      classes: manifest.classes.map((c, index) => ({ index, ...c, share: shares[index]! })),
      confidence: summary(confidence.data),
      labels: { mediaType: "image/png", data },
      timings: { decode: decoded - start, predict: predicted - decoded, encode: total - (predicted - start), total },
    };
  };

  return {
    defaultModel: options.defaultModel,
    models: () => Promise.all(models.manifests.map((m) => models.info(m.name))),
    ready: async () => void (await models.open(options.defaultModel)),
    defaultSteps: (name: AttackName, epsilon: number) => (name.startsWith("fgsm") ? 1 : paperSteps(epsilon)),
    segment: (request) => queue(() => segment(request)),
    attack: (request, run) => queue(() => attack(request, run)),
    score: (request) =>
      scoreMaps(request, models, (part, bytes, rules) => readLabels(part, bytes, { maxPixels, ...rules })),
    robustness: (request, run) => queue(() => robustness(request, run)),
  };
};

const summary = (values: Float32Array): { mean: number; min: number } => {
  let sum = 0;
  let min = 1;
  for (const v of values) {
    sum += v;
    if (v < min) min = v;
  }
  return { mean: sum / values.length, min };
};
