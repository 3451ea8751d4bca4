/** What Redis keeps of a run that goes on for long. Needs `redis-server` or `valkey-server`; skipped where neither is installed. */

import { expect, it } from "vitest";
import { runParcels } from "../../../src/jobs/run.ts";
import { parcelsOf } from "../../../src/jobs/worker.ts";
import { connectRedis } from "../../../src/node/redis.ts";
import { serveParcels } from "../../../src/node/redis-service.ts";
import { redisWorkers } from "../../../src/node/redis-workers.ts";
import { redisNote, redisProgram, startRedis } from "../../support/redis.ts";
import { itemsOf, rowFor, workOn } from "./work.ts";

const WINDOW = 2;
/** Redis cuts streams a node at a time, of so many entries. */
const NODE = 100;

it.skipIf(!redisProgram)(
  `keeps eight events for each place of the window, whatever the run's length${redisNote}`,
  async () => {
    const server = await startRedis();
    const names = Array.from({ length: 60 }, (_, i) => `item-${i}`);
    const groups = await workOn(names);
    const abort = new AbortController();
    const { signal } = abort;
    const perform = (parcel: typeof groups) =>
      Promise.resolve(parcel.flatMap(({ units }) => units.map((unit) => ({ row: rowFor(unit) }))));
    const start = () => Promise.resolve({ perform, end: () => Promise.resolve() });
    const service = serveParcels({ url: server.url, version: "events", slots: WINDOW, leaseMs: 10_000, signal, start });
    const shared = {
      networks: [],
      settings: [],
      seed: 0,
      small: 0,
      version: "events",
      backend: "wasm",
      threads: 1,
      roots: null,
      reading: {},
      streetSize: { width: 16, height: 16 },
    } as const;
    const { workers, end } = await redisWorkers({
      url: server.url,
      run: shared,
      items: itemsOf(names),
      window: WINDOW,
    });
    const ledger = { record: () => Promise.resolve([]) };
    expect(await runParcels({ parcels: parcelsOf(groups, 0), workers, ledger, signal })).toEqual([]);
    const redis = await connectRedis(server.url);
    const [key] = await redis.keys("*:events");
    // Each parcel adds more than one.
    const most = 8 * WINDOW + NODE;
    expect(most).toBeLessThan(groups.length);
    expect(await redis.xlen(key!)).toBeLessThanOrEqual(most);
    redis.disconnect();
    await end();
    abort.abort();
    await service;
    await server.end();
  },
);
