/**
 * The overhead of /v1/attack over its session runs (in Node), and the start of a Worker: `npm run bench -- service`.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createApp } from "../src/api/app.ts";
import { createService } from "../src/service/service.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import type { Runtime } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { folderModels } from "../src/node/folder-models.ts";
import { buildWorker, startWorker } from "../scripts/workerd.ts";
import { ranByThread, timesOf, workerds } from "./workerd-time.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const picture = readFileSync(`${root}examples/street.png`);

const attackForm = (spec: object): FormData => {
  const form = new FormData();
  form.set("image", new Blob([picture], { type: "image/png" }), "street.png");
  form.set("spec", JSON.stringify(spec));
  return form;
};

/** Processor milliseconds, which exclude the time of other processes. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** A runtime that adds up the time of its runs. */
const timedRuntime = (runtime: Runtime, add: (ms: number) => void): Runtime => ({
  ...runtime,
  createSession: async (...given) => {
    const session = await runtime.createSession(...given);
    return {
      ...session,
      run: async (feeds) => {
        const start = processorTime();
        const result = await session.run(feeds);
        add(processorTime() - start);
        return result;
      },
    };
  },
});

const inNode = async (): Promise<void> => {
  useNodeCodecs();
  let inRuns = 0;
  const runtime = timedRuntime(startWasm(), (ms) => (inRuns += ms));
  const store = await folderModels(`${root}models`);
  const app = createApp(createService({ store, runtime, version: "bench", defaultModel: "enet-street" }));
  console.log(
    "| /v1/attack in Node, processor time, the median by overhead | request ms | session runs ms | overhead |",
  );
  console.log("|---|---|---|---|");
  for (const spec of [
    { attack: "fgsm", epsilon: 8 },
    { attack: "ifgsm-ii", epsilon: 8 },
  ]) {
    const requests: { readonly total: number; readonly runs: number; readonly overhead: number }[] = [];
    for (let i = 0; i < 10; i++) {
      inRuns = 0;
      const start = processorTime();
      const response = await app.request("/v1/attack", { method: "POST", body: attackForm(spec) });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const total = processorTime() - start;
      if (i > 0) requests.push({ total, runs: inRuns, overhead: (100 * (total - inRuns)) / inRuns }); // The first request compiles.
    }
    const { total, runs, overhead } = requests.toSorted((a, b) => a.overhead - b.overhead)[4]!;
    console.log(
      `| ${spec.attack}, ε = ${spec.epsilon} | ${total.toFixed(0)} | ${runs.toFixed(0)} | ${overhead.toFixed(1)} % |`,
    );
  }
  console.log(`WASM memory after these: ${(runtime.memoryBytes() / 2 ** 20).toFixed(1)} MiB`);
};

const inWorkerd = async (): Promise<void> => {
  buildWorker();
  const worker = startWorker();
  const url = await worker.ready;
  const own = workerds();
  const ask = async (path: string, init?: RequestInit) => {
    const before = timesOf(own).ran;
    const response = await fetch(new URL(path, url), init);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path}: status ${response.status}`);
    return timesOf(own).ran - before;
  };
  await ask("/health/ready");
  const ready = timesOf(own).ran;
  const attack = (steps: number) =>
    ask("/v1/attack", { method: "POST", body: attackForm({ attack: "ifgsm-ii", epsilon: 8, steps }) });
  const before = ranByThread(own);
  const cold = await attack(1);
  // The thread that answers; V8 compiles WebAssembly on others.
  const answering = Math.max(...[...ranByThread(own)].map(([thread, ran]) => ran - (before.get(thread) ?? 0)));
  let [one, eleven, forward] = [Infinity, Infinity, Infinity];
  for (let i = 0; i < 3; i++) {
    one = Math.min(one, await attack(1));
    eleven = Math.min(eleven, await attack(11));
    const body = new FormData();
    body.set("image", new Blob([picture], { type: "image/png" }), "street.png");
    forward = Math.min(forward, await ask("/v1/segment", { method: "POST", body }));
  }
  console.log("| workerd | ms of processor time |\n|---|---|");
  console.log(`| start to ready | ${ready.toFixed(0)} |`);
  console.log(`| first attack of one step | ${cold.toFixed(0)}, on the thread that answers ${answering.toFixed(0)} |`);
  console.log(`| attack of one step | ${one.toFixed(0)} |`);
  console.log(`| a further step (one gradient) | ${((eleven - one) / 10).toFixed(0)} |`);
  console.log(`| /v1/segment (one forward, decoding, encoding) | ${forward.toFixed(0)} |`);
  await worker.dispose();
};

export const serviceBench = async (): Promise<void> => {
  await inNode();
  await inWorkerd();
};
