/**
 * A float network to the one that ships: model.onnx and manifest.json in a folder of their own.
 *
 *     npx tsx scripts/quantize.ts FLOAT.onnx --calibrate DIR [--calibrate DIR2] [--images 32] [--size 360x480]
 *         --manifest TEMPLATE.json --out models/NAME
 *
 * TEMPLATE is the manifest of the float network; its mean, std, channels and scale prepare the calibration images, and all
 * but file, sha256 and precision goes into the new one as it is.
 *
 * Each DIR has a folder `images`; the same images are taken every time: `--images` in all, evenly from each DIR and over
 * its sorted names.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
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

/** Images as the network wants them: (scale·pixel − mean)/std, in its order of channels. */
async function* feedsOf(files: readonly string[], { height, width }: Size, { input }: Manifest): AsyncGenerator<Feeds> {
  const { name, channels, mean, std, scale } = input;
  for (const file of files) {
    const image = resizeBilinear(await decodeImage(readFileSync(file), { maxPixels: 2 ** 26 }), [height, width]);
    const plane = height * width;
    const data = image.data.map((_, i) => {
      const channel = Math.floor(i / plane);
      const from = channels === "RGB" ? channel : 2 - channel;
      return (scale * image.data[from * plane + (i % plane)]! - mean[channel]!) / std[channel]!;
    });
    yield { [name]: tensor("float32", [1, 3, height, width], data) };
  }
}

const open = async (model: Model) => (await startWasm().createSession(writeModel(model))).run;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    calibrate: { type: "string", multiple: true, default: [] },
    images: { type: "string", default: "32" },
    size: { type: "string", default: "360x480" },
    manifest: { type: "string" },
    out: { type: "string" },
  },
});
const [float] = positionals;
const { manifest: template, out, calibrate } = values;
if (float === undefined || template === undefined || out === undefined || calibrate.length === 0)
  throw new Error("FLOAT.onnx, --calibrate DIR, --manifest TEMPLATE.json and --out DIR are needed");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const manifest = parseManifest({
  ...(JSON.parse(readFileSync(template, "utf8")) as object),
  file: "model.onnx",
  sha256: sha256(new Uint8Array()),
  precision: "int8",
});
const multiple = manifest.input.multipleOf ?? 1;
const [height = 0, width = 0] = values.size.split("x").map(Number);
if (!(height > 0 && width > 0) || height % multiple !== 0 || width % multiple !== 0)
  throw new RangeError(`--size: ${values.size} is not HEIGHTxWIDTH in multiples of ${multiple}`);
const count = Number(values.images);
if (!Number.isInteger(count) || count < 1) throw new RangeError(`--images: ${values.images} is no count`);

useNodeCodecs();
const original = readModel(readFileSync(float));
const files = choose(calibrate, count);
const quantized = await quantize(original, {
  feeds: feedsOf(files, { height, width }, manifest),
  open,
});
const bytes = writeModel({ ...quantized.model, producer: "faultline" });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "model.onnx"), bytes);
writeFileSync(join(out, "manifest.json"), `${JSON.stringify({ ...manifest, sha256: sha256(bytes) }, null, 2)}\n`);

const kinds = [...quantized.arithmetic.values()];
const tally = (["integer", "weights", "float"] as const).map((k) => `${kinds.filter((v) => v === k).length} ${k}`);
console.log(`${out}: ${bytes.length} bytes from ${files.length} images; convolutions: ${tally.join(", ")}`);
