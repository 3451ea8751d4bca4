/** Writes models/NAME/graphs.bin, the graphs that services need not compile: `npx tsx scripts/graphs.ts [NAME…]`, by default of all networks that have one. */

import { writeFileSync } from "node:fs";
import { usual } from "../bench/feeds.ts";
import { GRAPHS_FILE } from "../src/segmenter/stored-graphs.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { graphsFile } from "./graphs/make.ts";
import { storedNetworks } from "./graphs/stored.ts";

const runtime = startWasm();
const asked = process.argv.slice(2);
for (const [name, network] of storedNetworks(asked)) {
  const file = await graphsFile(network, usual, runtime);
  writeFileSync(`models/${name}/${GRAPHS_FILE}`, new Uint8Array(file));
  console.log(`${name}: ${(file.byteLength / 1024).toFixed(0)} KiB`);
}
