/** `report-rows.ts ROWS CLASSES` writes synthetic rows to standard output: two networks under ten attacks at five radii. */

import { once } from "node:events";
import { study } from "../test/support/rows.ts";

const [rows = 0, classes = 0] = process.argv.slice(2).map(Number);
const attacks = Array.from({ length: 10 }, (_, k) => `attack-${k}`);
const epsilons = [0.25, 0.5, 1, 2, 4];
const networks = ["alpha", "beta"];
const perImage = networks.length * (attacks.length * epsilons.length + 1);

let text = "";
for (const row of study({ images: Math.ceil(rows / perImage), classes, networks, attacks, epsilons, small: false })) {
  text += `${JSON.stringify(row)}\n`;
  if (text.length < 1 << 20) continue;
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
  text = "";
}
process.stdout.write(text);
