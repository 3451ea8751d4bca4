/** Writes test/fixtures/work.json, the table of what each network's gradient takes: `npx tsx scripts/work.ts`. */

import { writeFileSync } from "node:fs";
import { shippedNetworks, workOf } from "./work/count.ts";

const table = Object.fromEntries([...shippedNetworks()].map(([name, network]) => [name, workOf(network)]));
writeFileSync("test/fixtures/work.json", `${JSON.stringify(table, null, 2)}\n`);
