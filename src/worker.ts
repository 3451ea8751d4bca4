/** Cloudflare's entry, and the only file that sees its environment. WASM modules and the networks' manifests are bundled. */

import { waitUntil } from "cloudflare:workers";
import jpegDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import webpDecoder from "@jsquash/webp/codec/dec/webp_dec.wasm";
import ortModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import outlines from "../models/outlines.json";
import packageJson from "../package.json";
import { createApp } from "./api/app.ts";
import { createService } from "./service/service.ts";
import type { ModelStore } from "./networks/registry.ts";
import type { Service } from "./contract/service.ts";
import { useCodecModules } from "./image/codecs.ts";
import { startWasm } from "./runtime/wasm/wasm.ts";
import { parseManifest } from "./segmenter/manifest.ts";
import { shipped } from "./shipped.ts";
import { r2Uploads } from "./store/r2.ts";

interface Env {
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
}

/** Their files are static assets, beside the page /lab, which runs the same (scripts/browser.ts). */
const shippedModels = (assets: Fetcher): ModelStore => ({
  manifests: shipped.map(parseManifest),
  outlines,
  read: async ({ name, file }) => {
    const response = await assets.fetch(`https://assets/lab/models/${name}/${file}`);
    if (!response.ok) throw new Error(`${file} of ${name} is not among the static assets (${response.status})`);
    return new Uint8Array(await response.arrayBuffer());
  },
});

/**
 * Cloudflare drops a request's work when its client leaves. Other requests wait for that work (their turn, a model half
 * opened) and would wait for ever: so what has begun is let end, which an aborted run does at its next step.
 */
const finishing = (service: Service): Service => {
  const { uploads } = service;
  const held = <T>(work: Promise<T>): Promise<T> => {
    waitUntil(work.catch(() => undefined));
    return work;
  };
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
    transfer: (request, run) => held(service.transfer(request, run)),
    audit: (request, run) => held(service.audit(request, run)),
    certify: (request, run) => held(service.certify(request, run)),
    report: (request, run) => held(service.report(request, run)),
    uploads: uploads && {
      add: (request, run) => held(uploads.add(request, run)),
      remove: (name) => held(uploads.remove(name)),
    },
    // An evaluation outlives its request, for which a Worker has no process.
    evaluations: undefined,
  };
};

const mebibytes = (text: string): number => {
  const bytes = Number(text) * 2 ** 20;
  if (bytes > 0) return bytes;
  throw new RangeError(`a number of MiB is wanted, not ${text}`);
};

const createWorker = (env: Env) => {
  useCodecModules({ jpeg: () => Promise.resolve(jpegDecoder), webp: () => Promise.resolve(webpDecoder) });
  const { version } = packageJson;
  const service = createService({
    store: shippedModels(env.ASSETS),
    uploads: env.MODELS && r2Uploads(env.MODELS),
    runtime: startWasm({ module: ortModule }),
    webgpu: () => Promise.reject(new Error("Workers have no WebGPU")),
    version,
    defaultModel: "enet-street",
    budgetBytes: mebibytes(env.MEMORY_BUDGET_MIB),
  });
  return createApp(finishing(service), {
    version,
    limits: { uploadBytes: mebibytes(env.UPLOAD_LIMIT_MIB) },
    uploadToken: env.UPLOAD_TOKEN,
    log: (error, requestId) => console.error(requestId, error),
  });
};

let worker: ReturnType<typeof createWorker> | undefined;

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext) =>
    (worker ??= createWorker(env)).fetch(request, env, context),
};
