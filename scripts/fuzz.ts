/**
 * Fuzzes the service: `npm run fuzz -- [--bodies N] [--graphs N] [--seed S] [--out DIR]`.
 *
 * Bodies are requests built by their structure (specs, multipart parts, pictures, label maps) and then changed; graphs are networks
 * with changed nodes, attributes and bytes, uploaded. An answer with status 500, an answer that is no problem where it should be
 * one, and an exception are faults: the input is saved in DIR under its seed, and the exit code is 1. Equal seeds make equal inputs.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApp } from "../src/api/app.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import { random, type Random } from "../src/random.ts";
import { bucketUploads } from "../src/store/bucket.ts";
import { serviceOf, tiny } from "../test/service/tiny-service.ts";
import { memoryBucket } from "../test/store/memory-bucket.ts";
import { requestBody, type Sent } from "./fuzz/bodies.ts";
import { changedNetwork } from "./fuzz/graphs.ts";

const { values } = parseArgs({
  options: {
    bodies: { type: "string", default: "1000" },
    graphs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: "fuzz-faults" },
  },
});
const [bodies, graphs, seed] = [values.bodies, values.graphs, values.seed].map(Number) as [number, number, number];
useNodeCodecs();

interface Outcome {
  readonly status: number;
  readonly type: string;
  readonly fault: string | null;
  readonly ms: number;
}

const logged: unknown[] = [];
const app = createApp(serviceOf([tiny], { budgetBytes: 64 * 2 ** 20, uploads: bucketUploads(memoryBucket().bucket) }), {
  log: (error) => logged.push(error),
});

const send = async ({ path, method, headers, body }: Sent): Promise<Outcome> => {
  logged.length = 0;
  const start = performance.now();
  try {
    const response = await app.request(path, { method, headers, body });
    const text = await response.text();
    const ms = performance.now() - start;
    const { status } = response;
    const problem = response.headers.get("content-type") === "application/problem+json";
    const type = problem ? (JSON.parse(text) as { type: string }).type : "";
    const fault =
      status === 500 ? `500: ${String(logged[0])}` : status >= 400 && !problem ? `${status} without a problem` : null;
    return { status, type, fault, ms };
  } catch (cause) {
    return { status: 0, type: "", fault: `thrown: ${String(cause)}`, ms: performance.now() - start };
  }
};

let faults = 0;
const save = (name: string, { path, method, headers, body }: Sent, fault: string): void => {
  faults += 1;
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `${name}.bin`), body);
  writeFileSync(join(values.out, `${name}.json`), JSON.stringify({ path, method, headers, fault }, null, 2));
  console.error(`${name}: ${method} ${path}: ${fault.slice(0, 300)}`);
};

const run = async (what: string, count: number, make: (next: Random) => Sent): Promise<void> => {
  const outcomes = new Map<string, number>();
  let [slowest, slowestName] = [0, ""];
  for (let i = 0; i < count; i++) {
    const name = `${what}-${seed}-${i}`;
    const sent = make(random(seed * 1_000_003 + i));
    const { status, type, fault, ms } = await send(sent);
    const key = `${status} ${type}`.trim();
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    if (ms > slowest) [slowest, slowestName] = [ms, name];
    if (fault !== null) save(name, sent, fault);
  }
  const sorted = [...outcomes].toSorted(([, a], [, b]) => b - a);
  console.log(`${count} ${what}; the slowest took ${slowest.toFixed(0)} ms (${slowestName})`);
  for (const [key, n] of sorted) console.log(`  ${String(n).padStart(7)}  ${key}`);
};

await run("bodies", bodies, requestBody);
await run("graphs", graphs, changedNetwork);
console.log(faults === 0 ? "no fault" : `${faults} faults, saved in ${values.out}`);
process.exitCode = faults === 0 ? 0 : 1;
