/** `npm run bench -- report [ROWS] [CLASSES]`: synthetic rows, read as text that another process makes, folded and scored. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createReader } from "../src/report/reader.ts";
import { buildReport } from "../src/report/report.ts";

const rowsOf = (rows: string, classes: string): AsyncIterable<Uint8Array> =>
  spawn(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL("report-rows.ts", import.meta.url)), rows, classes],
    { stdio: ["ignore", "pipe", "inherit"] },
  ).stdout;

/** Processor time of this process so far, all threads together, in seconds. */
const busy = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export const reportBench = async ([rows = "1000000", classes = "11"]: readonly string[]): Promise<void> => {
  const reader = createReader();
  let bytes = 0;
  const begun = busy();
  for await (const piece of rowsOf(rows, classes)) {
    reader.push(piece);
    bytes += piece.length;
  }
  const store = reader.end();
  const read = busy();
  const report = buildReport(store);
  const scored = busy();
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  console.log(`${report.rows} rows, ${(bytes / 2 ** 20).toFixed(0)} MiB of text`);
  console.log(
    `processor time: read and folded in ${seconds(read - begun)}, scored in ${seconds(scored - read)}: ${seconds(scored - begun)}`,
  );
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(`${report.bootstrap.replicates} replicates; peak resident memory ${peak.toFixed(0)} MiB`);
};
