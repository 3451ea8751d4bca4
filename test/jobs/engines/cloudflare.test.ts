/** The engine for Cloudflare, on the Queues, Workflows, D1 and R2 of Miniflare, which keeps them in memory. */

import { setTimeout } from "node:timers/promises";
import { Miniflare } from "miniflare";
import { describe } from "vitest";
import { bundledWorker } from "../../../scripts/bundled-worker.ts";
import { migrate, unitQueue, workerSettings } from "../../../scripts/workerd.ts";
import type { EvaluationInfo } from "../../../src/contract/evaluations.ts";
import { testEngine, type Carried, type Engine, type Work } from "./suite.ts";

const start = async (): Promise<Engine> => {
  const { compatibilityDate } = workerSettings();
  const miniflare = new Miniflare({
    modules: true,
    script: await bundledWorker(new URL("cloudflare-worker.ts", import.meta.url)),
    compatibilityDate,
    cf: false,
    r2Buckets: ["BUCKET"],
    d1Databases: ["DB"],
    ...unitQueue("QUEUE"),
    workflows: { EVALUATION: { name: "evaluation", className: "EvaluationRun" } },
  });
  await migrate(await miniflare.getD1Database("DB"));
  const url = await miniflare.ready;
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, url), init);
    if (response.ok) return response;
    throw new Error(`${path}: ${response.status}: ${await response.text()}`);
  };
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json() as Promise<T>;
  const ids = new Map<string, string>();
  const idsIn = (rows: string): string[] =>
    rows
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { readonly id: string }).id);
  const carryOut = async (work: Work): Promise<Carried> => {
    const known = ids.get(work.name);
    const before = known === undefined ? [] : idsIn(await (await ask(`/rows/${known}`)).text());
    const first =
      known === undefined
        ? await json<EvaluationInfo>("/submit", { method: "POST", body: JSON.stringify(work) })
        : await json<EvaluationInfo>(`/retry/${known}`);
    ids.set(work.name, first.id);
    for (let info = first; ; info = await json<EvaluationInfo>(`/get/${first.id}`)) {
      if (work.stopsEarly === true && info.units.done > 0) await ask(`/cancel/${first.id}`);
      if (info.state !== "queued" && info.state !== "running") break;
      await setTimeout(50);
    }
    const rows = await (await ask(`/rows/${first.id}`)).text();
    const added = idsIn(rows).filter((id) => !before.includes(id));
    return { failed: await json<Carried["failed"]>(`/failures/${first.id}`), added, rows };
  };
  return { carryOut, begun: () => json<readonly string[]>("/begun"), end: () => miniflare.dispose() };
};

describe("workers behind Cloudflare's queue", () => {
  testEngine(start);
});
