/**
 * What an evaluation of a Worker costs that grows with its units and not with its network: the plan by numbers, and the course of a run with a ledger in
 * Miniflare's D1 (SQLite). The bucket, the queue and the Workflow are fakes that count: what is measured are operations, rows and bytes, which are billed.
 */

import { Miniflare } from "miniflare";
import { migrate } from "../scripts/workerd.ts";
import { fanOut, WINDOW } from "../src/cloudflare/fan-out.ts";
import { createLedger } from "../src/cloudflare/ledger.ts";
import { createObjects } from "../src/cloudflare/objects.ts";
import { createWorkings } from "../src/cloudflare/workings.ts";
import { planPicture, totalOfAlike, type Alike } from "../src/evaluation/picture-plan.ts";
import { parseSpec } from "../src/evaluation/spec.ts";
import { parcelsOfPicture } from "../src/jobs/numbered.ts";
import { groups as work } from "../test/cloudflare/engine.ts";
import { countedD1, type D1Tally } from "../test/support/counted-d1.ts";
import { rowFor } from "../test/jobs/engines/work.ts";
import { tinyManifest } from "../test/support/networks/tiny.ts";

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

/** The course of a run of so many parcels, whose consumers return all that was sent whenever the Workflow sleeps. */
const courseCase = async (parcels: number, db: D1Database): Promise<void> => {
  const nothing = (): D1Tally => ({ queries: 0, read: 0, written: 0 });
  const [tally, looks, delivery] = [nothing(), nothing(), nothing()];
  const count = { gets: 0, puts: 0, bytes: 0, messages: 0, messageBytes: 0, steps: 0, looks: 0 };
  const id = `bench-${parcels}`;
  const outcomes = work.flatMap(({ units }) => units.map((unit) => ({ row: rowFor(unit) })));
  const bucket = {
    get: (key: string) => {
      count.gets += 1;
      return Promise.resolve(
        key.includes("/parcels/") ? { json: () => Promise.resolve({ run: 1, outcomes, tries: [], spentMs: 1 }) } : null,
      );
    },
    put: (_: string, value: string) => {
      count.puts += 1;
      count.bytes += value.length;
      return Promise.resolve();
    },
  } as unknown as R2Bucket;
  const ledgerOf = (own: D1Tally) => createLedger(countedD1(db, own));
  const workingsOf = (own: D1Tally) =>
    createWorkings({
      ledger: ledgerOf(own),
      objects: createObjects(bucket),
      queue: {
        sendBatch: (messages) => {
          for (const message of messages) {
            count.messages += 1;
            count.messageBytes += JSON.stringify(message.body).length;
          }
          return Promise.resolve() as never;
        },
      },
      factsOf: () => ({ networks: [] }),
      isAlive: () => Promise.resolve(true),
    });
  const predicted = { units: 3 * parcels, pictures: parcels, evaluations: { forward: 0, backward: 0 }, workers: 1 };
  const record = { spec: { networks: ["a"] }, predicted: { ...predicted, cpuHours: 0, seconds: 0 }, maxCpuHours: 1e9 };
  const ledger = ledgerOf(tally);
  await ledger.add(id, { ...record, parcels, plan: null }, undefined);
  const workings = { ...workingsOf(tally), look: workingsOf(looks).look };
  const returned = "UPDATE parcels SET state = 'done', units = 3, spent_ms = 1 WHERE evaluation = ? AND state = 'sent'";
  await fanOut(
    { evaluation: id, run: 1 },
    {
      do: (name, run) => {
        count.steps += 1;
        if (name.startsWith("look")) count.looks += 1;
        return run();
      },
      sleep: async () => void (await db.prepare(returned).bind(id).run()),
    },
    workings,
  );
  // What a delivery asks of the ledger: its evaluation twice, whether it is sent, and its end.
  const own = ledgerOf(delivery);
  await db
    .prepare("UPDATE parcels SET state = 'sent' WHERE evaluation = ? AND number = ?")
    .bind(id, parcels - 1)
    .run();
  for (let i = 0; i < 2; i++) await own.find(id);
  await own.isSent(id, 1, parcels - 1);
  await own.record(id, 1, parcels - 1, { units: 3, failed: 0, spentMs: 1 });
  const each = (value: number): string => (value / parcels).toFixed(2);
  const cells = [
    each(tally.read),
    each(tally.written),
    `${delivery.read}, ${delivery.written}`,
    (looks.read / count.looks).toFixed(0),
    each(count.gets),
    each(count.bytes),
    `${each(count.messages)}, ${(count.messageBytes / count.messages).toFixed(0)}`,
    (count.steps / Math.ceil(parcels / WINDOW)).toFixed(1),
  ];
  console.log(`| ${parcels} | ${cells.join(" | ")} |`);
};

export const cloudflareScale = async (most: number, meters: Meters): Promise<void> => {
  console.log("\na picture by numbers: units, parcels, ms of planning, KiB that are kept, ms to make a parcel");
  for (let units = 1000; units <= Math.min(most, 100_000); units *= 10) await numberedCase(units, meters);
  if (most >= 1_000_000) await numberedCase(500_000, meters);
  console.log(
    "\na run: parcels; rows of D1 read and written a parcel, but for looks; those of a delivery; rows read a look;",
  );
  console.log("objects read, bytes written, messages and bytes of each a parcel; steps of the Workflow a window");
  const miniflare = new Miniflare({ modules: true, script: "export default {}", cf: false, d1Databases: ["DB"] });
  try {
    const db = await miniflare.getD1Database("DB");
    await migrate(db);
    for (let parcels = 1000; parcels <= Math.min(most, 100_000); parcels *= 10) await courseCase(parcels, db);
  } finally {
    await miniflare.dispose();
  }
};
