/** Workers behind Redis: processes that are really killed. Needs `redis-server` or `valkey-server`; skipped where neither is installed. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Row } from "../../../src/evaluation/row.ts";
import { runParcels } from "../../../src/jobs/run.ts";
import { parcelsOf } from "../../../src/jobs/worker.ts";
import { redisWorkers } from "../../../src/node/redis-workers.ts";
import type { SharedRun } from "../../../src/node/redis-messages.ts";
import { processFlags } from "../../../src/node/worker.ts";
import { redisNote, redisProgram, startRedis, type RedisServer } from "../../support/redis.ts";
import { tinyManifest } from "../../support/networks/tiny.ts";
import { drivenEngine } from "./driven.ts";
import { testEngine, type Engine } from "./suite.ts";
import { itemsOf, rowFor, workOn } from "./work.ts";

const entry = new URL("redis-process.ts", import.meta.url);

/** Keeps two processes alive, as a supervisor does. */
const keepAlive = (url: string, folder: string) => {
  let ending = false;
  const alive = new Set<ChildProcess>();
  const start = (): void => {
    const child = spawn(process.execPath, [...processFlags(entry), fileURLToPath(entry), url, folder], {
      stdio: "inherit",
    });
    alive.add(child);
    child.once("exit", () => {
      alive.delete(child);
      if (!ending) start();
    });
  };
  start();
  start();
  return async (): Promise<void> => {
    ending = true;
    await Promise.all(
      [...alive].map(async (child) => {
        child.kill("SIGTERM");
        await once(child, "exit");
      }),
    );
  };
};

const manifest = tinyManifest();

const shared = (names: readonly string[]): SharedRun => ({
  networks: names.map((operand) => ({ operand, manifest })),
  settings: [],
  seed: 0,
  small: 0,
  version: "test",
  backend: "wasm",
  threads: 1,
  roots: null,
  reading: {},
  streetSize: { width: 16, height: 16 },
});

const start = async (folder: string): Promise<Engine> => {
  const server = await startRedis();
  const stop = keepAlive(server.url, folder);
  const engage = (names: readonly string[]) =>
    redisWorkers({ url: server.url, run: shared(names), items: itemsOf(names), window: 3 });
  return drivenEngine(folder, engage, async () => {
    await stop();
    await server.end();
  });
};

describe.skipIf(!redisProgram)(`workers behind Redis${redisNote}`, () => {
  testEngine(start);

  it("loses nothing where the server loses everything, and waits while it is away", async () => {
    const folder = mkdtempSync(join(tmpdir(), "engine-"));
    const first = await startRedis();
    const stop = keepAlive(first.url, folder);
    const names = Array.from({ length: 6 }, (_, i) => `slow-${i}`);
    const groups = await workOn(names);
    const run = { url: first.url, run: shared(names), items: itemsOf(names), window: 3 };
    const { workers, end } = await redisWorkers(run);
    const recorded = new Map<string, Row>();
    let second: Promise<RedisServer> | undefined;
    const anew = async (): Promise<RedisServer> => {
      await first.end();
      await setTimeout(1000);
      return startRedis(first.port);
    };
    const record = (rows: readonly Row[]) => {
      for (const row of rows) recorded.set(row.id, row);
      second ??= anew();
      return Promise.resolve([]);
    };
    const signal = new AbortController().signal;
    const failed = await runParcels({ parcels: parcelsOf(groups, 0), workers, ledger: { record }, signal });
    const units = groups.flatMap((group) => group.units);
    expect(failed).toEqual([]);
    expect(units.map(({ id }) => recorded.get(id))).toEqual(units.map(rowFor));
    await end();
    await stop();
    await (await second)?.end();
    rmSync(folder, { recursive: true });
  });
});
