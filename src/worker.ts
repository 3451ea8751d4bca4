/** Cloudflare's entry, and the only file that sees its environment. Networks and WASM modules are bundled. */

import { waitUntil } from "cloudflare:workers";
import jpegDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import webpDecoder from "@jsquash/webp/codec/dec/webp_dec.wasm";
import ortModule from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import enetStreet from "../models/enet-street/model.onnx";
import enetStreetManifest from "../models/enet-street/manifest.json";
import packageJson from "../package.json";
import { createApp } from "./api/app.ts";
import { createService } from "./evaluation/engine.ts";
import type { ModelStore } from "./evaluation/models.ts";
import type { Service } from "./evaluation/service.ts";
import { useCodecModules } from "./image/codecs.ts";
import { startWasm } from "./runtime/wasm.ts";
import { parseManifest } from "./segmenter/manifest.ts";

interface Env {
  /** WASM memory that a run may be predicted to take. */
  readonly MEMORY_BUDGET_MIB: string;
}

const bundled: readonly (readonly [unknown, ArrayBuffer])[] = [[enetStreetManifest, enetStreet]];

const bundledModels = (): ModelStore => {
  const files = new Map(bundled.map(([manifest, file]) => [parseManifest(manifest), file]));
  return {
    manifests: [...files.keys()],
    read: (manifest) => {
      const file = files.get(manifest);
      return file
        ? Promise.resolve(new Uint8Array(file))
        : Promise.reject(new Error(`${manifest.name} is not bundled`));
    },
  };
};

/**
 * Cloudflare drops a request's work when its client leaves. Other requests wait for that work (their turn, a model half
 * opened) and would wait for ever: so what has begun is let end, which an aborted run does at its next step.
 */
const finishing = (service: Service): Service => {
  const held = <T>(work: Promise<T>): Promise<T> => {
    waitUntil(work.catch(() => undefined));
    return work;
  };
  return {
    ...service,
    models: () => held(service.models()),
    ready: () => held(service.ready()),
    segment: (request) => held(service.segment(request)),
    attack: (request, run) => held(service.attack(request, run)),
    score: (request) => held(service.score(request)),
    robustness: (request, run) => held(service.robustness(request, run)),
  };
};

const createWorker = (env: Env) => {
  useCodecModules({ jpeg: () => Promise.resolve(jpegDecoder), webp: () => Promise.resolve(webpDecoder) });
  const { version } = packageJson;
  const service = createService({
    store: bundledModels(),
    runtime: startWasm({ module: ortModule }),
    version,
    defaultModel: "enet-street",
    budgetBytes: Number(env.MEMORY_BUDGET_MIB) * 2 ** 20,
  });
  return createApp(finishing(service), { version, log: (error, requestId) => console.error(requestId, error) });
};

let worker: ReturnType<typeof createWorker> | undefined;

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext) =>
    (worker ??= createWorker(env)).fetch(request, env, context),
};
