/** A worker process of the tests on Redis: `redis-process.ts URL FOLDER`. A harmful unit ends it as `kill -9` does. */

import { setTimeout } from "node:timers/promises";
import { serveParcels } from "../../../src/node/redis-service.ts";
import { carryOutIn } from "./marks.ts";

const [url = "", folder = ""] = process.argv.slice(2);
const abort = new AbortController();
process.once("SIGTERM", () => abort.abort());
const die = async (): Promise<void> => {
  process.kill(process.pid, "SIGKILL");
  await setTimeout(60_000);
};

await serveParcels({
  url,
  version: "test",
  slots: 1,
  leaseMs: 1000,
  signal: abort.signal,
  start: () =>
    Promise.resolve({
      perform: async (parcel, { signal }) => {
        const outcomes = [];
        for (const group of parcel) outcomes.push(...(await carryOutIn(folder, group, { die, signal })));
        return outcomes;
      },
      end: () => Promise.resolve(),
    }),
});
