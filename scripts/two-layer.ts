/**
 * Writes a network of two convolutions and its manifest: one that is shallow enough for deterministic bounds to certify much of a picture.
 *
 *     npx tsx scripts/two-layer.ts OUT.onnx
 *
 * The first convolution takes random differences of colour means over 7×7 pixels, a Relu bends them, and the second is fitted to the labels of synthetic
 * streets by ridge regression, in closed form: random features (Rahimi and Recht, NeurIPS 2007).
 */

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { camvidClasses } from "../src/datasets/camvid-classes.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import { createBuilder } from "../src/onnx/build.ts";
import type { Model } from "../src/onnx/graph.ts";
import { writeModel } from "../src/onnx/write.ts";
import { between, normal, random } from "../src/random.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { tensorOf } from "../src/tensor.ts";

const [FEATURES, KERNEL, STRIDE, SCENES] = [64, 7, 4, 40] as const;
/** Of the ridge, for each example. */
const RIDGE = 1e-4;
const size = { width: 240, height: 176 };
const input = { mean: [104, 106.4, 108.1], std: [77, 78.9, 77.7] };
const classes = camvidClasses.length;

const next = random(1);
const colours = Array.from({ length: FEATURES }, () => [0, 1, 2].map(() => normal(next)));
const biases = Array.from({ length: FEATURES }, () => between(next, -1.5, 1.5));

/** The features of the window around each STRIDE-th pixel, with a one for the bias, and the label of that pixel; void is left out. */
const examplesOf = (seed: number): { readonly x: Float64Array; readonly label: number }[] => {
  const { image, labels } = renderStreet(seed, size, rasterise);
  const examples: { x: Float64Array; label: number }[] = [];
  const reach = KERNEL >> 1;
  for (let y = reach; y < size.height - reach; y += STRIDE)
    for (let x = reach; x < size.width - reach; x += STRIDE) {
      const label = labels.data[y * size.width + x]!;
      if (label >= classes) continue;
      const mean = [0, 1, 2].map((plane) => {
        let sum = 0;
        for (let dy = -reach; dy <= reach; dy++)
          for (let dx = -reach; dx <= reach; dx++)
            sum += image.data[(plane * size.height + y + dy) * size.width + x + dx]!;
        return (sum / KERNEL ** 2 - input.mean[plane]!) / input.std[plane]!;
      });
      const features = colours.map((w, f) =>
        Math.max(0, w[0]! * mean[0]! + w[1]! * mean[1]! + w[2]! * mean[2]! + biases[f]!),
      );
      examples.push({ x: Float64Array.from([...features, 1]), label });
    }
  return examples;
};

/** The solution of A·W = B by elimination, for a positive definite A [n,n] and B [n,m]. */
const solved = (a: Float64Array[], b: Float64Array[]): Float64Array[] => {
  const n = a.length;
  for (let i = 0; i < n; i++)
    for (let r = i + 1; r < n; r++) {
      const factor = a[r]![i]! / a[i]![i]!;
      for (let c = i; c < n; c++) a[r]![c]! -= factor * a[i]![c]!;
      for (let c = 0; c < b[r]!.length; c++) b[r]![c]! -= factor * b[i]![c]!;
    }
  for (let i = n - 1; i >= 0; i--)
    for (let c = 0; c < b[i]!.length; c++) {
      for (let k = i + 1; k < n; k++) b[i]![c]! -= a[i]![k]! * b[k]![c]!;
      b[i]![c]! /= a[i]![i]!;
    }
  return b;
};

/** [FEATURES + 1, classes]: least squares of one-hot labels. */
const fitted = (): Float64Array[] => {
  const zeros = (columns: number) => Array.from({ length: FEATURES + 1 }, () => new Float64Array(columns));
  const [gram, moments] = [zeros(FEATURES + 1), zeros(classes)];
  let count = 0;
  for (let seed = 0; seed < SCENES; seed++)
    for (const { x, label } of examplesOf(4_000_000 + seed)) {
      count += 1;
      for (let i = 0; i <= FEATURES; i++) {
        moments[i]![label]! += x[i]!;
        for (let j = 0; j <= FEATURES; j++) gram[i]![j]! += x[i]! * x[j]!;
      }
    }
  for (let i = 0; i <= FEATURES; i++) gram[i]![i]! += RIDGE * count;
  return solved(gram, moments);
};

const modelOf = (weights: readonly Float64Array[]): Model => {
  const op = createBuilder("two_layer");
  const image = op.input("image", "float32", [1, 3, 32, 32]);
  const area = KERNEL ** 2;
  const first = colours.flatMap((w) => w.flatMap((v) => Array.from({ length: area }, () => v / area)));
  const second = Array.from({ length: classes }, (_, c) => weights.slice(0, FEATURES).map((row) => row[c]!)).flat();
  const pad = KERNEL >> 1;
  const constant = (shape: readonly number[], values: ArrayLike<number>, name: string) =>
    op.tensor(tensorOf("float32", shape, values), name);
  const features = op.Conv(
    image,
    constant([FEATURES, 3, KERNEL, KERNEL], first, "colours"),
    constant([FEATURES], biases, "biases"),
    { strides: [STRIDE, STRIDE], pads: [pad, pad, pad, pad] },
  );
  const logits = op.Conv(
    op.Relu(features),
    constant([classes, FEATURES, 1, 1], second, "classes"),
    constant([classes], weights[FEATURES]!, "priors"),
  );
  const model = op.model({ logits });
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape: [1, 3, "height", "width"] }));
  return {
    ...model,
    graph: { ...model.graph, inputs, outputs: model.graph.outputs.map((v) => ({ ...v, shape: null })) },
  };
};

const [out = ""] = process.argv.slice(2);
if (!out.endsWith(".onnx")) throw new Error("name the file to write: OUT.onnx");
const bytes = writeModel(modelOf(fitted()));
const manifest = parseManifest({
  name: "two-layer",
  architecture: "Two convolutions, random features",
  dataset: "synthetic street scenes",
  classes: camvidClasses.map(({ name, color }) => ({ name, color })),
  void: 255,
  file: basename(out),
  sha256: createHash("sha256").update(bytes).digest("hex"),
  precision: "fp32",
  input: {
    name: "image",
    layout: "NCHW",
    width: "dynamic",
    height: "dynamic",
    multipleOf: STRIDE,
    channels: "RGB",
    ...input,
    scale: 1,
  },
  output: { name: "logits", kind: "logits", stride: STRIDE },
  metrics: {},
  license: "Apache-2.0",
  source: "scripts/two-layer.ts",
  citation: "A. Rahimi, B. Recht. Random Features for Large-Scale Kernel Machines. NeurIPS 2007.",
});
writeFileSync(out, bytes);
writeFileSync(out.replace(/\.onnx$/, ".json"), `${JSON.stringify(manifest, null, 2)}\n`);
