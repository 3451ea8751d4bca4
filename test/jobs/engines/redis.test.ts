/** Workers behind Redis: processes that are really killed. Needs `redis-server` or `valkey-server`; skipped where neither is installed. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { redisWorkers } from "../../../src/node/redis-workers.ts";
import type { SharedRun } from "../../../src/node/redis-messages.ts";
import { processFlags } from "../../../src/node/worker.ts";
import { redisNote, redisProgram, startRedis } from "../../support/redis.ts";
import { tinyManifest } from "../../support/networks/tiny.ts";
import { testEngine, type Engine } from "./suite.ts";
import { itemsOf } from "./work.ts";

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
  return {
    engage: (names) => redisWorkers({ url: server.url, run: shared(names), items: itemsOf(names), window: 3 }),
    end: async () => {
      await stop();
      await server.end();
    },
  };
};

describe.skipIf(!redisProgram)(`workers behind Redis${redisNote}`, () => {
  testEngine(start);
});
