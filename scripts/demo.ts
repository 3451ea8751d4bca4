/** `npm run demo`: the Worker in workerd, the street picture, Iterative FGSM II at ε = 8; a table and pictures. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CleanAndAdversarial } from "../src/evaluation/scores.ts";
import { decodeImage } from "../src/image/decode.ts";
import { encodePng } from "../src/image/encode.ts";
import { spatialSize, tensor, type Tensor } from "../src/tensor.ts";
import { buildWorker, startWorker } from "./workerd.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "out/demo");
const spec = {
  attack: "ifgsm-ii",
  epsilon: 8,
  images: ["adversarial", "perturbation", "labels-before", "labels-after"],
};

/** What the demo reads of /v1/attack's answer. */
interface Answer {
  readonly scores: {
    readonly uint8: {
      readonly iouRatio: number;
      readonly miou: CleanAndAdversarial;
      readonly pixelAccuracy: CleanAndAdversarial;
      readonly perClass: readonly (CleanAndAdversarial & { readonly name: string })[];
    };
  };
  readonly perturbation: { readonly uint8: { readonly linf: number; readonly psnr: number; readonly ssim: number } };
  readonly steps: readonly { readonly step: number; readonly loss: number; readonly changedPixelShare: number }[];
  readonly images: Readonly<Record<string, { readonly data: string }>>;
}

const percent = (v: number | null): string => (v === null ? "–" : `${(100 * v).toFixed(1)} %`).padStart(8);

const report = ({ scores, perturbation, steps }: Answer): void => {
  const { iouRatio, miou, pixelAccuracy, perClass } = scores.uint8;
  console.log("\nIoU             before    after");
  for (const { name, clean, adversarial } of perClass)
    console.log(`${name.padEnd(12)} ${percent(clean)} ${percent(adversarial)}`);
  console.log(`${"mIoU".padEnd(12)} ${percent(miou.clean)} ${percent(miou.adversarial)}`);
  console.log(`${"pixels right".padEnd(12)} ${percent(pixelAccuracy.clean)} ${percent(pixelAccuracy.adversarial)}`);
  const { linf, psnr, ssim } = perturbation.uint8;
  console.log(
    `\nIoU ratio ${iouRatio.toFixed(3)} after ${steps.length} steps; no pixel moved by more than ${linf} of 255 (PSNR ${psnr.toFixed(1)} dB, SSIM ${ssim.toFixed(3)}).`,
  );
};

type Picture = Tensor<"float32">;

/** Two by two: clean, adversarial; labels before, labels after. */
const panel = (pictures: readonly Picture[]): Picture => {
  const { height, width } = spatialSize(pictures[0]!);
  const data = new Float32Array(12 * height * width);
  for (const [k, picture] of pictures.entries()) {
    for (let row = 0; row < 3 * height; row++) {
      const [channel, y] = [Math.floor(row / height), row % height];
      const to = ((channel * 2 + Math.floor(k / 2)) * height + y) * 2 * width + (k % 2) * width;
      data.set(picture.data.subarray(row * width, (row + 1) * width), to);
    }
  }
  return tensor("float32", [3, 2 * height, 2 * width], data);
};

const main = async (): Promise<void> => {
  console.log("Building the Worker …");
  buildWorker();
  const worker = startWorker();
  const url = new URL("/v1/attack", await worker.ready);
  console.log(`Running in workerd. POST ${url.pathname} with examples/street.png and ${JSON.stringify(spec)} …`);
  const form = new FormData();
  const part = (name: string) => new Blob([readFileSync(join(root, "examples", name))], { type: "image/png" });
  form.set("image", part("street.png"), "street.png");
  form.set("labels", part("street-labels.png"), "street-labels.png");
  form.set("spec", JSON.stringify(spec));
  const response = await fetch(url, { method: "POST", body: form });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const answer = (await response.json()) as Answer;
  await worker.dispose();

  report(answer);
  mkdirSync(out, { recursive: true });
  const files = Object.entries(answer.images).map(([name, { data }]) => [name, Buffer.from(data, "base64")] as const);
  for (const [name, bytes] of files) writeFileSync(join(out, `${name}.png`), bytes);
  const bytes = new Map(files);
  const shown = [
    readFileSync(join(root, "examples/street.png")),
    ...["adversarial", "labels-before", "labels-after"].map((n) => bytes.get(n)!),
  ];
  const pictures = await Promise.all(shown.map((file) => decodeImage(file, { maxPixels: 2 ** 24 })));
  writeFileSync(join(out, "panel.png"), encodePng(panel(pictures)));
  console.log(`\nPictures are in out/demo: ${[...bytes.keys(), "panel"].map((n) => `${n}.png`).join(", ")}.`);
};

await main();
