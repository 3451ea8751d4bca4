/** Draws the picture that ships with the project: `npx tsx scripts/example.ts [seed]` → examples/street.png and its labels. */

import { mkdirSync, writeFileSync } from "node:fs";
import { camvidClasses } from "../src/datasets/camvid-classes.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import { encodePng } from "../src/image/encode.ts";
import { encodeLabels } from "../src/image/labels.ts";

/** One of the 200 scenes that are kept for testing. */
const seed = Number(process.argv[2] ?? 3_000_003);

const { image, labels } = renderStreet(seed, { width: 480, height: 360 }, rasterise);
mkdirSync("examples", { recursive: true });
writeFileSync("examples/street.png", encodePng(image));
writeFileSync(
  "examples/street-labels.png",
  encodeLabels(
    labels,
    camvidClasses.map((c) => c.color),
  ),
);
console.log(`examples/street.png and examples/street-labels.png: scene ${seed}`);
