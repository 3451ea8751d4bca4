/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** Messages of the queue, and a run's Workflow, in workerd: what is acknowledged, what is given back, what is kept. */

import {
  applyD1Migrations,
  createExecutionContext,
  createMessageBatch,
  env as bindings,
  getQueueResult,
  introspectWorkflowInstance,
  type D1Migration,
} from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import { consume } from "../../src/cloudflare/consume.ts";
import type { Delivery } from "../../src/cloudflare/deliveries.ts";
import { createLedger, type CloudLedger } from "../../src/cloudflare/ledger.ts";
import { createObjects, linesOf } from "../../src/cloudflare/objects.ts";
import { countedD1 } from "../support/counted-d1.ts";
import { deliveriesIn, groups, rows, submitted, workingsIn, type Bindings, type Faults } from "./engine.ts";

const env = bindings as unknown as Bindings & { readonly MIGRATIONS: D1Migration[] };
beforeAll(() => applyD1Migrations(env.LEDGER, env.MIGRATIONS));

/** Delivers a parcel, and returns what becomes of the message, with the messages that go on. */
const delivered = async (
  id: string,
  {
    number = 0,
    attempts = 1,
    isDead = false,
    ...faults
  }: Faults & { number?: number; attempts?: number; isDead?: boolean } = {},
) => {
  const deliveries = deliveriesIn(env, faults);
  const body = { evaluation: id, run: 1, number };
  const batch = createMessageBatch<Delivery>("units", [{ id: "m", timestamp: new Date(), attempts, body }]);
  await consume(batch, deliveries, isDead);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { isAcknowledged: explicitAcks.includes("m"), retry: retryMessages[0], sent: deliveries.sent };
};

const keptOf = async (id: string): Promise<string> => linesOf((await createObjects(env.DATA).parcel(id, 0))!.outcomes);

const nothing = { below: 0, spentMs: 0 };
const waitingIn = async (ledger: CloudLedger, id: string): Promise<number> =>
  (await ledger.standing(id, nothing, 3)).waiting;

it("puts results into the bucket and the ledger before it acknowledges, and counts a second delivery once", async () => {
  const ledger = await submitted(env, "twice");
  expect(await delivered("twice")).toMatchObject({ isAcknowledged: true });
  let steps = 0;
  expect(await delivered("twice", { onStep: () => (steps += 1) })).toMatchObject({ isAcknowledged: true });
  expect([await ledger.progress("twice"), steps, await keptOf("twice")]).toMatchObject([
    { units: 3, failed: 0 },
    0,
    rows,
  ]);
});

it("gives a message back where the ledger is away, and keeps the results", async () => {
  const ledger = await submitted(env, "away");
  const record = () => Promise.reject(new Error("away"));
  expect(await delivered("away", { record })).toMatchObject({ isAcknowledged: false, retry: { msgId: "m" } });
  expect([await waitingIn(ledger, "away"), await keptOf("away")]).toEqual([3, rows]);
});

it("stops an attack at its budget, and goes on with a message of its own from the state in the bucket", async () => {
  const ledger = await submitted(env, "long");
  // 5 steps of 50 s: 120 s end after the third one.
  const seen: number[] = [];
  const long = { steps: 5, stepMs: 50_000, onStep: (step: number) => void seen.push(step) };
  let deliveries = 1;
  while ((await delivered("long", long)).sent.length > 0) {
    deliveries += 1;
    expect([(await ledger.progress("long")).units, await waitingIn(ledger, "long")]).toEqual([0, 3]);
  }
  // 15 steps in all; a delivery ends with the step that is too long, or at the end of its attack.
  expect([deliveries, (await ledger.progress("long")).units]).toEqual([5, 3]);
  expect(seen).toEqual(groups.flatMap(() => [1, 2, 3, 4, 5]));
  expect(await keptOf("long")).toBe(rows);
});

it("counts what a parcel has taken that goes on, so that the cap holds for a long attack too", async () => {
  const ledger = await submitted(env, "costly");
  const run = { evaluation: "costly", run: 1 };
  let clock = 0;
  // Each delivery looks at the clock when it begins and when it stops.
  const long = { steps: 5, stepMs: 50_000, now: () => (clock += 1_000_000) };
  for (const [spentMs, isWanted] of [
    [1_000_000, true],
    [2_000_000, true],
    [3_000_000, true],
    [4_000_000, false],
  ] as const) {
    expect((await delivered("costly", long)).sent).toHaveLength(1);
    expect(await ledger.progress("costly")).toEqual({ units: 0, failed: 0, spentMs });
    expect(await workingsIn(env).look(run, nothing, 3)).toMatchObject({ isWanted, settled: { spentMs: 0 } });
  }
  expect(await ledger.find("costly")).toMatchObject({ state: "capped" });
});

it("counts what a parcel has taken that is stopped on its way", async () => {
  const ledger = await submitted(env, "stopped");
  let clock = 0;
  const seen: number[] = [];
  const onStep = async (step: number): Promise<void> => {
    seen.push(step);
    if (step === 2) await ledger.setState("stopped", 1, ["running"], "cancelled");
  };
  const long = { steps: 5, stepMs: 50_000, now: () => (clock += 1000), onStep };
  expect(await delivered("stopped", long)).toMatchObject({ isAcknowledged: true, sent: [] });
  expect([seen, await ledger.progress("stopped")]).toEqual([[1, 2], { units: 0, failed: 0, spentMs: 1000 }]);
});

it("does nothing for a run that is cancelled, and stops where it is", async () => {
  const ledger = await submitted(env, "cancelled");
  const seen: number[] = [];
  const onStep = (step: number) => void seen.push(step);
  await ledger.setState("cancelled", 1, ["running"], "cancelled");
  expect(await delivered("cancelled", { onStep })).toMatchObject({ isAcknowledged: true, sent: [] });
  expect([seen, (await ledger.progress("cancelled")).units]).toEqual([[], 0]);
});

it("marks what comes to the dead-letter queue as failed; a run with it ends as incomplete", async () => {
  const ledger = await submitted(env, "dead");
  for (const number of [0, 1]) await delivered("dead", { number });
  expect(await delivered("dead", { number: 2, isDead: true })).toMatchObject({ isAcknowledged: true });
  expect(await ledger.progress("dead")).toMatchObject({ units: 6, failed: 3 });
  expect(await waitingIn(ledger, "dead")).toBe(0);
  await using run = await introspectWorkflowInstance(env.EVALUATION, "dead-1");
  await run.modify((modifier) => modifier.disableSleeps());
  await env.EVALUATION.create({ id: "dead-1", params: { evaluation: "dead", run: 1 } });
  await run.waitForStatus("complete");
  expect(await run.getOutput()).toBe("incomplete");
  expect(await ledger.find("dead")).toMatchObject({ state: "incomplete", reason: expect.stringContaining("3 units") });
  const merged = await createObjects(env.DATA).rows("dead", 1, 0);
  expect(await merged!.text()).toBe(rows + rows);
});

it("sends again what nothing has been heard of", async () => {
  await submitted(env, "silent");
  const sweep = (later: number) => workingsIn(env).sweep(Date.now() + later);
  expect(await sweep(0)).toBe(0);
  expect(await sweep(3_600_000)).toBeGreaterThanOrEqual(3);
});

it("keeps the cap", async () => {
  const ledger = await submitted(env, "dear");
  await ledger.record("dear", 1, 0, { units: 3, failed: 0, spentMs: 3_600_001 });
  const look = await workingsIn(env).look({ evaluation: "dear", run: 1 }, nothing, 3);
  expect(look).toMatchObject({ isWanted: false, waiting: 2, settled: { below: 1, spentMs: 3_600_001 } });
  expect((await ledger.find("dear"))?.state).toBe("capped");
});

it("reads at each look what has come back since the last one, however many parcels there are", async () => {
  const tally = { queries: 0, read: 0, written: 0 };
  const ledger = createLedger(countedD1(env.LEDGER, tally));
  const end = { units: 1, failed: 0, spentMs: 2 };
  await ledger.send("many", 1, 0, 3000);
  await env.LEDGER.prepare(
    "UPDATE parcels SET state = 'done', spent_ms = 1 WHERE evaluation = 'many' AND number < 2990",
  ).run();
  const first = await ledger.standing("many", nothing, 3000);
  expect(first).toEqual({ waiting: 10, spentMs: 2990, settled: { below: 2990, spentMs: 2990 } });
  // One that comes back before those that were sent earlier is counted, and read again.
  await ledger.record("many", 1, 2995, end);
  tally.read = 0;
  const second = await ledger.standing("many", first.settled, 3000);
  expect(second).toEqual({ waiting: 9, spentMs: 2992, settled: first.settled });
  expect(tally.read).toBeLessThan(30);
  for (let number = 2990; number < 3000; number++) await ledger.record("many", 1, number, end);
  const last = await ledger.standing("many", second.settled, 3000);
  expect(last).toEqual({ waiting: 0, spentMs: 3010, settled: { below: 3000, spentMs: 3010 } });
  expect((await ledger.progress("many")).spentMs).toBe(3010);
});
