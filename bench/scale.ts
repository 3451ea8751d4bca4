/**
 * What an evaluation costs that grows with its units and not with its network: planning, the ledger, the queue on Redis, the pieces of a Worker.
 * `npm run bench -- scale [UNITS [local|redis|cloudflare]]`; `scale bill` compares a Worker's prediction with what it takes,
 * `scale cloudflare` the throughput through its engine with that of the same parcels without one. The queue needs `redis-server` or `valkey-server`.
 */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Row } from "../src/evaluation/row.ts";
import { parseSpec } from "../src/evaluation/spec.ts";
import { planUnits } from "../src/evaluation/plan-units.ts";
import { remaining, type Group, type PlannedUnit } from "../src/evaluation/units.ts";
import { runParcels } from "../src/jobs/run.ts";
import { parcelsOf, type Worker } from "../src/jobs/worker.ts";
import { openLedger } from "../src/node/ledger-file.ts";
import { connectRedis } from "../src/node/redis.ts";
import { serveParcels } from "../src/node/redis-service.ts";
import { redisWorkers } from "../src/node/redis-workers.ts";
import { redisProgram, startRedis } from "../test/support/redis.ts";
import { countsWith, rowOf } from "../test/support/rows.ts";
import { tinyManifest } from "../test/support/networks/tiny.ts";
import { random } from "../src/random.ts";
import { billBench } from "./scale-bill.ts";
import { cloudflareScale } from "./scale-cloudflare.ts";
import { engineBench } from "./scale-engine.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** Ten attacks at the eight radii of the paper, and the clean picture. */
const spec = parseSpec({
  networks: ["a"],
  attacks: ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii", "pgd", "mi-fgsm", "segpgd", "cospgd", "apgd", "square"],
});
const UNITS_OF_A_PICTURE = 81;
const CLASSES = 19;
const PARCEL_EVALUATIONS = 200;

const planOf = async (units: number): Promise<readonly Group[]> => {
  const names = Array.from({ length: Math.ceil(units / UNITS_OF_A_PICTURE) }, (_, i) => `picture-${i}`);
  return (await planUnits(spec, [tinyManifest({ sha256: "a".repeat(64) })], names)).groups;
};

const next = random(1);
const reference = Array.from({ length: CLASSES }, () => 100_000);
const [clean, hit] = [countsWith(next, reference, 0.9), countsWith(next, reference, 0.3)];
const counts = { clean, float: hit, uint8: hit };
const rowFor = ({ id, unit }: PlannedUnit): Row => ({
  ...rowOf({ item: unit.item, attack: unit.attack, counts, small: counts, linf: 8, l2: 1000 }),
  id,
  unit,
});

/** Seconds of processor time. */
const timed = async <T>(run: () => Promise<T>): Promise<readonly [number, T]> => {
  const start = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(start);
  return [(user + system) / 1e6, result];
};

const perUnit = (seconds: number, units: number): string => ((1e6 * seconds) / units).toFixed(0);

const ledgerCase = async (wanted: number, folder: string): Promise<void> => {
  const before = heap();
  const [planning, groups] = await timed(() => planOf(wanted));
  const planned = heap() - before;
  const units = groups.reduce((sum, group) => sum + group.units.length, 0);
  const path = join(folder, `${units}.jsonl`);
  const ledger = await openLedger(path);
  const parcels = parcelsOf(groups, PARCEL_EVALUATIONS);
  const [recording] = await timed(async () => {
    for (const parcel of parcels) await ledger.record(parcel.flatMap((group) => group.units.map(rowFor)));
  });
  const known = heap() - before - planned;
  await ledger.close();
  const [resuming, again] = await timed(() => openLedger(path));
  if (remaining(groups, again.done()).length > 0) throw new Error("rows are missing");
  const [arranging] = await timed(() => again.arrange(groups.flatMap((group) => group.units.map(({ id }) => id))));
  await again.close();
  const bytes = statSync(path).size;
  rmSync(path);
  const times = [planning, recording, resuming, arranging].map((seconds) => perUnit(seconds, units)).join(" | ");
  const sizes = [planned, known, bytes].map((size) => (size / units).toFixed(0)).join(" | ");
  console.log(`| ${units} | ${parcels.length} | ${times} | ${sizes} |`);
};

const sleeping = (milliseconds: number): Worker => ({
  perform: async (parcel) => {
    await setTimeout(milliseconds);
    return parcel.flatMap((group) => group.units.map((unit) => ({ row: rowFor(unit) })));
  },
});

const SHARED = {
  networks: [],
  settings: [],
  seed: 0,
  small: 0,
  backend: "wasm",
  threads: 1,
  roots: null,
  reading: {},
  streetSize: { width: 16, height: 16 },
} as const;

/** Seconds of a run of parcels on these workers. */
const elapsed = async (groups: readonly Group[], workers: readonly Worker[]): Promise<number> => {
  const start = performance.now();
  const record = () => Promise.resolve([]);
  const signal = new AbortController().signal;
  const failed = await runParcels({
    parcels: parcelsOf(groups, PARCEL_EVALUATIONS),
    workers,
    ledger: { record },
    signal,
  });
  if (failed.length > 0) throw new Error(failed[0]!.error);
  return (performance.now() - start) / 1000;
};

let runs = 0;
/** The same behind Redis, on so many slots of one process. */
const queued = async (url: string, groups: readonly Group[], slots: number, milliseconds: number): Promise<number> => {
  const version = `bench-${runs++}`;
  const abort = new AbortController();
  const { signal } = abort;
  const start = () => Promise.resolve({ ...sleeping(milliseconds), end: () => Promise.resolve() });
  const service = serveParcels({ url, version, slots, leaseMs: 10_000, signal, start });
  const items = Object.fromEntries(groups.map(({ item }) => [item, { name: `${item}`, street: item }]));
  const { workers, end } = await redisWorkers({ url, run: { ...SHARED, version }, items, window: 64 });
  const seconds = await elapsed(groups, workers);
  await end();
  abort.abort();
  await service;
  return seconds;
};

/** Parcels without work: what the queue takes of each, and what it holds at most. */
const idleQueue = async (units: number): Promise<void> => {
  const server = await startRedis();
  const redis = await connectRedis(server.url);
  const statOf = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name}:(\\d+)`, "m").exec(await redis.info())?.[1]);
  const names = ["total_commands_processed", "total_net_input_bytes", "total_net_output_bytes"] as const;
  const groups = await planOf(units);
  const parcels = parcelsOf(groups, PARCEL_EVALUATIONS).length;
  const before = await Promise.all(names.map(statOf));
  const empty = await statOf("used_memory");
  const start = process.cpuUsage();
  await queued(server.url, groups, 2, 0);
  const { user, system } = process.cpuUsage(start);
  const after = await Promise.all(names.map(statOf));
  const [commands = 0, received = 0, sent = 0] = after.map((value, i) => (value - before[i]!) / parcels);
  const peak = ((await statOf("used_memory_peak")) - empty) / 1024;
  const cells = [commands, received, sent, peak].map((value) => value.toFixed(0));
  console.log(
    `| ${groups.length} | ${parcels} | ${((user + system) / 1000 / parcels).toFixed(2)} | ${cells.join(" | ")} |`,
  );
  redis.disconnect();
  await server.end();
};

const queueCase = async (most: number): Promise<void> => {
  console.log(
    "\nRedis: units, parcels; ms of processor time a parcel of the evaluation and its workers, commands, bytes to the server and from it;",
  );
  console.log("KiB of its memory at the peak, beyond an empty one");
  for (let units = 1000; units <= most; units *= 10) await idleQueue(units);
  const server = await startRedis();
  const few = (await planOf(2000)).slice(0, 2000);
  const MS = 250;
  const local = await elapsed(few, [sleeping(MS), sleeping(MS)]);
  const two = await queued(server.url, few, 2, MS);
  const one = await queued(server.url, few, 1, MS);
  console.log(
    `parcels that wait ${MS} ms: throughput behind Redis ÷ in the process ${(local / two).toFixed(3)}, of 2 slots ÷ 1 ${(one / two).toFixed(2)}`,
  );
  await server.end();
};

export const scaleBench = async ([units = "100000", part]: readonly string[]): Promise<void> => {
  if (units === "bill") return billBench();
  if (units === "cloudflare") return engineBench();
  const most = Number(units);
  const isWanted = (name: "local" | "redis" | "cloudflare"): boolean => part === undefined || part === name;
  if (isWanted("local")) await localCases(most);
  if (isWanted("redis") && redisProgram) await queueCase(most);
  else if (isWanted("redis"))
    console.log("neither redis-server nor valkey-server is installed: the queue was not measured");
  if (isWanted("cloudflare")) await cloudflareScale(most, { heap, timed });
};

const localCases = async (most: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-bench-"));
  try {
    console.log("microseconds of processor time a unit: planning, recording, reading again, putting in order;");
    console.log("bytes a unit: heap of the plan, heap of the ledger, file");
    for (let size = 1000; size <= most; size *= 10) await ledgerCase(size, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
