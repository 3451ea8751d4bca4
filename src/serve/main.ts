/** Entry point under Node (`npm run serve`), which serves the same app as the Worker. */

import { getConnInfo } from "@hono/node-server/conninfo";
import { createApp } from "../api/app.ts";
import { UNBUILT } from "../api/docs-try-it.ts";
import { startEvaluations } from "../node/evaluations/evaluations.ts";
import { lineOf, UsageError } from "../node/failure.ts";
import { version } from "../node/package.ts";
import { startThreadService } from "../node/service.ts";
import { dataAt } from "../node/stores.ts";
import { orUndo } from "../node/undo.ts";
import { createDataSets } from "../store/data-sets.ts";
import { compressed } from "./compress.ts";
import { isLabBuilt, labPages } from "./lab.ts";
import { listen, type Fetch } from "./server.ts";
import { ownTurns } from "./turns.ts";
import { help, parseSettings, type Settings } from "./settings.ts";

const serve = async (settings: Settings): Promise<void> => {
  const { models, uploads, backend, threads, budgetBytes, waiting, tokens } = settings;
  const { service, ...thread } = await startThreadService({
    models,
    defaultModel: settings.defaultModel,
    uploads,
    backend,
    threads,
    budgetBytes,
    waiting,
    version,
    onCrash: (reason) => console.error(`the service's thread has ended: ${reason}; the next request starts it anew`),
  });
  const onLost = (reason: string): void => {
    console.error(`faultline: ${reason}`);
    process.exit(1);
  };
  const data = settings.evaluations?.data ?? null;
  const store = data === null ? null : dataAt(data);
  // A bucket that cannot be read is known before the first request.
  await store?.names();
  const jobs =
    settings.evaluations &&
    (await startEvaluations({ ...settings.evaluations, lease: { onLost, onWait: console.log } }));
  const beside = jobs ? { evaluations: jobs.evaluations, ...(store ? { data: createDataSets(store) } : {}) } : {};
  const hasLab = isLabBuilt();
  const app = createApp(
    { ...service, ...beside },
    {
      version,
      limits: { uploadBytes: settings.uploadBytes },
      uploadToken: settings.uploadToken,
      rate: {
        perMinute: settings.rate,
        // The upload token is also valid for all other requests.
        tokens: tokens.length > 0 && settings.uploadToken !== undefined ? [...tokens, settings.uploadToken] : tokens,
        clientOf: (c) => getConnInfo(c).remote.address ?? "",
      },
      log: (error, requestId) => console.error(requestId, error),
      turn: ownTurns(),
      hasLab,
    },
  );
  app.route("/", labPages());
  const { host, port } = settings;
  const answer: Fetch = async (request, bindings) => compressed(request, await app.fetch(request, bindings));
  const listening = listen(answer, { host, port, log: console.log });
  // Where it cannot listen, the next service need not wait to see that this one has ended.
  const server = await orUndo(listening, async () => jobs?.end());
  console.log(`Listening on ${server.url} with ${thread.models.join(", ")}; pages at /docs`);
  if (!hasLab) console.log(UNBUILT);

  let ending = false;
  const end = async (signal: string): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    console.log(`${signal}: what runs is finished, everything else is refused`);
    thread.refuse();
    await Promise.all([server.close(), jobs?.end()]);
    await thread.end();
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
