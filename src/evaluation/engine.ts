/** The service: models, images and attacks put together. Knows neither HTTP nor where it runs. */

import { stepsOf } from "./attack-image.ts";
import { encodeLabels } from "../image/labels.ts";
import { RuntimeError, type Runtime } from "../runtime/session.ts";
import { MemoryBudgetError, SessionCache } from "../segmenter/session-cache.ts";
import type { Goal, Image, Segmenter } from "../segmenter/segmenter.ts";
import { createBackends, type OpenWebGpu, type PlacedModel } from "./backends.ts";
import { cancellable, createAttackHandler } from "./attack-request.ts";
import { FaultlineError } from "./failure.ts";
import { classShares } from "./labels.ts";
import { footprintsOf, largestFit } from "./largest-fit.ts";
import { createModels, type ModelStore, type Models } from "./models.ts";
import { imageSize, readImage, readLabels } from "./pictures.ts";
import { createQueue } from "./queue.ts";
import { createRobustnessHandler } from "./robustness-request.ts";
import { scoreMaps } from "./score-maps.ts";
import type { Backend, CrfChoice } from "./options.ts";
import type { Service } from "./service.ts";
import type { Size } from "./service/files.ts";
import type { ModelInfo } from "./service/models.ts";
import type { SegmentRequest, SegmentResult } from "./service/segment.ts";
import type { UploadStore } from "./upload-store.ts";
import { createUploads } from "./uploads.ts";
import { OnnxError } from "../onnx/graph.ts";

export interface EngineOptions {
  readonly store: ModelStore;
  /** Without it the service takes no uploads. */
  readonly uploads?: UploadStore | undefined;
  readonly runtime: Runtime;
  /** Where the service can have WebGPU; asked when it is first wanted. */
  readonly webgpu?: OpenWebGpu | undefined;
  /** Of requests that name none; default auto. */
  readonly backend?: Backend | undefined;
  /** Faultline's version, for receipts. */
  readonly version: string;
  readonly defaultModel: string;
  /** Of WASM memory. A Worker has 128 MB in all; default 96 MiB. */
  readonly budgetBytes?: number | undefined;
  /** Width × height of an image; default 4096 × 4096. */
  readonly maxPixels?: number | undefined;
  /** Requests that may wait while one runs; default 8. */
  readonly waiting?: number | undefined;
  /** Once aborted, what runs is let end, and everything else is refused. */
  readonly stop?: AbortSignal | undefined;
  /** Uploaded networks that are kept at most; default 64. */
  readonly maxUploads?: number | undefined;
}

/** What the handlers of single requests share. */
export interface Engine {
  readonly models: Models;
  readonly cache: SessionCache;
  readonly version: string;
  readonly maxPixels: number;
  /** Refuses runs that would not fit: attacks of these goals, or, without goals, a prediction. */
  readonly requireMemory: (
    cache: SessionCache,
    segmenter: Segmenter,
    size: Size,
    goals: readonly Goal["kind"][],
  ) => void;
  /** The model on the backend that is wanted of it, with the CRF that is. */
  readonly open: (wanted: {
    readonly model: string;
    readonly backend?: Backend | undefined;
    readonly crf?: CrfChoice | undefined;
  }) => Promise<PlacedModel>;
  /** Decodes the image and refuses what could not run, before anything is computed. */
  readonly prepare: (model: PlacedModel, bytes: Uint8Array, goals: readonly Goal["kind"][]) => Promise<Image>;
}

const sizeOf = ({ shape }: Image): Size => ({ height: shape[1]!, width: shape[2]! });

/** No run takes less: the image, the network's input, and the logits, in float32. */
const leastBytes = ({ manifest }: Segmenter, { height, width }: Size): number =>
  4 * height * width * (3 + 3 + manifest.classes.length);

/** Before the image is decoded; a size far too large even before its graph is compiled. */
const requireMemory: Engine["requireMemory"] = (cache, segmenter, size, goals) => {
  const { budgetBytes } = cache;
  try {
    const least = leastBytes(segmenter, size);
    if (least > budgetBytes) throw new MemoryBudgetError(least, budgetBytes);
    for (const footprints of footprintsOf(segmenter, size, goals)) cache.requireFit(footprints);
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    const { predictedBytes } = cause;
    const fit = largestFit(segmenter, cache, size, goals);
    throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes, largestFit: fit }, { cause });
  }
};

/** What the network cannot take, in the words of the API. */
const sizeRefused = (cause: unknown, size: Size): unknown =>
  cause instanceof OnnxError
    ? new FaultlineError({ kind: "image-size-unsupported", part: "image", size, reason: cause.message }, { cause })
    : cause;

const createEngine = ({
  store,
  uploads,
  runtime,
  webgpu,
  backend: usual = "auto",
  version,
  budgetBytes = 96 * 2 ** 20,
  maxPixels = 4096 * 4096,
}: EngineOptions): Engine => {
  const cache = new SessionCache(runtime, budgetBytes);
  const models = createModels({ store, uploads, cache, foundBy: `${version}, ${budgetBytes} bytes` });
  const place = createBackends(cache, webgpu);
  const open: Engine["open"] = async ({ model, backend, crf }) =>
    place(await models.open(model), { wanted: backend ?? usual, crf });
  const prepare: Engine["prepare"] = async ({ segmenter, cache: own, unsupported }, bytes, goals) => {
    if (goals.length > 0 && unsupported.length > 0) {
      throw new FaultlineError({
        kind: "gradient-unsupported",
        model: segmenter.manifest.name,
        operators: unsupported,
      });
    }
    const size = imageSize(bytes, { maxPixels });
    try {
      requireMemory(own, segmenter, size, goals);
    } catch (cause) {
      throw sizeRefused(cause, size);
    }
    return readImage(bytes, { maxPixels });
  };
  return { models, cache, version, maxPixels, requireMemory, open, prepare };
};

export const createService = (options: EngineOptions): Service => {
  const engine = createEngine(options);
  const { models, maxPixels } = engine;
  const uploads = options.uploads && createUploads(engine, options.uploads, options.maxUploads ?? 64);
  const queue = createQueue(options.waiting ?? 8, options.stop);
  const attack = createAttackHandler(engine);
  const robustness = createRobustnessHandler(engine);

  const segment = async (request: SegmentRequest): Promise<SegmentResult> => {
    const start = performance.now();
    const model = await engine.open(request);
    const { manifest } = model.segmenter;
    const image = await engine.prepare(model, request.image, []);
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
      backend: model.choice.backend,
      backendWhy: model.choice.why,
      timings: { decode: decoded - start, predict: predicted - decoded, encode: total - (predicted - start), total },
    };
  };

  return {
    defaultModel: options.defaultModel,
    models: () => queue(() => availableModels(models)),
    model: (name) => queue(() => models.info(name)),
    ready: async () => {
      if (options.stop?.aborted) throw new FaultlineError({ kind: "stopping" });
      await models.open(options.defaultModel);
    },
    defaultSteps: stepsOf,
    segment: (request) => queue(() => running(request.model, () => segment(request))),
    attack: (request, run) =>
      queue(() => running(request.spec.model, () => cancellable(run.signal, () => attack(request, run)))),
    score: (request) =>
      queue(() => scoreMaps(request, models, (part, bytes, rules) => readLabels(part, bytes, { maxPixels, ...rules }))),
    robustness: (request, run) =>
      queue(() => running(request.spec.model, () => cancellable(run.signal, () => robustness(request, run)))),
    uploads: uploads && {
      add: (request) => queue(() => uploads.add(request)),
      remove: (name) => queue(() => uploads.remove(name)),
    },
  };
};

/** A backend that fails (out of memory, numbers that overflow) is told as such; so is a lattice larger than was reckoned with. */
const running = async <T>(model: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof MemoryBudgetError) {
      const { predictedBytes, budgetBytes } = cause;
      throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes }, { cause });
    }
    if (!(cause instanceof RuntimeError)) throw cause;
    throw new FaultlineError({ kind: "model-unavailable", model, reason: cause.message }, { cause });
  }
};

/** Those that can be opened; where none can, why. One after another: all files at once are more than an isolate holds. */
const availableModels = async (models: Models): Promise<ModelInfo[]> => {
  const available: ModelInfo[] = [];
  let fault: unknown;
  for (const name of await models.names()) {
    try {
      available.push(await models.outline(name));
    } catch (cause) {
      fault ??= cause;
    }
  }
  if (available.length === 0 && fault !== undefined) throw fault;
  return available;
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
