/**
 * Throughput through the engine for Cloudflare, beside that of the same parcels with no engine between: both in one workerd, by turns. The queue, the Workflow,
 * the bucket and the database are Miniflare's, whose work counts as the engine's. Needs Linux.
 */

import { loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { startEngineWorker, type EngineWorker } from "../scripts/engine-worker.ts";
import { isOver, type EvaluationInfo } from "../src/contract/evaluations.ts";
import type { BusyWork } from "./scale-engine-worker.ts";
import { timesOf, workerds } from "./workerd-time.ts";

/** Turns of the loop of a group, which say how long a parcel takes, and parcels of a run. What a turn takes depends on the machine. */
const CASES: readonly BusyWork[] = [
  { turns: 0, parcels: 100 },
  { turns: 1e6, parcels: 40 },
  { turns: 5e6, parcels: 16 },
  { turns: 2e7, parcels: 6 },
];
const ROUNDS = 2;
const GROUPS_OF_A_PARCEL = 3;
const LOOK_MS = 2000;
const IDLE_MS = 10_000;

type Ask = EngineWorker["json"];

/** Milliseconds of processor time of workerd and of this process, in which Miniflare runs too. */
const spent = (own: readonly string[]): number => {
  const { user, system } = process.cpuUsage();
  return timesOf(own).ran + (user + system) / 1000;
};

interface Taken {
  readonly cpu: number;
  readonly wall: number;
}

/** @param idle processor time of each millisecond without work. */
const taken = async (own: readonly string[], idle: number, run: () => Promise<number>): Promise<Taken> => {
  const [before, began] = [spent(own), performance.now()];
  const wall = await run();
  return { cpu: spent(own) - before - idle * (performance.now() - began), wall };
};

/** @returns milliseconds of all parcels, by when they began: the pauses of the Workflow before it sees the end are not the parcels'. */
const throughEngine = async (ask: Ask, work: BusyWork): Promise<number> => {
  const { id } = await ask<EvaluationInfo>("/submit", work);
  for (;;) {
    await setTimeout(LOOK_MS);
    const info = await ask<EvaluationInfo>(`/get/${id}`);
    if (info.state === "done") break;
    if (isOver(info)) throw new Error(`${info.state}: ${info.reason}`);
  }
  const { begun } = await ask<{ readonly begun: readonly number[] }>("/begun");
  if (begun.length !== work.parcels) throw new Error(`${begun.length} of ${work.parcels} parcels were begun`);
  return ((Math.max(...begun) - Math.min(...begun)) * work.parcels) / (work.parcels - 1);
};

const alone = async (ask: Ask, work: BusyWork): Promise<number> => {
  const began = performance.now();
  const rows = await ask<number>("/local", work);
  if (rows !== GROUPS_OF_A_PARCEL * work.parcels) throw new Error(`${rows} rows of ${work.parcels} parcels`);
  return performance.now() - began;
};

const total = (all: readonly Taken[], of: keyof Taken): number => all.reduce((sum, one) => sum + one[of], 0);

export const engineBench = async (): Promise<void> => {
  const { json: ask, end } = await startEngineWorker(new URL("scale-engine-worker.ts", import.meta.url));
  try {
    const own = workerds();
    const before = spent(own);
    await setTimeout(IDLE_MS);
    const idle = (spent(own) - before) / IDLE_MS;
    await alone(ask, CASES[1]!); // Compiled before it is measured.
    console.log(
      "Cloudflare's engine in workerd, one consumer: ms of processor time of a parcel without it, and with it; what it adds;",
    );
    console.log("throughput with it ÷ without it, by processor time and by the clock; parcels; load");
    for (const work of CASES) {
      const [without, through]: [Taken[], Taken[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        without.push(await taken(own, idle, () => alone(ask, work)));
        through.push(await taken(own, idle, () => throughEngine(ask, work)));
      }
      const parcels = ROUNDS * work.parcels;
      const [plain, engine] = [total(without, "cpu") / parcels, total(through, "cpu") / parcels];
      const ratios = [plain / engine, total(without, "wall") / total(through, "wall")].map((ratio) => ratio.toFixed(3));
      const times = [plain, engine, engine - plain].map((ms) => ms.toFixed(1));
      console.log(`| ${[...times, ...ratios, parcels, loadavg()[0]!.toFixed(1)].join(" | ")} |`);
    }
  } finally {
    await end();
  }
};
