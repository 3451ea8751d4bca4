/** A process that takes parcels from a queue on Redis, one for each of its slots, and leaves their rows there. */

import { WaitingError, Worker as Consumer, type Job } from "bullmq";
import type { Item } from "../evaluation/items.ts";
import type { Worker } from "../jobs/worker.ts";
import { reasonOf } from "../reason.ts";
import { within } from "./bell.ts";
import { connectionTo, connectRedis } from "./redis.ts";
import { LostInRedis, networkPieces } from "./redis-networks.ts";
import {
  networkKey,
  queueName,
  runKey,
  stateKey,
  type ParcelMessage,
  type ParcelResult,
  type RunState,
  type SharedRun,
} from "./redis-messages.ts";

/** What carries out the parcels of one run in one slot. */
export interface SlotWorker extends Worker {
  readonly end: () => Promise<void>;
}

/** @param pieces of the file of a network that was sent, by its digest. */
export type Start = (
  run: SharedRun,
  items: Readonly<Record<number, Item>>,
  pieces: (sha256: string) => AsyncIterable<Uint8Array>,
) => Promise<SlotWorker>;

export interface RedisServiceOptions {
  readonly url: string;
  readonly version: string;
  /** Parcels at a time. */
  readonly slots: number;
  /** Milliseconds without a sign of life after which others take a process to be dead. */
  readonly leaseMs: number;
  /** Rejects where the run cannot be carried out on this machine, whose parcels are then left to others. */
  readonly start: Start;
  readonly onParcel?: ((units: number, failed: number) => void) | undefined;
  /** Ends the service: what it has begun goes back to the queue. */
  readonly signal: AbortSignal;
}

/** The state of a run is asked for at most so often. */
const STATE_MS = 500;

/** A slot keeps to a run, whose threads and sessions it has; a parcel of another run replaces them. */
class Slot {
  private run = "";
  private worker: SlotWorker | undefined;
  private readonly items: Record<number, Item> = {};

  has(run: string): boolean {
    return run === this.run;
  }

  async workerFor(
    run: string,
    shared: () => Promise<SharedRun>,
    items: ParcelMessage["items"],
    start: (run: SharedRun, items: Readonly<Record<number, Item>>) => Promise<SlotWorker>,
  ) {
    if (run !== this.run) {
      await this.end();
      for (const place of Object.keys(this.items)) delete this.items[Number(place)];
      this.worker = await start(await shared(), this.items);
      this.run = run;
    }
    Object.assign(this.items, items);
    return this.worker!;
  }

  async end(): Promise<void> {
    const { worker } = this;
    [this.run, this.worker] = ["", undefined];
    await worker?.end();
  }
}

/**
 * Serves until the signal aborts.
 *
 * @throws Refusal where the server cannot be reached; what `start` throws, after which nothing more is taken.
 */
export const serveParcels = async (options: RedisServiceOptions): Promise<void> => {
  const { url, version, slots, leaseMs, start, onParcel } = options;
  const redis = await connectRedis(url);
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const free = Array.from({ length: slots }, () => new Slot());

  const stateOf = (run: string) => redis.get(stateKey(run)) as Promise<RunState | null>;
  const sharedRun = (run: string) => async (): Promise<SharedRun> => {
    const text = await redis.get(runKey(run));
    if (text === null) throw new LostInRedis("what the run shares is no longer in Redis");
    return JSON.parse(text) as SharedRun;
  };

  /** Aborts where nobody wants the run's rows any more. */
  const watched = (run: string): { readonly signal: AbortSignal; readonly end: () => void } => {
    const stopped = new AbortController();
    const look = async (): Promise<void> => {
      if ((await stateOf(run)) === "stopped") stopped.abort(new Error("the run was stopped"));
    };
    const timer = setInterval(() => void look().catch(() => undefined), STATE_MS);
    return { signal: stopped.signal, end: () => clearInterval(timer) };
  };

  const performed = async (slot: Slot, job: Job<ParcelMessage, ParcelResult>): Promise<ParcelResult> => {
    const { run, parcel, items } = job.data;
    if ((await stateOf(run)) !== "running") return null;
    let worker: SlotWorker;
    try {
      const pieces = (sha256: string) => networkPieces(redis, networkKey(run, sha256));
      worker = await slot.workerFor(run, sharedRun(run), items, (...given) => start(...given, pieces));
    } catch (cause) {
      // What Redis has lost is no fault of this machine, and is sent again.
      if (!(cause instanceof LostInRedis)) ending.abort(cause);
      throw cause;
    }
    const watch = watched(run);
    let steps = 0;
    const onSteps = (more: number): void => {
      steps += more;
      void job.updateProgress(steps).catch(() => undefined);
    };
    try {
      const outcomes = await worker.perform(parcel, { signal: AbortSignal.any([signal, watch.signal]), onSteps });
      onParcel?.(outcomes.length, outcomes.filter((outcome) => !("row" in outcome)).length);
      return outcomes;
    } catch (cause) {
      if (watch.signal.aborted) return null;
      throw cause;
    } finally {
      watch.end();
    }
  };

  const consumer = new Consumer<ParcelMessage, ParcelResult>(
    queueName(version),
    async (job, token) => {
      const [slot] = free.splice(
        Math.max(
          0,
          free.findIndex((each) => each.has(job.data.run)),
        ),
        1,
      ) as [Slot];
      try {
        return await performed(slot, job);
      } catch (cause) {
        if (!signal.aborted) throw new Error(reasonOf(cause), { cause });
        await job.moveToWait(token);
        throw new WaitingError();
      } finally {
        free.push(slot);
      }
    },
    {
      connection: connectionTo(url),
      concurrency: slots,
      lockDuration: leaseMs,
      stalledInterval: leaseMs,
      // Whoever gave out the parcel decides whether it is tried again.
      maxStalledCount: 0,
    },
  );
  consumer.on("error", () => undefined); // Reconnects by itself; a parcel whose lock was lost is given out again.
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await within(leaseMs, consumer.close());
  await Promise.all(free.map((slot) => slot.end()));
  redis.disconnect();
  if (ending.signal.aborted) throw ending.signal.reason;
};
