/** What becomes of a message: its parcel is carried out, its results are put into the bucket, then into the ledger, then the message is acknowledged. */

import type { CraftState } from "../evaluation/craft.ts";
import { readCraftState, writeCraftState } from "../evaluation/craft-state.ts";
import { remaining, type Group } from "../evaluation/units.ts";
import type { Outcome, PerformHooks } from "../jobs/perform.ts";
import type { Parcel } from "../jobs/worker.ts";
import type { CloudLedger, Entry, Run } from "./ledger.ts";
import { NetworkChanged } from "./networks.ts";
import type { CloudObjects, KeptParcel } from "./objects.ts";

/** What travels through the queue; everything else lies in the bucket and the database. */
export interface Delivery extends Run {
  readonly number: number;
}

/** A parcel on the machine that carries it out. */
export interface OpenParcel {
  readonly parcel: Parcel;
  /** Carries out a group of the parcel; rejects where the backend itself fails. */
  readonly perform: (group: Group, hooks: PerformHooks) => Promise<readonly Outcome[]>;
  /** Milliseconds of a step of the group's attack, as measured when the evaluation was predicted. */
  readonly stepMs: (group: Group) => number;
}

export interface Carrier {
  /** @throws NetworkChanged where the evaluation cannot go on, as a network of its name is another one by now. */
  readonly open: (entry: Entry, number: number) => Promise<OpenParcel>;
  readonly unitsOf: (entry: Entry, number: number) => number;
}

export interface DeliveryOptions {
  readonly ledger: CloudLedger;
  readonly objects: CloudObjects;
  readonly carrier: Carrier;
  readonly send: (delivery: Delivery) => Promise<unknown>;
  /** The time after an exchange with the bucket: the clock of a deployed Worker stands still while code runs. */
  readonly now: () => Promise<number>;
}

/** Of processor time that a delivery takes, by the measured steps: a Worker is ended after 300 s. */
export const BUDGET_MS = 120_000;

/** The state of an evaluation is read at each group, and after so much of an attack. */
const LOOK_MS = 10_000;

/** How often a group is begun before it is taken to be what ends its workers. */
const ATTEMPTS = 3;

/** Why an attack stops before its end. */
type Stop = "paused" | "unwanted";

const idOf = (outcome: Outcome): string => ("row" in outcome ? outcome.row.id : outcome.unit.id);

/** In the order of the parcel. */
const inOrder = (parcel: Parcel, outcomes: readonly Outcome[]): readonly Outcome[] => {
  const byId = new Map(outcomes.map((outcome) => [idOf(outcome), outcome]));
  return parcel.flatMap(({ units }) => units.flatMap(({ id }) => byId.get(id) ?? []));
};

/** What was kept, without what failed in an earlier run. */
const keptFor = (run: number, kept: KeptParcel | null): KeptParcel => {
  if (kept?.run === run) return kept;
  return {
    run,
    outcomes: kept?.outcomes.filter((outcome) => "row" in outcome) ?? [],
    tries: [],
    spentMs: kept?.spentMs ?? 0,
  };
};

export const createDeliveries = ({ ledger, objects, carrier, send, now }: DeliveryOptions) => {
  /** Nothing runs in this isolate any more. */
  let hasCrashed = false;
  /** The group's outcomes, or why it has stopped, with its state. */
  const carriedOut = async (
    { perform, stepMs }: OpenParcel,
    group: Group,
    {
      from,
      leftMs,
      isWanted,
    }: { readonly from: CraftState | undefined; readonly leftMs: number; readonly isWanted: () => Promise<boolean> },
  ): Promise<
    | { readonly outcomes: readonly Outcome[]; readonly ms: number }
    | { readonly stop: Stop; readonly state: CraftState | null }
  > => {
    const abort = new AbortController();
    let stop: Stop | null = null;
    let state: (() => CraftState) | null = null;
    let [ms, look] = [0, LOOK_MS];
    const onState = async (at: () => CraftState): Promise<void> => {
      state = at;
      ms += stepMs(group);
      if (ms > leftMs) stop = "paused";
      else if (ms > look) {
        look = ms + LOOK_MS;
        if (!(await isWanted())) stop = "unwanted";
      }
      if (stop !== null) abort.abort(new Error(stop));
    };
    try {
      return { outcomes: await perform(group, { signal: abort.signal, from, onState }), ms };
    } catch (cause) {
      if (stop === null) throw cause;
      return { stop, state: (state as (() => CraftState) | null)?.() ?? null };
    }
  };

  /** What there is of a parcel, and is added to it. */
  const opened = async ({ evaluation: id, run, number }: Delivery, parcel: Parcel) => {
    const began = await now();
    const before = keptFor(run, await objects.parcel(id, number));
    const outcomes = [...before.outcomes];
    const tries = parcel.map((_, i) => before.tries[i] ?? 0);
    const keep = async (stopped = before.stopped): Promise<KeptParcel> => {
      const spentMs = before.spentMs + (await now()) - began;
      const kept = { run, outcomes: inOrder(parcel, outcomes), tries, stopped, spentMs };
      await objects.putParcel(id, number, kept);
      return kept;
    };
    /** Whether the group has been begun too often by deliveries that did not end. */
    const isHopeless = async (place: number, attempt: number): Promise<boolean> => {
      if (attempt === 1) return false;
      tries[place]! += 1;
      if (tries[place]! >= ATTEMPTS) return true;
      await keep();
      return false;
    };
    return { before, outcomes, tries, keep, isHopeless };
  };

  /** Carries out what is left. @returns whether all groups have ended. */
  const carryOn = async (
    delivery: Delivery,
    open: OpenParcel,
    { before, outcomes, tries, keep, isHopeless }: Awaited<ReturnType<typeof opened>>,
    attempt: number,
  ): Promise<boolean> => {
    const { evaluation: id, run, number } = delivery;
    let spent = 0;
    const stopped = async (place?: number): Promise<void> => {
      const { spentMs } = await keep(place);
      await ledger.touch(id, run, number, spentMs);
    };
    for (const [place, whole] of open.parcel.entries()) {
      const [group] = remaining([whole], new Set(outcomes.map(idOf)));
      if (!group) continue;
      if (!(await isWanted(delivery))) {
        await stopped();
        return false;
      }
      if (await isHopeless(place, attempt)) {
        const error = `what carried it out was lost ${ATTEMPTS} times`;
        outcomes.push(...group.units.map((unit) => ({ unit, error })));
        continue;
      }
      const bytes = before.stopped === place ? await objects.craft(id, number, place) : null;
      const from = bytes === null ? undefined : readCraftState(bytes);
      const end = await carriedOut(open, group, {
        from,
        leftMs: BUDGET_MS - spent,
        isWanted: () => isWanted(delivery),
      });
      if ("stop" in end) {
        if (end.state) await objects.putCraft(id, number, place, writeCraftState(end.state));
        tries[place] = 0;
        await stopped(end.state ? place : undefined);
        if (end.stop === "paused") await send(delivery);
        return false;
      }
      spent += end.ms;
      outcomes.push(...end.outcomes);
      if (bytes !== null) await objects.dropCraft(id, number, place);
      if (end.outcomes.some((outcome) => "crashed" in outcome)) {
        hasCrashed = true;
        await keep();
        throw new Error("the backend has crashed");
      }
    }
    return true;
  };

  const isWanted = async ({ evaluation, run }: Delivery): Promise<boolean> => {
    const entry = await ledger.find(evaluation);
    return entry?.state === "running" && entry.run === run;
  };

  /**
   * @param attempt counts from 1.
   * @throws where the parcel is to be delivered again.
   */
  const deliver = async (delivery: Delivery, attempt: number): Promise<void> => {
    const { evaluation: id, run, number } = delivery;
    if (hasCrashed) throw new Error("the backend has crashed in this isolate");
    const entry = await ledger.find(id);
    if (entry?.state !== "running" || entry.run !== run || !(await ledger.isSent(id, run, number))) return;
    const open = await carrier.open(entry, number).catch(async (cause: unknown) => {
      if (!(cause instanceof NetworkChanged)) throw cause;
      // No delivery of this run can go on.
      await ledger.setState(id, run, ["running"], "failed", cause.message);
      return null;
    });
    if (!open) return;
    const work = await opened(delivery, open.parcel);
    if (!(await carryOn(delivery, open, work, attempt))) return;
    const { outcomes, spentMs } = await work.keep();
    const failed = outcomes.filter((outcome) => !("row" in outcome)).length;
    await ledger.record(id, run, number, { units: outcomes.length, failed, spentMs });
  };

  /** The queue has delivered it as often as it does. */
  const bury = async ({ evaluation: id, run, number }: Delivery): Promise<void> => {
    const entry = await ledger.find(id);
    if (entry) await ledger.lose(id, run, number, carrier.unitsOf(entry, number));
  };
  return { deliver, bury };
};

export type Deliveries = ReturnType<typeof createDeliveries>;
