/** Node's entry, `npm run serve`: the same app as the Worker's, on a socket. */

import packageJson from "../package.json";
import { createApp } from "./api/app.ts";
import { messageOf, Refusal, UsageError } from "./cli/failure.ts";
import { checkFolder } from "./cli/files.ts";
import { createService } from "./evaluation/engine.ts";
import { FaultlineError } from "./evaluation/failure.ts";
import { useNodeCodecs } from "./image/node.ts";
import { defaultModel, folderModels } from "./node/folder-models.ts";
import { startThreadRuntime, type ThreadRuntime } from "./node/runtime.ts";
import { labPages } from "./node/lab.ts";
import { listen } from "./node/server.ts";
import { help, parseSettings, type Settings } from "./node/settings.ts";
import { folderUploads } from "./store/folder.ts";

/** The one backend so far. */
const startRuntime = ({ threads }: Settings): Promise<ThreadRuntime> =>
  startThreadRuntime({ threads, onCrash: (reason) => console.error(`${reason}; the runtime is started anew`) });

const serve = async (settings: Settings): Promise<void> => {
  const { version } = packageJson;
  const store = await folderModels(settings.models);
  const model = defaultModel(store, settings.defaultModel);
  if (settings.uploads !== undefined) await checkFolder(settings.uploads);
  useNodeCodecs();
  const stop = new AbortController();
  const runtime = await startRuntime(settings);
  const service = createService({
    store,
    uploads: settings.uploads === undefined ? undefined : folderUploads(settings.uploads),
    runtime,
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
    await runtime.stop();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));
};

try {
  const settings = parseSettings(process.argv.slice(2), process.env);
  if (settings) await serve(settings);
  else process.stdout.write(help);
} catch (error) {
  console.error(`faultline: ${messageOf(error)}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
