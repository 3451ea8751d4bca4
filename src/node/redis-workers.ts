/** Workers of a run behind a queue on Redis: parcels go out, rows come back. The ledger stays here; Redis holds only what is on its way. */

import { setMaxListeners } from "node:events";
import { Job, Queue, QueueEvents } from "bullmq";
import type { Item } from "../evaluation/items.ts";
import type { Worker } from "../jobs/worker.ts";
import { createBell, orAbort, within } from "./bell.ts";
import { oneAtATime } from "../turns.ts";
import { connectionTo, connectRedis } from "./redis.ts";
import { keepNetwork } from "./redis-networks.ts";
import {
  networkKey,
  parcelIdOf,
  queueName,
  runIdOf,
  runKey,
  stateKey,
  type ParcelMessage,
  type ParcelResult,
  type RunState,
  type SharedRun,
} from "./redis-messages.ts";
import { orUndo } from "./undo.ts";

export interface RedisRun {
  readonly url: string;
  readonly run: SharedRun;
  /** By the places that groups name. */
  readonly items: Readonly<Record<number, Item>>;
  /** Parcels that are on their way at a time. */
  readonly window: number;
  /** Paths of the files of networks that are sent, by their digests. */
  readonly files?: ReadonlyMap<string, string> | undefined;
}

export interface RedisWorkers {
  /** As many as the window has places. */
  readonly workers: readonly Worker[];
  /** Worker processes that are connected. */
  readonly connected: () => Promise<number>;
  /** Takes back what has not begun, and tells what has to stop. */
  readonly end: () => Promise<void>;
}

/** What nobody has fetched is kept for a week, for whoever goes on with the run. */
const KEPT_SECONDS = 7 * 24 * 3600;

/** Files of networks are large: after the run they are there for a worker that has just begun to fetch one. */
const FILE_SECONDS = 10 * 60;

/** Events are lost while the connection is; therefore the state is asked for as well. */
const POLL_MS = 5000;

/** Events that Redis keeps, for each place of the window: of ends with their rows, 10 KB each. BullMQ keeps 10 000. */
const EVENTS_OF_A_PLACE = 8;

/** A server that is away must not keep a command from ending. */
const END_MS = 3000;

/** @throws Refusal where the server cannot be reached, or does not take the files. */
export const redisWorkers = async ({ url, run, items, window, files = new Map() }: RedisRun): Promise<RedisWorkers> => {
  const redis = await connectRedis(url);
  const id = await runIdOf(run);
  const ending = new AbortController();
  const keeping = { seconds: KEPT_SECONDS, signal: ending.signal };
  /** Parcels that are sent together wait for one of them to see to it. */
  const inTurn = oneAtATime();
  const keepFiles = (): Promise<void> =>
    inTurn(async () => {
      for (const [sha256, path] of files) await keepNetwork(redis, networkKey(id, sha256), path, keeping);
    });
  await orUndo(keepFiles(), async () => redis.disconnect());
  const name = queueName(run.version);
  const queue = new Queue<ParcelMessage, ParcelResult>(name, {
    connection: connectionTo(url),
    streams: { events: { maxLen: EVENTS_OF_A_PLACE * window } },
  });
  const events = new QueueEvents(name, { connection: connectionTo(url) });
  // Both connect again by themselves.
  queue.on("error", () => undefined);
  events.on("error", () => undefined);
  /** Whoever waits for a parcel. */
  const waiting = new Map<string, { readonly ring: () => void; readonly onProgress: (steps: number) => void }>();
  events.on("completed", ({ jobId }) => waiting.get(jobId)?.ring());
  events.on("failed", ({ jobId }) => waiting.get(jobId)?.ring());
  events.on("progress", ({ jobId, data }) => waiting.get(jobId)?.onProgress(Number(data)));

  const setState = (state: RunState) => redis.set(stateKey(id), state, "EX", KEPT_SECONDS);
  const put = async (parcelId: string, parcel: ParcelMessage["parcel"]): Promise<void> => {
    // With every parcel: the server may have lost everything.
    await keepFiles();
    await redis.set(runKey(id), JSON.stringify(run), "EX", KEPT_SECONDS);
    await setState("running");
    const message = { run: id, parcel, items: Object.fromEntries(parcel.map(({ item }) => [item, items[item]!])) };
    const keep = { age: KEPT_SECONDS };
    await queue.add("parcel", message, { jobId: parcelId, removeOnComplete: keep, removeOnFail: keep });
  };
  /** What is in the queue, or on its way there, by the ids. */
  const sent = new Map<string, Promise<void>>();
  const send = async (parcelId: string, parcel: ParcelMessage["parcel"]): Promise<void> => {
    ending.signal.throwIfAborted();
    const sending = put(parcelId, parcel);
    sent.set(parcelId, sending);
    await sending;
  };
  const forget = async (parcelId: string): Promise<void> => {
    await queue.remove(parcelId);
    sent.delete(parcelId);
  };

  /** What a parcel has come to; null where it is still on its way, after it has been sent if the queue does not have it. */
  const asked = async (parcelId: string, parcel: ParcelMessage["parcel"]): Promise<ParcelResult> => {
    const state = await queue.getJobState(parcelId);
    if (state === "unknown") await send(parcelId, parcel);
    if (state !== "completed" && state !== "failed") return null;
    const job = await Job.fromId<ParcelMessage, ParcelResult>(queue, parcelId);
    if (state === "completed" && job?.returnvalue) return job.returnvalue;
    await forget(parcelId);
    if (state === "failed") throw new Error(`the worker was lost: ${job?.failedReason ?? "for no known reason"}`);
    await send(parcelId, parcel); // It was stopped before.
    return null;
  };

  const perform: Worker["perform"] = async (parcel, { signal, onSteps }) => {
    // As many listeners as the window has places are no leak.
    setMaxListeners(0, signal);
    const parcelId = await parcelIdOf(id, parcel);
    const bell = createBell();
    let steps = 0;
    const onProgress = (total: number): void => {
      if (total > steps) onSteps(total - steps);
      steps = Math.max(steps, total);
    };
    waiting.set(parcelId, { ring: bell.ring, onProgress });
    try {
      for (;;) {
        const outcomes = await orAbort(asked(parcelId, parcel), signal);
        if (outcomes) return outcomes;
        await orAbort(bell.rung(POLL_MS), signal);
      }
    } finally {
      waiting.delete(parcelId);
    }
  };

  await events.waitUntilReady();
  return {
    workers: Array.from({ length: window }, () => ({
      perform,
      kept: async (parcel) => forget(await parcelIdOf(id, parcel)),
    })),
    connected: () => queue.getWorkersCount(),
    end: async () => {
      ending.abort();
      const takeBack = async (): Promise<void> => {
        if (sent.size === 0) return;
        // What is still on its way would come after this.
        await Promise.allSettled(sent.values());
        await setState("stopped");
        // What a worker has begun is locked, and ends by itself.
        await Promise.all([...sent.keys()].map((parcelId) => queue.remove(parcelId)));
      };
      const dropFiles = async (): Promise<void> => {
        for (const sha256 of files.keys()) await redis.expire(networkKey(id, sha256), FILE_SECONDS);
      };
      await within(END_MS, takeBack());
      await within(END_MS, dropFiles());
      await within(END_MS, Promise.all([events.close(), queue.close()]));
      redis.disconnect();
    },
  };
};
