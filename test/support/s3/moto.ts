/** A service of S3 that others have written: moto, where `moto_server` is installed (pip install 'moto[server,s3]'). It checks no signatures. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { freePort } from "../free-port.ts";

export const hasMoto = spawnSync("moto_server", ["--help"]).status === 0;

/** Stands behind the name of what is skipped without it. */
export const motoNote = hasMoto ? "" : " (skipped: moto_server is not installed)";

/** @returns the environment of who may use it, whose bucket is called "results". */
export const startMoto = async () => {
  const port = await freePort();
  const server = spawn("moto_server", ["-p", `${port}`], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++)
    try {
      if ((await fetch(`${url}/results`, { method: "PUT" })).ok) break;
      throw new Error("the bucket was not made");
    } catch (cause) {
      if (tries === 200) throw cause;
      await setTimeout(50);
    }
  const environment = { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
  return {
    environment,
    end: async (): Promise<void> => {
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
};
