/**
 * The course of a run with a ledger in D1, and with a bucket, a queue and a Workflow that count: what is measured are operations, rows and bytes, which are
 * billed. Runs in a Worker, beside its database: Miniflare's proxy to a database does not last for a million parcels.
 */

import { fanOut, WINDOW } from "../src/cloudflare/fan-out.ts";
import { createLedger } from "../src/cloudflare/ledger.ts";
import { createObjects } from "../src/cloudflare/objects.ts";
import { createWorkings } from "../src/cloudflare/workings.ts";
import { countedD1, type D1Tally } from "../test/support/counted-d1.ts";
import { rowFor, workOn } from "../test/jobs/engines/work.ts";

/** The course of a run of so many parcels, whose consumers return all that was sent whenever the Workflow sleeps. @returns the cells of a table's line. */
const courseOf = async (parcels: number, db: D1Database): Promise<readonly (number | string)[]> => {
  const nothing = (): D1Tally => ({ queries: 0, read: 0, written: 0 });
  const [tally, looks, delivery] = [nothing(), nothing(), nothing()];
  const count = { gets: 0, puts: 0, bytes: 0, messages: 0, messageBytes: 0, steps: 0, looks: 0 };
  const id = `bench-${parcels}`;
  const outcomes = (await workOn(["picture"])).flatMap(({ units }) => units.map((unit) => ({ row: rowFor(unit) })));
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
      factsOf: () => Promise.resolve({ networks: [] }),
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
  return [
    parcels,
    each(tally.read),
    each(tally.written),
    `${delivery.read}, ${delivery.written}`,
    (looks.read / count.looks).toFixed(0),
    each(count.gets),
    each(count.bytes),
    `${each(count.messages)}, ${(count.messageBytes / count.messages).toFixed(0)}`,
    (count.steps / Math.ceil(parcels / WINDOW)).toFixed(1),
  ];
};

export default {
  fetch: async (request: Request, { DB }: { readonly DB: D1Database }): Promise<Response> =>
    Response.json(await courseOf(Number(new URL(request.url).pathname.slice(1)), DB)),
} satisfies ExportedHandler<{ readonly DB: D1Database }>;
