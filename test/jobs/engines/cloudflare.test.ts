/** The engine for Cloudflare, on the Queues, Workflows, D1 and R2 of Miniflare, which keeps them in memory. */

import { setTimeout } from "node:timers/promises";
import { describe } from "vitest";
import { startEngineWorker } from "../../../scripts/engine-worker.ts";
import type { EvaluationInfo } from "../../../src/contract/evaluations.ts";
import { testEngine, type Carried, type Engine, type Work } from "./suite.ts";

const start = async (): Promise<Engine> => {
  const { json, text, end } = await startEngineWorker(new URL("cloudflare-worker.ts", import.meta.url));
  const ids = new Map<string, string>();
  const idsIn = (rows: string): string[] =>
    rows
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { readonly id: string }).id);
  const carryOut = async (work: Work): Promise<Carried> => {
    const known = ids.get(work.name);
    const before = known === undefined ? [] : idsIn(await text(`/rows/${known}`));
    const first =
      known === undefined ? await json<EvaluationInfo>("/submit", work) : await json<EvaluationInfo>(`/retry/${known}`);
    ids.set(work.name, first.id);
    for (let info = first; ; info = await json<EvaluationInfo>(`/get/${first.id}`)) {
      if (work.stopsEarly === true && info.units.done > 0) await text(`/cancel/${first.id}`);
      if (info.state !== "queued" && info.state !== "running") break;
      await setTimeout(50);
    }
    const rows = await text(`/rows/${first.id}`);
    const added = idsIn(rows).filter((id) => !before.includes(id));
    return { failed: await json<Carried["failed"]>(`/failures/${first.id}`), added, rows };
  };
  return { carryOut, begun: () => json<readonly string[]>("/begun"), end };
};

describe("workers behind Cloudflare's queue", () => {
  testEngine(start);
});
