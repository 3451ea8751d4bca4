/**
 * The thread of the service: everything that decodes pictures, reads networks, compiles graphs and predicts memory. The thread that
 * answers requests does none of that, so that it answers at any time; the networks run in a third thread or a process.
 */

import { parentPort, workerData } from "node:worker_threads";
import { FaultlineError } from "../contract/failure.ts";
import type { Service } from "../contract/service.ts";
import { useNodeCodecs } from "../image/node.ts";
import type { OpenNative, OpenWebGpu } from "../networks/placement.ts";
import { createService } from "../service/service.ts";
import { drawnIfPossible } from "./charts.ts";
import { lineOf, Refusal } from "./failure.ts";
import { defaultModel, folderModels } from "./folder-models.ts";
import { startGpuProcess, startNativeProcess, startThreadRuntime, type ThreadRuntime } from "./runtime.ts";
import type { FromService, Methods, ServiceCall, ServiceData, ToService } from "./service-messages.ts";
import { uploadsAt } from "./stores.ts";

const port = parentPort!;
const post = (message: FromService): void => port.postMessage(message);
const data = workerData as ServiceData;

const onCrash = (reason: string): void => console.error(`${reason}; the runtime is started anew`);

/** WebGPU in a process that is started at the first request for it. */
const webGpu = () => {
  let runtime: ThreadRuntime | undefined;
  const open: OpenWebGpu = async () => {
    const started = await startGpuProcess(onCrash);
    ({ runtime } = started);
    return { runtime, adapter: started.adapter.name, software: started.adapter.software };
  };
  return { open, stop: async () => runtime?.stop() };
};

/** Native onnxruntime in a process that is started at the first request for it. */
const nativeWith = (threads: number) => {
  let runtime: ThreadRuntime | undefined;
  const open: OpenNative = async () => (runtime = await startNativeProcess({ threads, onCrash }));
  return { open, stop: async () => runtime?.stop() };
};

/** Opens it now, for all requests. @throws Refusal where there is none. */
const opened = async <T>(backend: string, open: () => Promise<T>): Promise<() => Promise<T>> => {
  try {
    const host = await open();
    return () => Promise.resolve(host);
  } catch (cause) {
    throw new Refusal(`--backend ${backend}: ${lineOf(cause)}`, { cause });
  }
};

const start = async (stop: AbortSignal) => {
  const { threads, backend, version, budgetBytes, waiting } = data;
  const store = await folderModels(data.models);
  const model = defaultModel(store, data.defaultModel);
  const uploads = data.uploads === undefined ? undefined : await uploadsAt(data.uploads);
  useNodeCodecs();
  const runtime = await startThreadRuntime({ threads, onCrash });
  const gpu = webGpu();
  const native = nativeWith(threads);
  const service = createService({
    store,
    uploads,
    runtime,
    webgpu: backend === "webgpu" ? await opened(backend, gpu.open) : gpu.open,
    native: backend === "native" ? await opened(backend, native.open) : native.open,
    backend,
    version,
    defaultModel: model,
    budgetBytes,
    waiting,
    stop,
    drawCharts: drawnIfPossible,
  });
  await service.ready().catch((cause: unknown) => {
    if (!(cause instanceof FaultlineError && cause.failure.kind === "model-unavailable")) throw cause;
    throw new Refusal(`${data.models}: ${model}: ${cause.failure.reason}`, { cause });
  });
  post({ kind: "ready", defaultModel: model, models: store.manifests.map(({ name }) => name) });
  return { service, end: () => Promise.all([runtime.stop(), gpu.stop(), native.stop()]) };
};

/** A call that runs. */
interface Running {
  readonly abort: AbortController;
  next: () => void;
}

const running = new Map<number, Running>();

const perform = ({ id, method, argument, reports }: ServiceCall, service: Service): Promise<unknown> => {
  const call: Running = { abort: new AbortController(), next: () => undefined };
  running.set(id, call);
  const { signal } = call.abort;
  const report = async (...values: readonly unknown[]): Promise<void> => {
    const answered = new Promise<void>((resolve) => (call.next = resolve));
    post({ kind: "report", id, values });
    await answered;
  };
  const uploads = service.uploads!;
  const of = <M extends keyof Methods>(): Parameters<Methods[M]>[0] => argument as Parameters<Methods[M]>[0];
  switch (method) {
    case "models":
      return service.models({ signal });
    case "model":
      return service.model(of<"model">(), { signal });
    case "ready":
      return service.ready();
    case "segment":
      return service.segment(of<"segment">(), { signal });
    case "attack":
      return service.attack(of<"attack">(), { signal, ...(reports ? { onStep: report } : {}) });
    case "score":
      return service.score(of<"score">(), { signal });
    case "robustness":
      return service.robustness(of<"robustness">(), { signal, ...(reports ? { onPoint: report } : {}) });
    case "robustnessOfSet":
      return service.robustnessOfSet(of<"robustnessOfSet">(), { signal, ...(reports ? { onPoint: report } : {}) });
    case "prepareRobustness":
      return service.prepareRobustness(of<"prepareRobustness">(), { signal });
    case "concludeRobustness":
      return service.concludeRobustness(of<"concludeRobustness">(), { signal });
    case "transfer":
      return service.transfer(of<"transfer">(), { signal });
    case "audit":
      return service.audit(of<"audit">(), { signal });
    case "certify":
      return service.certify(of<"certify">(), { signal });
    case "report":
      return service.report(of<"report">(), { signal });
    case "add":
      return uploads.add(of<"add">(), { signal });
    case "remove":
      return uploads.remove(of<"remove">());
    default:
      return method satisfies never;
  }
};

const answer = async (call: ServiceCall, service: Service): Promise<void> => {
  const { id } = call;
  try {
    post({ kind: "value", id, value: await perform(call, service) });
  } catch (cause) {
    if (cause instanceof FaultlineError) post({ kind: "failure", id, failure: cause.failure });
    else post({ kind: "error", id, error: cause instanceof Error ? cause : new Error(String(cause)) });
  } finally {
    running.delete(id);
  }
};

const stop = new AbortController();
try {
  const { service, end } = await start(stop.signal);
  port.on("message", (message: ToService) => {
    switch (message.kind) {
      case "call":
        return void answer(message, service);
      case "next":
        return running.get(message.id)?.next();
      case "abort":
        running.get(message.id)?.abort.abort();
        return running.get(message.id)?.next();
      case "stop":
        return stop.abort();
      case "end":
        return void end().finally(() => port.close());
      default:
        return message satisfies never;
    }
  });
} catch (cause) {
  post({ kind: "refused", reason: lineOf(cause) });
}
