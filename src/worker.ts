/** Cloudflare's entry, and the only file that sees its environment. WASM modules and the networks' manifests are bundled. */

import { waitUntil, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import jpegDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import webpDecoder from "@jsquash/webp/codec/dec/webp_dec.wasm";
import resvgModule from "@resvg/resvg-wasm/index_bg.wasm";
import ortModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import outlines from "../models/outlines.json";
import packageJson from "../package.json";
import loopsModule from "../simd/loops.wasm";
import { createApp } from "./api/app.ts";
import type { Delivery } from "./cloudflare/deliveries.ts";
import {
  createEngine,
  missingBindings,
  type Engine,
  type EngineBindings,
  type EngineOptions,
} from "./cloudflare/engine.ts";
import type { Run } from "./cloudflare/ledger.ts";
import { dataIn } from "./cloudflare/data.ts";
import { startRenderer } from "./cloudflare/resvg.ts";
import { renderStreet } from "./datasets/street/render.ts";
import { createDataSets } from "./store/data-sets.ts";
import { createService, createShared, type Shared } from "./service/service.ts";
import type { DataSets } from "./contract/data.ts";
import type { Evaluations } from "./contract/evaluations.ts";
import type { ModelStore } from "./networks/registry.ts";
import type { Service } from "./contract/service.ts";
import { useCodecModules } from "./image/codecs.ts";
import { nodeZlib } from "./image/node-zlib.ts";
import { usePlatformZlib } from "./image/zlib.ts";
import { startWasm } from "./runtime/wasm/wasm.ts";
import { parseManifest } from "./segmenter/manifest.ts";
import { GRAPHS_FILE } from "./segmenter/stored-graphs.ts";
import { shipped } from "./shipped.ts";
import { useLoops } from "./simd/loops.ts";
import { bucketData } from "./store/bucket-data.ts";
import { bucketUploads } from "./store/bucket.ts";

interface Env extends Partial<EngineBindings> {
  /** Static assets: the networks' files. */
  readonly ASSETS: Fetcher;
  /** WASM memory that a run may be predicted to take. */
  readonly MEMORY_BUDGET_MIB: string;
  /** Of a request that uploads a network. */
  readonly UPLOAD_LIMIT_MIB: string;
  /** Where uploaded networks are kept; without it there are no uploads. */
  readonly MODELS?: R2Bucket;
  /** A secret that uploads must send, if it is set. */
  readonly UPLOAD_TOKEN?: string;
  /** The most that an evaluation may take, in hours of a processor. */
  readonly MAX_CPU_HOURS: string;
  /** Of the queue, at most: by them the duration of an evaluation is predicted. */
  readonly QUEUE_CONSUMERS: string;
  /** Cloudflare's price of such an hour. */
  readonly DOLLARS_PER_CPU_HOUR: string;
}

const assetOf = (assets: Fetcher, name: string, file: string): Promise<Response> =>
  assets.fetch(`https://assets/lab/models/${name}/${file}`);

/** Their files are static assets, beside the page /lab, which runs the same (scripts/browser.ts). */
const shippedModels = (assets: Fetcher): ModelStore => ({
  manifests: shipped.map(parseManifest),
  outlines,
  read: async ({ name, file }) => {
    const response = await assetOf(assets, name, file);
    if (!response.ok) throw new Error(`${file} of ${name} is not among the static assets (${response.status})`);
    return new Uint8Array(await response.arrayBuffer());
  },
  graphs: async ({ name }) => {
    const response = await assetOf(assets, name, GRAPHS_FILE);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  },
});

const held = <T>(work: Promise<T>): Promise<T> => {
  waitUntil(work.catch(() => undefined));
  return work;
};

/** What plans or changes something is let end; what is read is not. */
const finishingEvaluations = (evaluations: Evaluations): Evaluations => ({
  ...evaluations,
  predict: (request, run) => held(evaluations.predict(request, run)),
  submit: (request, run) => held(evaluations.submit(request, run)),
  cancel: (id) => held(evaluations.cancel(id)),
  retry: (id) => held(evaluations.retry(id)),
  remove: (id) => held(evaluations.remove(id)),
});

/**
 * Cloudflare drops a request's work when its client leaves. Other requests wait for that work (their turn, a model half
 * opened) and would wait for ever: so what has begun is let end, which an aborted run does at its next step.
 */
const finishing = (service: Service, evaluations: Evaluations | undefined, data: DataSets | undefined): Service => {
  const { uploads } = service;
  // Every method is listed, so that a new one is not forgotten.
  return {
    defaultModel: service.defaultModel,
    models: (run) => held(service.models(run)),
    model: (name, run) => held(service.model(name, run)),
    ready: () => held(service.ready()),
    segment: (request, run) => held(service.segment(request, run)),
    attack: (request, run) => held(service.attack(request, run)),
    score: (request, run) => held(service.score(request, run)),
    robustness: (request, run) => held(service.robustness(request, run)),
    robustnessOfSet: (request, run) => held(service.robustnessOfSet(request, run)),
    prepareRobustness: (request, run) => held(service.prepareRobustness(request, run)),
    concludeRobustness: (request, run) => held(service.concludeRobustness(request, run)),
    transfer: (request, run) => held(service.transfer(request, run)),
    audit: (request, run) => held(service.audit(request, run)),
    certify: (request, run) => held(service.certify(request, run)),
    report: (request, run) => held(service.report(request, run)),
    uploads: uploads && {
      add: (request, run) => held(uploads.add(request, run)),
      remove: (name) => held(uploads.remove(name)),
    },
    evaluations: evaluations && finishingEvaluations(evaluations),
    data: data && {
      list: () => data.list(),
      put: (manifest) => held(data.put(manifest)),
      putFile: (sha256, bytes) => held(data.putFile(sha256, bytes)),
      keep: (name, files) => held(data.keep(name, files)),
      file: (name, path) => held(data.file(name, path)),
      remove: (name) => held(data.remove(name)),
    },
  };
};

const positive = (name: string, text: string): number => {
  const value = Number(text);
  if (value > 0) return value;
  throw new RangeError(`${name} must be a positive number, not ${text}`);
};

const whole = (name: string, text: string): number => {
  const value = positive(name, text);
  if (Number.isInteger(value)) return value;
  throw new RangeError(`${name} must be a whole number, not ${text}`);
};

const mebibytes = (name: string, text: string): number => positive(name, text) * 2 ** 20;

const { version } = packageJson;
const log = (error: unknown, requestId?: string): void => console.error(requestId ?? "", error);

/** Null where a binding is missing, and evaluations are disabled. */
const engineOf = (env: Env, { context, queue }: Shared, given: Pick<EngineOptions, "onnxruntime">): Engine | null =>
  missingBindings(env).length > 0
    ? null
    : createEngine(env as Required<Pick<Env, keyof EngineBindings>>, {
        ...given,
        models: context.models,
        cache: context.cache,
        exclusive: queue,
        openData: dataIn(bucketData(env.DATA!)),
        draw: async (street, size) => renderStreet(street, size, await startRenderer(resvgModule)),
        version,
        maxCpuHours: positive("MAX_CPU_HOURS", env.MAX_CPU_HOURS),
        consumers: whole("QUEUE_CONSUMERS", env.QUEUE_CONSUMERS),
        log,
      });

const createWorker = (env: Env) => {
  usePlatformZlib(nodeZlib);
  useLoops(loopsModule);
  useCodecModules({ jpeg: () => Promise.resolve(jpegDecoder), webp: () => Promise.resolve(webpDecoder) });
  const runtime = startWasm({ module: ortModule });
  const store = shippedModels(env.ASSETS);
  const options = {
    store,
    uploads: env.MODELS && bucketUploads(env.MODELS),
    runtime,
    webgpu: () => Promise.reject(new Error("Workers have no WebGPU")),
    version,
    defaultModel: "enet-street",
    budgetBytes: mebibytes("MEMORY_BUDGET_MIB", env.MEMORY_BUDGET_MIB),
  };
  const shared = createShared(options);
  const data = env.DATA && createDataSets(bucketData(env.DATA));
  const engine = engineOf(env, shared, { onnxruntime: runtime.version });
  const app = createApp(finishing(createService(options, shared), engine?.evaluations, data), {
    version,
    limits: { uploadBytes: mebibytes("UPLOAD_LIMIT_MIB", env.UPLOAD_LIMIT_MIB) },
    uploadToken: env.UPLOAD_TOKEN,
    dollarsPerCpuHour: positive("DOLLARS_PER_CPU_HOUR", env.DOLLARS_PER_CPU_HOUR),
    log,
  });
  return { app, engine };
};

let worker: ReturnType<typeof createWorker> | undefined;

const workerIn = (env: Env) => (worker ??= createWorker(env));

/** @throws Error that names the bindings, where evaluations are disabled. */
const engineIn = (env: Env): Engine => {
  const { engine } = workerIn(env);
  if (engine) return engine;
  throw new Error(`evaluations need the bindings ${missingBindings(env).join(", ")}: see docs/deploy.md`);
};

/** The course of an evaluation's run. */
export class EvaluationRun extends WorkflowEntrypoint<Env, Run> {
  override run({ payload }: Readonly<WorkflowEvent<Run>>, step: WorkflowStep): Promise<string> {
    return engineIn(this.env).follow(payload, {
      do: (name, work) => step.do(name, work),
      sleep: (name, milliseconds) => step.sleep(name, milliseconds),
    });
  }
}

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext) => workerIn(env).app.fetch(request, env, context),
  queue: (batch: MessageBatch<Delivery>, env: Env) => engineIn(env).consume(batch),
  scheduled: async (_: ScheduledController, env: Env) => {
    const { engine } = workerIn(env);
    await engine?.sweep();
  },
} satisfies ExportedHandler<Env, Delivery>;
