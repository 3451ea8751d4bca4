/** Workers in this process: what a run itself does, with its rows in a file and in a bucket. */

import { afterAll, beforeAll, describe, vi } from "vitest";
import type { Worker } from "../../../src/jobs/worker.ts";
import { piecesOf } from "../../../src/node/files.ts";
import { ledgerAt } from "../../../src/node/ledger-bucket.ts";
import { openBucket } from "../../../src/node/s3.ts";
import { keysUnder } from "../../../src/store/bucket.ts";
import { startS3, type S3Server } from "../../support/s3/server.ts";
import { drivenEngine, type Results } from "./driven.ts";
import { carryOutIn } from "./marks.ts";
import { testEngine, type Engine } from "./suite.ts";

const start =
  (results?: Results) =>
  (folder: string): Promise<Engine> => {
    const die = () => Promise.reject(new Error("it has died"));
    const worker: Worker = {
      perform: async (parcel, { signal }) => {
        const outcomes = [];
        for (const group of parcel) outcomes.push(...(await carryOutIn(folder, group, { die, signal })));
        return outcomes;
      },
    };
    const engaged = { workers: [worker, worker], end: () => Promise.resolve() };
    return Promise.resolve(drivenEngine(folder, () => Promise.resolve(engaged), undefined, results));
  };

describe("workers of this process", () => {
  testEngine(start());
});

describe("workers of this process, whose rows are in a bucket", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3({ pageSize: 5 });
    for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.end();
  });
  const addressOf = (name: string): string => `s3://results/engine/${name.replaceAll(/[^\w]/g, "-")}.jsonl`;
  /** Those in order, and those that came since. */
  const read = async (name: string): Promise<string> => {
    const bucket = openBucket("s3://results/engine");
    const key = addressOf(name).split("/").at(-1)!;
    const later = (await keysUnder(bucket, `${key}.rows/`)).map((each) => `${key}.rows/${each}`);
    const texts: string[] = [];
    for (const each of [...((await bucket.stat(key)) ? [key] : []), ...later])
      for await (const piece of piecesOf(`s3://results/engine/${each}`)) texts.push(new TextDecoder().decode(piece));
    return texts.join("");
  };
  testEngine(start({ open: (name) => ledgerAt(addressOf(name)), read }));
});
