/** A server of Redis or Valkey for tests, on a free port, with nothing on the disk. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { connectRedis } from "../../src/node/redis.ts";
import { freePort } from "./free-port.ts";

const programs = ["redis-server", "valkey-server"] as const;

/** The program that is installed; undefined for none. */
export const redisProgram = programs.find((program) => spawnSync(program, ["--version"]).status === 0);

/** Stands behind the name of what is skipped without one. */
export const redisNote = redisProgram ? "" : " (skipped: neither redis-server nor valkey-server is installed)";

export interface RedisServer {
  readonly url: string;
  readonly end: () => Promise<void>;
}

/**
 * @param given a port, to start a server anew where one was.
 * @param address at which it is reached.
 */
export const startRedis = async (
  given?: number,
  address = "127.0.0.1",
): Promise<RedisServer & { readonly port: number }> => {
  const port = given ?? (await freePort());
  const options = [
    "--port",
    `${port}`,
    "--bind",
    address,
    "--protected-mode",
    "no",
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  const server = spawn(redisProgram!, options, { stdio: "ignore" });
  const url = `redis://${address}:${port}`;
  for (let tries = 0; ; tries++)
    try {
      (await connectRedis(url)).disconnect();
      break;
    } catch (cause) {
      if (tries === 100) throw cause;
      await setTimeout(50);
    }
  return {
    url,
    port,
    end: async () => {
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
};
