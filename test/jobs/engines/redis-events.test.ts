/** What Redis keeps of a run that goes on for long, and of one that is ended early. Needs `redis-server` or `valkey-server`; skipped where neither is installed. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { runParcels } from "../../../src/jobs/run.ts";
import { parcelsOf } from "../../../src/jobs/worker.ts";
import { connectRedis } from "../../../src/node/redis.ts";
import { serveParcels } from "../../../src/node/redis-service.ts";
import { redisWorkers } from "../../../src/node/redis-workers.ts";
import { redisNote, redisProgram, startRedis } from "../../support/redis.ts";
import { itemsOf, rowFor, workOn } from "./work.ts";

const WINDOW = 2;
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

const FILE_BYTES = 20 * 2 ** 20;
const FILE_SECONDS = 10 * 60;

it.skipIf(!redisProgram)(
  `keeps nothing that a worker would take of a run that ends while parcels and networks are being sent${redisNote}`,
  async () => {
    const server = await startRedis();
    const redis = await connectRedis(server.url);
    const folder = mkdtempSync(join(tmpdir(), "sent-"));
    const path = join(folder, "model.onnx");
    writeFileSync(path, new Uint8Array(FILE_BYTES));
    const names = Array.from({ length: 16 }, (_, i) => `item-${i}`);
    const parcels = [...parcelsOf(await workOn(names), 0)];
    const files = new Map([["a".repeat(64), path]]);
    for (const isLost of [false, true])
      for (const milliseconds of [0, 1, 2, 5, 10]) {
        const { workers, end } = await redisWorkers({
          url: server.url,
          run: shared,
          items: itemsOf(names),
          window: names.length,
          files,
        });
        if (isLost) await redis.flushall();
        const abort = new AbortController();
        const { signal } = abort;
        const performed = workers.map(({ perform }, i) => perform(parcels[i]!, { signal, onSteps: () => undefined }));
        await setTimeout(milliseconds);
        abort.abort(new Error("interrupted"));
        for (const { status } of await Promise.allSettled(performed)) expect(status).toBe("rejected");
        await end();
        expect(await redis.keys("*:wait")).toEqual([]);
        for (const key of await redis.keys("faultline:state:*")) expect(await redis.get(key)).toBe("stopped");
        for (const key of await redis.keys("faultline:network:*")) {
          expect(await redis.ttl(key)).toBeGreaterThan(0);
          expect(await redis.ttl(key)).toBeLessThanOrEqual(FILE_SECONDS);
        }
        await redis.flushall();
      }
    redis.disconnect();
    rmSync(folder, { recursive: true });
    await server.end();
  },
);
