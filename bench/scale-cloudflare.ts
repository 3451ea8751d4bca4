/**
 * What an evaluation of a Worker costs that grows with its units and not with its network: the plan by numbers, and the course of a run with a ledger in
 * Miniflare's D1 (SQLite). The bucket, the queue and the Workflow are fakes that count: what is measured are operations, rows and bytes, which are billed.
 */

import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import consumers from "node:stream/consumers";
import { Miniflare } from "miniflare";
import { migrate, workerSettings } from "../scripts/workerd.ts";
import { planPicture, totalOfAlike, type Alike } from "../src/evaluation/picture-plan.ts";
import { parseSpec } from "../src/evaluation/spec.ts";
import { parcelsOfPicture } from "../src/jobs/numbered.ts";
import { tinyManifest } from "../test/support/networks/tiny.ts";
import { bundledWorker } from "../scripts/bundled-worker.ts";
import { timesOf, workerds } from "./workerd-time.ts";

const PARCEL_EVALUATIONS = 200;

/** @param heap bytes that are in use. @param timed seconds of processor time, and what comes of a function. */
export interface Meters {
  readonly heap: () => number;
  readonly timed: <T>(run: () => Promise<T>) => Promise<readonly [seconds: number, T]>;
}

/** One picture of so many units: one attack, its radii, 500 seeds and 500 repeats. */
const numberedCase = async (units: number, { heap, timed }: Meters): Promise<void> => {
  const epsilon = Array.from({ length: units / 1000 }, (_, i) => (i + 1) / 10);
  const spec = parseSpec({ networks: ["a"], attacks: ["pgd"], epsilon, seeds: 500, repeats: 500 });
  const before = heap();
  const [seconds, [plan, parcels]] = await timed(async () => {
    const made = await planPicture(spec, [tinyManifest({ sha256: "a".repeat(64) })]);
    const weigh = ({ evaluations: { forward, backward } }: Alike): number => forward + backward;
    return [made, parcelsOfPicture(made.alike(), PARCEL_EVALUATIONS, weigh)] as const;
  });
  const kept = heap() - before;
  const total = totalOfAlike(plan.alike());
  const taken = 100;
  const [opening] = await timed(async () => {
    for (let i = 0; i < taken; i++) {
      const at = Math.floor((i * parcels.units.length) / taken);
      for (let group = parcels.starts[at]!; group < parcels.starts[at + 1]!; group++)
        await plan.groupAt(group, { batch: 0, item: 0, name: "picture" });
    }
  });
  const cells = [total.units, parcels.units.length, (1000 * seconds).toFixed(0), (kept / 1024).toFixed(0)];
  console.log(`| ${cells.join(" | ")} | ${((1000 * opening) / taken).toFixed(2)} |`);
};

/** An answer that takes as long as it takes: fetch gives up after five minutes without one. On a connection of its own, as workerd closes those that wait while it is busy. */
const answered = async (url: URL): Promise<readonly string[]> => {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  const text: string = await consumers.text(response);
  if (response.statusCode === 200) return JSON.parse(text) as readonly string[];
  throw new Error(`${url.pathname}: ${response.statusCode} ${text}`);
};

export const cloudflareScale = async (most: number, meters: Meters): Promise<void> => {
  console.log("\na picture by numbers: units, parcels, ms of planning, KiB that are kept, ms to make a parcel");
  for (let units = 1000; units <= Math.min(most, 100_000); units *= 10) await numberedCase(units, meters);
  if (most >= 1_000_000) await numberedCase(500_000, meters);
  console.log(
    "\na run: parcels; rows of D1 read and written a parcel, but for looks; those of a delivery; rows read a look;",
  );
  console.log(
    "objects read, bytes written, messages and bytes of each a parcel; steps of the Workflow a window; ms of workerd's processor time a parcel",
  );
  const miniflare = new Miniflare({
    modules: true,
    script: await bundledWorker(new URL("scale-course-worker.ts", import.meta.url)),
    compatibilityDate: workerSettings().compatibilityDate,
    cf: false,
    d1Databases: ["DB"],
  });
  try {
    await migrate(await miniflare.getD1Database("DB"));
    const url = await miniflare.ready;
    for (let parcels = 1000; parcels <= most; parcels *= 10) {
      const before = timesOf(workerds()).ran;
      const cells = await answered(new URL(`/${parcels}`, url));
      const each = ((timesOf(workerds()).ran - before) / parcels).toFixed(2);
      console.log(`| ${[...cells, each].join(" | ")} |`);
    }
  } finally {
    await miniflare.dispose();
  }
};
