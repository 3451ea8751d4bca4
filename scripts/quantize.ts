/**
 * A float network to the one that ships: model.onnx and manifest.json in a folder of their own.
 *
 *     npx tsx scripts/quantize.ts FLOAT.onnx --calibrate DIR [--calibrate DIR2] [--images 32] [--size 360x480]
 *         --name enet-street --out models/enet-street
 *
 * Each DIR has a folder `images`; the same images are taken every time: `--images` in all, evenly from each DIR and over
 * its sorted names.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { camvidClasses } from "../src/datasets/camvid-classes.ts";
import { decodeImage } from "../src/image/decode.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import { resizeBilinear } from "../src/image/resize.ts";
import type { Model } from "../src/onnx/graph.ts";
import { readModel } from "../src/onnx/read.ts";
import { writeModel } from "../src/onnx/write.ts";
import type { Feeds } from "../src/quantize/observe.ts";
import { quantize } from "../src/quantize/quantize.ts";
import { startWasm } from "../src/runtime/wasm.ts";
import { parseManifest, type Manifest } from "../src/segmenter/manifest.ts";
import { tensor } from "../src/tensor.ts";

/** How the network was trained: it sees (pixel − mean)/std, RGB. The same numbers as in models/training/data.py. */
const mean = [104, 106.4, 108.1];
const std = [77, 78.9, 77.7];

interface Size {
  readonly height: number;
  readonly width: number;
}

/** `count` of the images of these folders, evenly. */
const choose = (folders: readonly string[], count: number): string[] =>
  folders.flatMap((folder, f) => {
    const files = readdirSync(join(folder, "images")).toSorted();
    const share = Math.floor(((f + 1) * count) / folders.length) - Math.floor((f * count) / folders.length);
    const wanted = Math.min(share, files.length);
    return Array.from({ length: wanted }, (_, i) => {
      const at = Math.floor(((i + 0.5) * files.length) / wanted);
      return join(folder, "images", files[at]!);
    });
  });

async function* feedsOf(files: readonly string[], { height, width }: Size, input: string): AsyncGenerator<Feeds> {
  for (const file of files) {
    const image = resizeBilinear(await decodeImage(readFileSync(file), { maxPixels: 2 ** 26 }), [height, width]);
    const plane = height * width;
    const data = image.data.map((v, i) => (v - mean[Math.floor(i / plane)]!) / std[Math.floor(i / plane)]!);
    yield { [input]: tensor("float32", [1, 3, height, width], data) };
  }
}

const open = async (model: Model) => (await startWasm().createSession(writeModel(model))).run;

const manifestOf = (name: string, { graph }: Model, bytes: Uint8Array): Manifest =>
  parseManifest({
    name,
    architecture: "E-Net (Paszke et al. 2016)",
    dataset: "CamVid (11 classes) and Faultline's synthetic street scenes",
    classes: camvidClasses,
    void: 255,
    file: "model.onnx",
    sha256: createHash("sha256").update(bytes).digest("hex"),
    precision: "int8",
    input: {
      name: graph.inputs[0]!.name,
      layout: "NCHW",
      width: "dynamic",
      height: "dynamic",
      multipleOf: 8,
      channels: "RGB",
      mean,
      std,
      scale: 1,
    },
    output: { name: graph.outputs[0]!.name, kind: "logits", stride: 1 },
    metrics: {},
    license: "Apache-2.0",
    source: "Trained by the recipe in models/training, quantised by scripts/quantize.ts",
    citation:
      "A. Paszke, A. Chaurasia, S. Kim, E. Culurciello. ENet: A Deep Neural Network Architecture for Real-Time " +
      "Semantic Segmentation. arXiv 1606.02147, 2016.",
  });

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    calibrate: { type: "string", multiple: true, default: [] },
    images: { type: "string", default: "32" },
    size: { type: "string", default: "360x480" },
    name: { type: "string" },
    out: { type: "string" },
  },
});
const [float] = positionals;
const { name, out, calibrate } = values;
if (float === undefined || name === undefined || out === undefined || calibrate.length === 0)
  throw new Error("FLOAT.onnx, --calibrate DIR, --name NAME and --out DIR are needed");
const [height = 0, width = 0] = values.size.split("x").map(Number);
if (height % 8 !== 0 || width % 8 !== 0 || height <= 0 || width <= 0)
  throw new RangeError(`--size: ${values.size} is not HEIGHTxWIDTH in multiples of 8`);
const count = Number(values.images);
if (!Number.isInteger(count) || count < 1) throw new RangeError(`--images: ${values.images} is no count`);

useNodeCodecs();
const original = readModel(readFileSync(float));
const files = choose(calibrate, count);
const quantized = await quantize(original, {
  feeds: feedsOf(files, { height, width }, original.graph.inputs[0]!.name),
  open,
});
const bytes = writeModel({ ...quantized.model, producer: "faultline" });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "model.onnx"), bytes);
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifestOf(name, original, bytes), null, 2)}\n`);

const kinds = [...quantized.arithmetic.values()];
const tally = (["integer", "weights", "float"] as const).map((k) => `${kinds.filter((v) => v === k).length} ${k}`);
console.log(`${out}: ${bytes.length} bytes from ${files.length} images; convolutions: ${tally.join(", ")}`);
