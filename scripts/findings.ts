/**
 * Puts the claims of Arnab, Miksik and Torr to the networks that ship: evaluates them, keeps compact rows in `docs/findings`, and
 * writes `docs/findings.md` and its charts from these.
 *
 *     npm run findings -- --camvid DIR [--rounds N] [--only PART…] [--work DIR] [--backend NAME]    evaluates, hours long; the same command goes on where it was
 *     npm run findings -- --work DIR                                takes over the rows of a run that goes on or was stopped
 *     npm run findings [-- --check]                                 writes page and charts from the rows that are kept, or checks them
 *
 * DIR holds `test/images` and `test/labels` (CamVid, 480×360, 11 classes). A round adds pictures to every part, so that a run
 * that is stopped has compared all networks on the same pictures.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wholeNumber } from "../src/node/options.ts";
import { compactRows } from "./findings/compact.ts";
import { committedSources, folder } from "./findings/committed.ts";
import { findingsCharts } from "./findings/charts.ts";
import { findingsPage } from "./findings/page.ts";
import { runRounds } from "./findings/rounds.ts";

const { values } = parseArgs({
  options: {
    camvid: { type: "string" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: [] },
    work: { type: "string" },
    backend: { type: "string", default: "wasm" },
    check: { type: "boolean", default: false },
  },
});

const { work = "out/findings" } = values;
if (values.camvid !== undefined)
  await runRounds(values.camvid, work, wholeNumber("rounds", values.rounds, 1, 1000), values.only, values.backend);
if (values.camvid !== undefined || values.work !== undefined) compactRows(work, folder);

const sources = committedSources();
const charts = Object.entries(await findingsCharts(sources)).map(([name, svg]) => [`${folder}/${name}`, svg] as const);
for (const [path, fresh] of [["docs/findings.md", findingsPage(sources)] as const, ...charts])
  if (!values.check) writeFileSync(path, fresh);
  else if (readFileSync(path, "utf8") !== fresh) {
    console.error(`${path}: is stale: run npm run findings`);
    process.exitCode = 1;
  }
