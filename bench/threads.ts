/**
 * The gain by threads: forward and gradient of each network in Node-WASM with 1, 2, 4 … threads, interleaved, and the WASM memory
 * with its prediction: `npm run bench -- threads [RUNS]`. The results are meaningful only where the cores are idle.
 */

import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { availableParallelism } from "node:os";
import { startThreadRuntime, type ThreadRuntime } from "../src/node/runtime.ts";
import { writeModel } from "../src/onnx/write.ts";
import { predictMemory } from "../src/runtime/memory/memory.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import { networkSize } from "../src/segmenter/size.ts";
import { elapsed, fastest } from "./fastest.ts";
import { feedsOf, usual } from "./feeds.ts";
import { networks } from "./networks.ts";

/** 1, 2, 4 … and all cores. */
const counts = (cores: number): number[] => {
  const powers = [1, 2, 4, 8, 16, 32].filter((n) => n < cores);
  return [...powers, cores];
};

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

export const threadsBench = async ([runs = "8"]: readonly string[]): Promise<void> => {
  const threads = counts(availableParallelism());
  console.log(`| network | graph | predicted MiB | ${threads.map((n) => `${n}: ms, MiB`).join(" | ")} | gain |`);
  console.log(`|---|---|---|${threads.map(() => "---|").join("")}---|`);
  for (const network of networks()) {
    const size = networkSize(network.manifest, usual);
    const compiled = {
      forward: compileForward(network, size),
      gradient: compileGradient(network, size, crossEntropyObjective(false)),
    };
    for (const [graph, { model, footprint }] of Object.entries(compiled)) {
      const runtimes: ThreadRuntime[] = [];
      for (const n of threads) runtimes.push(await startThreadRuntime({ threads: n }));
      const sessions = await Promise.all(runtimes.map((runtime) => runtime.createSession(writeModel(model))));
      const feeds = feedsOf(size);
      const times = await fastest(
        Number(runs),
        sessions.map((session) => elapsed(() => session.run(feeds))),
      );
      const cells = times.map((ms, i) => `${ms.toFixed(0)}, ${mebibytes(runtimes[i]!.memoryBytes())}`);
      const gain = (times[0]! / Math.min(...times)).toFixed(2);
      const predicted = mebibytes(predictMemory([footprint]));
      console.log(`| ${network.manifest.name} | ${graph} | ${predicted} | ${cells.join(" | ")} | ${gain} × |`);
      await Promise.all(runtimes.map((runtime) => runtime.stop()));
    }
  }
};
