/** `npm run bench -- NAME [arguments]`. */

import { curves } from "./curves.ts";
import { gradientBench } from "./gradient.ts";
import { memoryBench } from "./memory.ts";
import { serviceBench } from "./service.ts";

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  gradient: gradientBench,
  memory: memoryBench,
  service: serviceBench,
  curves,
};

const [name = "", ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench) await bench(args);
else console.log(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
