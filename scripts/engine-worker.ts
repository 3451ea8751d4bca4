/** A Worker with the bindings of evaluations and nothing else, in workerd: Queues, a Workflow, D1 and R2 of Miniflare, which keeps them in memory. */

import { Miniflare } from "miniflare";
import { bundledWorker } from "./bundled-worker.ts";
import { migrate, unitQueue, workerSettings } from "./workerd.ts";

export interface EngineWorker {
  /** The JSON of an answer; a body is sent as JSON, by POST. @throws Error for an answer that is no success. */
  readonly json: <T>(path: string, body?: object) => Promise<T>;
  readonly text: (path: string) => Promise<string>;
  readonly end: () => Promise<void>;
}

/** @param entry the TypeScript of a Worker that exports the Workflow `EvaluationRun`. */
export const startEngineWorker = async (entry: URL): Promise<EngineWorker> => {
  const miniflare = new Miniflare({
    modules: true,
    script: await bundledWorker(entry),
    compatibilityDate: workerSettings().compatibilityDate,
    cf: false,
    r2Buckets: ["BUCKET"],
    d1Databases: ["DB"],
    ...unitQueue("QUEUE"),
    workflows: { EVALUATION: { name: "evaluation", className: "EvaluationRun" } },
  });
  await migrate(await miniflare.getD1Database("DB"));
  const url = await miniflare.ready;
  const ask = async (path: string, body?: object): Promise<Response> => {
    // workerd closes connections that wait while it is busy.
    const headers = { connection: "close" };
    const init = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(new URL(path, url), init);
    if (response.ok) return response;
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  return {
    json: async <T>(path: string, body?: object): Promise<T> => (await (await ask(path, body)).json()) as T,
    text: async (path) => (await ask(path)).text(),
    end: () => miniflare.dispose(),
  };
};
