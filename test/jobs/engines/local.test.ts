/** Workers in this process: what a run itself does. */

import { describe } from "vitest";
import type { Worker } from "../../../src/jobs/worker.ts";
import { testEngine, type Engine } from "./suite.ts";
import { carryOut } from "./work.ts";

const start = (folder: string): Promise<Engine> => {
  const die = () => Promise.reject(new Error("it has died"));
  const worker: Worker = {
    perform: async (parcel, { signal }) => {
      const outcomes = [];
      for (const group of parcel) outcomes.push(...(await carryOut(group, { folder, die, signal })));
      return outcomes;
    },
  };
  const engaged = { workers: [worker, worker], end: () => Promise.resolve() };
  return Promise.resolve({ engage: () => Promise.resolve(engaged), end: () => Promise.resolve() });
};

describe("workers of this process", () => {
  testEngine(start);
});
