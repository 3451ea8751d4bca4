/** `npm run bench -- NAME [arguments]`. */

import { attacksBench } from "./attacks.ts";
import { batchesBench } from "./batches.ts";
import { certifyBench } from "./certify.ts";
import { crfBench } from "./crf.ts";
import { curves } from "./curves.ts";
import { evaluateBench } from "./evaluate.ts";
import { gradientBench } from "./gradient.ts";
import { memoryBench } from "./memory.ts";
import { ordersBench } from "./orders.ts";
import { reportBench } from "./report.ts";
import { scaleBench } from "./scale.ts";
import { serviceBench } from "./service.ts";
import { threadsBench } from "./threads.ts";
import { webgpuBench } from "./webgpu.ts";

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  attacks: attacksBench,
  batches: batchesBench,
  certify: certifyBench,
  gradient: gradientBench,
  evaluate: evaluateBench,
  memory: memoryBench,
  orders: ordersBench,
  report: reportBench,
  scale: scaleBench,
  service: serviceBench,
  threads: threadsBench,
  webgpu: webgpuBench,
  crf: crfBench,
  curves,
};

const [name = "", ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench) await bench(args);
else console.log(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
