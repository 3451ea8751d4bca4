/** What the handlers of single requests share: networks on their backends, and images checked before anything is computed. */

import { FaultlineError } from "../contract/failure.ts";
import type { Backend, CrfChoice, TransformChoice } from "../contract/options.ts";
import { MAX_WORK } from "../contract/limits.ts";
import type { Cost } from "../contract/robustness.ts";
import type { Receipt } from "../contract/receipt.ts";
import { createBackends, type OtherBackends, type PlacedModel } from "../networks/placement.ts";
import { createModels, type ModelStore, type Models } from "../networks/registry.ts";
import { nodesOf } from "../networks/largest-fit.ts";
import { isGradient } from "../networks/least-bytes.ts";
import { requireMemory } from "../networks/require-memory.ts";
import type { UploadStore } from "../networks/upload-store.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Runtime } from "../runtime/session.ts";
import type { Evaluated, Image } from "../segmenter/segmenter.ts";
import { notesOf } from "../segmenter/network.ts";
import { channelCount } from "../segmenter/manifest.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { imageSize, readImage } from "./pictures.ts";
import type { DrawCharts } from "./report.ts";
import type { Size } from "../tensor.ts";

/** What a service is made of: networks, a runtime, and its limits. */
export interface ServiceOptions extends OtherBackends {
  readonly store: ModelStore;
  /** Without it the service takes no uploads. */
  readonly uploads?: UploadStore | undefined;
  readonly runtime: Runtime;
  /** Of requests that name none; default auto. */
  readonly backend?: Backend | undefined;
  /** Faultline's version, for receipts. */
  readonly version: string;
  readonly defaultModel: string;
  /** Of WASM memory. A Worker has 128 MB in all; default 96 MiB. */
  readonly budgetBytes?: number | undefined;
  /** Maximum width × height of an image; default 4096 × 4096. */
  readonly maxPixels?: number | undefined;
  /** Maximum width and maximum height of an image; default 8192. */
  readonly maxSide?: number | undefined;
  /** Maximum of pixels × steps of all attacks of a request; default MAX_WORK. */
  readonly maxWork?: number | undefined;
  /** Requests that may wait while one runs; default 8. */
  readonly waiting?: number | undefined;
  /** Once aborted, what runs is let end, and everything else is refused. */
  readonly stop?: AbortSignal | undefined;
  /** Draws the charts of reports; without it their pages have none. */
  readonly drawCharts?: DrawCharts | undefined;
  /** Uploaded networks that are kept at most; default 64. */
  readonly maxUploads?: number | undefined;
}

/** What the handlers of single requests share. */
export interface Context {
  readonly models: Models;
  readonly cache: SessionCache;
  readonly version: string;
  readonly maxPixels: number;
  readonly maxSide: number;
  readonly maxWork: number;
  /** The model on the backend that is wanted of it, with the CRF and the transformations that are. */
  readonly open: (
    wanted: TransformChoice & {
      readonly model: string;
      readonly backend?: Backend | undefined;
      readonly crf?: CrfChoice | undefined;
      readonly seed?: number | undefined;
    },
  ) => Promise<PlacedModel>;
  /** The networks that an attack climbs in place of the model, several as an ensemble; each as its manifest has it. */
  readonly openSources: (
    names: readonly string[],
    wanted: { readonly backend?: Backend | undefined; readonly seed?: number | undefined },
  ) => Promise<PlacedModel>;
  /** The work of attacks of so many steps in all on the image, by its header; too much is refused. */
  readonly requireWork: (image: Uint8Array, steps: number) => Cost;
  /** Decodes the image and refuses what could not run, before anything is computed. */
  readonly prepare: (model: PlacedModel, bytes: Uint8Array, objectives: readonly Evaluated[]) => Promise<Image>;
}

/** The work of so many steps on so many pixels. @throws FaultlineError `work-exceeded` */
export const costWithin = (pixels: number, steps: number, maxWork: number): Cost => {
  const cost = costOf(pixels, steps, maxWork);
  if (cost.work > maxWork) throw new FaultlineError({ kind: "work-exceeded", pixels, steps, maxWork });
  return cost;
};

/** The same, where it is not limited. */
export const costOf = (pixels: number, steps: number, maxWork: number): Cost => ({
  pixels,
  steps,
  work: pixels * steps,
  maxWork,
});

/** What the network cannot take, in the words of the API. */
const sizeRefused = (cause: unknown, size: Size): unknown =>
  cause instanceof OnnxError
    ? new FaultlineError({ kind: "image-size-unsupported", part: "image", size, reason: cause.message }, { cause })
    : cause;

export const createContext = ({
  store,
  uploads,
  runtime,
  webgpu,
  native,
  backend: usual = "auto",
  version,
  budgetBytes = 96 * 2 ** 20,
  maxPixels = 4096 * 4096,
  maxSide = 8192,
  maxWork = MAX_WORK,
}: ServiceOptions): Context => {
  const cache = new SessionCache(runtime, budgetBytes);
  const models = createModels({ store, uploads, cache, foundBy: `${version}, ${budgetBytes} bytes` });
  const place = createBackends(cache, { webgpu, native });
  const open: Context["open"] = async ({ model, backend, crf, transform, through, draws, seed }) =>
    place(await models.open(model), { wanted: backend ?? usual, crf, transform, through, draws, seed });
  const openSources: Context["openSources"] = async (names, { backend, seed }) =>
    place(await models.openAll(names), { wanted: backend ?? usual, crf: undefined, seed });
  const requireWork: Context["requireWork"] = (bytes, steps) => {
    const { width, height } = imageSize(bytes, { maxPixels, maxSide });
    return costWithin(width * height, steps, maxWork);
  };
  const prepare: Context["prepare"] = async ({ network, segmenter, cache: own, unsupported }, bytes, objectives) => {
    if (objectives.some(isGradient) && unsupported.length > 0) {
      throw new FaultlineError({
        kind: "gradient-unsupported",
        model: segmenter.manifest.name,
        operators: unsupported,
      });
    }
    const size = imageSize(bytes, { maxPixels, maxSide });
    try {
      requireMemory({ cache: own, segmenter, nodes: nodesOf(network) }, size, objectives);
    } catch (cause) {
      throw sizeRefused(cause, size);
    }
    return readImage(bytes, channelCount(segmenter.manifest.input.channels), { maxPixels, maxSide });
  };
  return { models, cache, version, maxPixels, maxSide, maxWork, open, openSources, requireWork, prepare };
};

/** What ran, for the answer. @param climbed what the attack climbs, where that is not the model. */
export const receiptOf = <Spec extends { readonly seed: number }>(
  context: Context,
  { network, segmenter, cache, choice }: PlacedModel,
  spec: Spec,
  climbed: Pick<PlacedModel, "network"> = { network },
): Receipt<Spec> => ({
  model: segmenter.manifest.name,
  modelSha256: segmenter.manifest.sha256,
  spec,
  seed: spec.seed,
  versions: { faultline: context.version, onnxruntime: cache.runtime.version },
  backend: choice.backend,
  backendWhy: choice.why,
  notes: [...new Set([...notesOf(network), ...notesOf(climbed.network)])],
});
