/**
 * Writes a data set of synthetic street scenes: DIR/{train,val,test}/{images,labels}/NNNNN.png.
 *
 *     npx tsx scripts/street-set.ts --out DIR --train 1200 --val 50 --test 200 [--width 480 --height 360]
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { camvidClasses } from "../src/datasets/camvid-classes.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import { encodePng } from "../src/image/encode.ts";
import { encodeLabels } from "../src/image/labels.ts";

const palette = camvidClasses.map(({ color }) => color);

/** First seed of each part; the parts never share a scene. */
const firstSeed = { train: 1_000_000, val: 2_000_000, test: 3_000_000 } as const;

interface Size {
  readonly width: number;
  readonly height: number;
}

const writePart = (out: string, part: keyof typeof firstSeed, count: number, size: Size) => {
  for (const kind of ["images", "labels"]) mkdirSync(join(out, part, kind), { recursive: true });
  for (let i = 0; i < count; i++) {
    const sample = renderStreet(firstSeed[part] + i, size, rasterise);
    const file = `${String(i).padStart(5, "0")}.png`;
    writeFileSync(join(out, part, "images", file), encodePng(sample.image));
    writeFileSync(join(out, part, "labels", file), encodeLabels(sample.labels, palette));
    if ((i + 1) % 50 === 0 || i + 1 === count) console.log(`${part}: ${i + 1} of ${count}`);
  }
};

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    train: { type: "string", default: "1200" },
    val: { type: "string", default: "50" },
    test: { type: "string", default: "200" },
    width: { type: "string", default: "480" },
    height: { type: "string", default: "360" },
  },
});
const whole = (name: "train" | "val" | "test" | "width" | "height"): number => {
  const count = Number(values[name]);
  if (!Number.isInteger(count) || count < 0 || count >= 1_000_000)
    throw new RangeError(`--${name}: ${values[name]} is no count`);
  return count;
};
if (values.out === undefined) throw new Error("--out DIR is needed");
const size = { width: whole("width"), height: whole("height") };
for (const part of ["train", "val", "test"] as const) writePart(values.out, part, whole(part), size);
