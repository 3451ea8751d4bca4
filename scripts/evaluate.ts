/**
 * Clean scores of a network over a folder of images and labels; prints a row of a Markdown table.
 *
 *     npx tsx scripts/evaluate.ts --model models/enet-street --data DIR --split-name "CamVid test"
 *         [--onnx FILE: another network under the same manifest] [--limit N] [--json FILE] [--write-manifest]
 */

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { labelledIn } from "./labelled.ts";
import { decodeImage } from "../src/image/decode.ts";
import { decodeLabels } from "../src/image/labels.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import { measure } from "../src/evaluation/measure.ts";
import { emptyCounts, mergeCounts, scoresOf, type Scores } from "../src/metrics/counts.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { parseManifest, type Manifest } from "../src/segmenter/manifest.ts";
import { openNetwork } from "../src/segmenter/network.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";

const maxPixels = 2 ** 26;
const budgetBytes = 2 ** 31;

/** Every `size / limit`-th item, so that a limited run sees all of a sorted set. */
const spread = <T>(items: readonly T[], limit: number): T[] =>
  limit >= items.length
    ? [...items]
    : Array.from({ length: limit }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / limit)]!);

const evaluate = async (
  manifest: Manifest,
  bytes: Uint8Array,
  folder: string,
  limit: number,
): Promise<Scores & { images: number }> => {
  const segmenter = createSegmenter(openNetwork(manifest, bytes), new SessionCache(startWasm(), budgetBytes));
  const items = spread(await labelledIn(folder), limit);
  let counts = emptyCounts(manifest.classes.length);
  for (const item of items) {
    const image = await decodeImage(await item.image(), { maxPixels });
    const truth = decodeLabels(await item.labels(), { maxPixels });
    const { row } = await measure({ segmenter, image, item: item.name, truth }, null);
    counts = mergeCounts(counts, row.counts.clean);
  }
  return { ...scoresOf(counts), images: items.length };
};

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    onnx: { type: "string" },
    data: { type: "string" },
    "split-name": { type: "string" },
    limit: { type: "string", default: "1000000" },
    json: { type: "string" },
    "write-manifest": { type: "boolean", default: false },
  },
});
const { model, onnx, data, "split-name": split, json } = values;
if (model === undefined || data === undefined || split === undefined)
  throw new Error("--model DIR, --data DIR and --split-name NAME are needed");
const limit = Number(values.limit);
if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`--limit: ${values.limit} is no count`);

useNodeCodecs();
const manifestFile = join(model, "manifest.json");
const manifest = parseManifest(JSON.parse(readFileSync(manifestFile, "utf8")));
const precision = onnx === undefined ? manifest.precision : "float";
const owner = manifest.network === undefined ? model : join(model, "..", manifest.network);
const result = await evaluate(manifest, readFileSync(onnx ?? join(owner, manifest.file)), data, limit);

const percent = (share: number | null): string => (share === null ? "–" : (100 * share).toFixed(1));
const columns = ["network", "split", "images", "mIoU %", "pixels %", ...manifest.classes.map((c) => c.name)];
const cells = [
  `${manifest.name} ${precision}`,
  split,
  String(result.images),
  percent(result.miou),
  percent(result.pixelAccuracy),
  ...result.iou.map(percent),
];
for (const row of [columns, columns.map(() => "---"), cells]) console.log(`| ${row.join(" | ")} |`);

const rounded = (share: number | null): number | null => (share === null ? null : Number(share.toFixed(4)));
// Without this machine's paths: the last two names tell which data it was.
const command = [
  `npx tsx scripts/evaluate.ts --model ${relative(".", model)}`,
  ...(onnx === undefined ? [] : [`--onnx ${basename(onnx)}`]),
  `--data ${basename(join(data, ".."))}/${basename(data)} --split-name "${split}"`,
  ...(result.images === limit ? [`--limit ${limit}`] : []),
].join(" ");
const metrics = {
  cleanMiou: rounded(result.miou),
  pixelAccuracy: rounded(result.pixelAccuracy),
  split,
  images: result.images,
  command,
};
if (json !== undefined) {
  const perClass = Object.fromEntries(manifest.classes.map(({ name }, i) => [name, rounded(result.iou[i] ?? null)]));
  writeFileSync(json, `${JSON.stringify({ network: manifest.name, precision, ...metrics, iou: perClass }, null, 2)}\n`);
}
if (values["write-manifest"]) {
  const key = `${split}, ${precision}`;
  writeFileSync(
    manifestFile,
    `${JSON.stringify({ ...manifest, metrics: { ...manifest.metrics, [key]: metrics } }, null, 2)}\n`,
  );
}
