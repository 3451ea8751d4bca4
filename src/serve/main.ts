/** Node's entry, `npm run serve`: the same app as the Worker's, on a socket. */

import { createApp } from "../api/app.ts";
import { lineOf, Refusal, UsageError } from "../node/failure.ts";
import { checkFolder } from "../node/files.ts";
import type { OpenWebGpu, WebGpuHost } from "../networks/placement.ts";
import { createService } from "../service/service.ts";
import { FaultlineError } from "../contract/failure.ts";
import { useNodeCodecs } from "../image/node.ts";
import { defaultModel, folderModels } from "../node/folder-models.ts";
import { version } from "../node/package.ts";
import { startGpuProcess, startThreadRuntime, type ThreadRuntime } from "../node/runtime.ts";
import { labPages } from "./lab.ts";
import { listen } from "./server.ts";
import { help, parseSettings, type Settings } from "./settings.ts";
import { folderUploads } from "../store/folder.ts";

const onCrash = (reason: string): void => console.error(`${reason}; the runtime is started anew`);

/** WebGPU in a process that is started when it is first wanted; what ends it. */
const webGpu = () => {
  let runtime: ThreadRuntime | undefined;
  const open: OpenWebGpu = async () => {
    const started = await startGpuProcess(onCrash);
    ({ runtime } = started);
    return { runtime, adapter: started.adapter.name, software: started.adapter.software };
  };
  return { open, stop: async () => runtime?.stop() };
};

/** Where WebGPU is wanted of every request, it must be there. */
const requireWebGpu = async (open: OpenWebGpu): Promise<WebGpuHost> =>
  open().catch((cause: unknown) => {
    throw new Refusal(`--backend webgpu: ${lineOf(cause)}`, { cause });
  });

const serve = async (settings: Settings): Promise<void> => {
  const store = await folderModels(settings.models);
  const model = defaultModel(store, settings.defaultModel);
  if (settings.uploads !== undefined) await checkFolder(settings.uploads);
  useNodeCodecs();
  const stop = new AbortController();
  const runtime = await startThreadRuntime({ threads: settings.threads, onCrash });
  const gpu = webGpu();
  const everywhere = settings.backend === "webgpu" ? await requireWebGpu(gpu.open) : undefined;
  const service = createService({
    store,
    uploads: settings.uploads === undefined ? undefined : folderUploads(settings.uploads),
    runtime,
    webgpu: everywhere ? () => Promise.resolve(everywhere) : gpu.open,
    backend: settings.backend,
    version,
    defaultModel: model,
    budgetBytes: settings.budgetBytes,
    waiting: settings.waiting,
    stop: stop.signal,
  });
  await service.ready().catch((cause: unknown) => {
    if (!(cause instanceof FaultlineError && cause.failure.kind === "model-unavailable")) throw cause;
    throw new Refusal(`${settings.models}: ${model}: ${cause.failure.reason}`, { cause });
  });
  const app = createApp(service, {
    version,
    limits: { uploadBytes: settings.uploadBytes },
    uploadToken: settings.uploadToken,
    log: (error, requestId) => console.error(requestId, error),
  });
  app.route("/", labPages());
  const { host, port } = settings;
  const server = await listen((request) => app.fetch(request), { host, port, log: console.log });
  console.log(`Listening on ${server.url} with ${store.manifests.map(({ name }) => name).join(", ")}; pages at /docs`);

  const end = async (signal: string): Promise<void> => {
    if (stop.signal.aborted) process.exit(1);
    console.log(`${signal}: what runs is finished, everything else is refused`);
    stop.abort();
    await server.close();
    await Promise.all([runtime.stop(), gpu.stop()]);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));
};

try {
  const settings = parseSettings(process.argv.slice(2), process.env);
  if (settings) await serve(settings);
  else process.stdout.write(help);
} catch (error) {
  console.error(`faultline: ${lineOf(error)}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
