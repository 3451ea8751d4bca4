/** Reports on rows from standard input in a process of its own, and writes what that took. */

import { createReader } from "../src/report/reader.ts";
import { buildReport } from "../src/report/report.ts";

/** Processor time of this process so far, all threads together, in seconds. */
const busy = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const seconds = (value: number): string => `${value.toFixed(1)} s`;

const begun = busy();
const reader = createReader();
for await (const piece of process.stdin) reader.push(piece as Uint8Array);
const store = reader.end();
const read = busy();
const report = buildReport(store);
const scored = busy();
const peak = process.resourceUsage().maxRSS / 1024;
console.log(`${report.rows} rows, ${report.bootstrap.replicates} replicates`);
console.log(
  `processor time: read and folded in ${seconds(read - begun)}, scored in ${seconds(scored - read)}: ${seconds(scored - begun)}`,
);
console.log(`peak resident memory ${peak.toFixed(0)} MiB`);
