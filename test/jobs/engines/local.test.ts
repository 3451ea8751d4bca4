/** Workers in this process: what a run itself does. */

import { describe } from "vitest";
import type { Worker } from "../../../src/jobs/worker.ts";
import { drivenEngine } from "./driven.ts";
import { testEngine, type Engine } from "./suite.ts";
import { carryOutIn } from "./marks.ts";

const start = (folder: string): Promise<Engine> => {
  const die = () => Promise.reject(new Error("it has died"));
  const worker: Worker = {
    perform: async (parcel, { signal }) => {
      const outcomes = [];
      for (const group of parcel) outcomes.push(...(await carryOutIn(folder, group, { die, signal })));
      return outcomes;
    },
  };
  const engaged = { workers: [worker, worker], end: () => Promise.resolve() };
  return Promise.resolve(drivenEngine(folder, () => Promise.resolve(engaged)));
};

describe("workers of this process", () => {
  testEngine(start);
});
