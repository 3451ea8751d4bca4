/** What the tests in workerd share: an evaluation of one parcel, whose groups take steps of given length. */

import { createDeliveries, type Carrier, type Delivery } from "../../src/cloudflare/deliveries.ts";
import { createLedger, type Run } from "../../src/cloudflare/ledger.ts";
import { createObjects } from "../../src/cloudflare/objects.ts";
import { createWorkings } from "../../src/cloudflare/workings.ts";
import type { CraftState } from "../../src/evaluation/craft.ts";
import type { PerformHooks } from "../../src/jobs/perform.ts";
import { rowFor, workOn } from "../jobs/engines/work.ts";

export interface Bindings {
  readonly UNITS: Queue<Delivery>;
  readonly DATA: R2Bucket;
  readonly LEDGER: D1Database;
  readonly EVALUATION: Workflow<Run>;
}

/** Without messages: the tests deliver them. */
export const workingsIn = ({ DATA, LEDGER }: Bindings) =>
  createWorkings({
    ledger: createLedger(LEDGER),
    objects: createObjects(DATA),
    queue: { sendBatch: () => Promise.resolve() as never },
    factsOf: () => Promise.resolve({ networks: [] }),
    isAlive: () => Promise.resolve(true),
  });

/** Three groups: the clean picture, and attacks at two radii. */
export const groups = await workOn(["picture"]);
export const rows = groups.flatMap(({ units }) => units.map((unit) => `${JSON.stringify(rowFor(unit))}\n`)).join("");

const PARCELS = 3;

/** An evaluation whose every parcel has the same groups, and has been sent. */
export const submitted = async ({ LEDGER }: Bindings, id: string) => {
  const ledger = createLedger(LEDGER);
  const predicted = {
    units: PARCELS * groups.length,
    pictures: PARCELS,
    evaluations: { forward: 0, backward: 0 },
    workers: 1,
    cpuHours: 0,
    seconds: 0,
  };
  await ledger.add(
    id,
    { spec: { networks: ["a"] }, predicted, maxCpuHours: 1, parcels: PARCELS, plan: null },
    undefined,
  );
  await ledger.setState(id, 1, ["queued"], "running");
  await ledger.send(id, 1, 0, PARCELS);
  return ledger;
};

/** A state of so many steps. */
const stateOf = (step: number): CraftState => ({
  done: 0,
  at: { step, x: Float32Array.of(step), state: null },
  worst: null,
  spent: { forward: step, backward: step },
  results: [],
  trace: { started: step, lastLoss: 0, zeroShare: 0, losses: [] },
});

export interface Faults {
  /** Steps of each attack, and milliseconds of each. */
  readonly steps?: number;
  readonly stepMs?: number;
  /** Awaited at each step. */
  readonly onStep?: (step: number) => unknown;
  readonly record?: () => Promise<void>;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Deliveries whose attacks count their steps; `sent` are the messages that go on with a parcel. */
export const deliveriesIn = (
  { DATA, LEDGER }: Bindings,
  { steps = 1, stepMs = 1, onStep = () => undefined, record = () => Promise.resolve(), now = Date.now }: Faults = {},
) => {
  const ledger = createLedger(LEDGER);
  const sent: Delivery[] = [];
  const perform = async (group: (typeof groups)[number], { from, signal, onState }: PerformHooks) => {
    for (let step = (from?.at?.step ?? 0) + 1; step <= steps; step++) {
      signal?.throwIfAborted();
      await onStep(step);
      await onState?.(() => stateOf(step));
    }
    return group.units.map((unit) => ({ row: rowFor(unit) }));
  };
  const carrier: Carrier = {
    open: () => Promise.resolve({ parcel: groups, perform, stepMs: () => stepMs }),
    unitsOf: () => groups.length,
  };
  const deliveries = createDeliveries({
    ledger: {
      ...ledger,
      record: async (...given) => {
        await record();
        return ledger.record(...given);
      },
    },
    objects: createObjects(DATA),
    carrier,
    send: (delivery) => Promise.resolve(sent.push(delivery)),
    now: () => Promise.resolve(now()),
  });
  return { ...deliveries, sent, log: () => undefined };
};
