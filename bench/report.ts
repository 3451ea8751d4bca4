/** `npm run bench -- report [ROWS] [CLASSES]`: synthetic rows, written and read as text, folded and scored. */

import { buildReport } from "../src/report/report.ts";
import { createReader } from "../src/report/reader.ts";
import { study } from "../test/support/rows.ts";

/** The text is made in pieces, so that the bench does not hold what the report must not hold. */
function* pieces(rows: number, classes: number): Generator<Uint8Array> {
  const attacks = Array.from({ length: 10 }, (_, k) => `attack-${k}`);
  const epsilons = [0.25, 0.5, 1, 2, 4];
  const networks = ["alpha", "beta"];
  const perImage = networks.length * (attacks.length * epsilons.length + 1);
  const encoder = new TextEncoder();
  let text = "";
  for (const row of study({ images: Math.ceil(rows / perImage), classes, networks, attacks, epsilons, small: false })) {
    text += `${JSON.stringify(row)}\n`;
    if (text.length < 1 << 20) continue;
    yield encoder.encode(text);
    text = "";
  }
  yield encoder.encode(text);
}

export const reportBench = async ([rows = "1000000", classes = "11"]: readonly string[]): Promise<void> => {
  const reader = createReader();
  let [making, reading, bytes, peak] = [0, 0, 0, 0];
  let last = performance.now();
  for (const piece of pieces(Number(rows), Number(classes))) {
    const begun = performance.now();
    making += begun - last;
    reader.push(piece);
    last = performance.now();
    reading += last - begun;
    bytes += piece.length;
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  const store = reader.end();
  const begun = performance.now();
  const report = buildReport(store);
  const scoring = performance.now() - begun;
  peak = Math.max(peak, process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  console.log(`${report.rows} rows, ${(bytes / 2 ** 20).toFixed(0)} MiB of text, made in ${seconds(making)}`);
  console.log(`read and folded in ${seconds(reading)}, scored in ${seconds(scoring)}: ${seconds(reading + scoring)}`);
  console.log(`${report.bootstrap.replicates} replicates; peak resident memory ${(peak / 2 ** 20).toFixed(0)} MiB`);
};
