/** One view: the image at one scale, fitted to the network, and its logits back at the image's own size. */

import { forBatch, lowerForBatch } from "../lowering/batch.ts";
import type { Builder } from "../onnx/build.ts";
import { load, type Lower } from "../onnx/load.ts";
import type { Value } from "../onnx/value.ts";
import { asInput, asLogits } from "./adapt.ts";
import type { Manifest } from "./manifest.ts";
import type { Network } from "./network.ts";
import { cropped, padded, preprocess, resized } from "./preprocess.ts";
import { nativeSize, networkSize, scaledSize } from "./size.ts";
import { tiled, tileStarts } from "./tiles.ts";
import { type Size, spatialSize } from "../tensor.ts";

type Fit = NonNullable<Manifest["input"]["fit"]>;

/** `seen` is the size of the image at the scale of the view; `run` is the network, from its input to logits of any size. */
type FitImage = (op: Builder, manifest: Manifest, image: Value, seen: Size, run: (x: Value) => Value) => Value;

const fits: Readonly<Record<Fit, FitImage>> = {
  resize: (op, manifest, image, seen, run) => run(preprocess(op, image, manifest, networkSize(manifest, seen))),
  pad: (op, manifest, image, seen, run) => {
    const size = networkSize(manifest, seen);
    const logits = run(padded(op, preprocess(op, image, manifest, seen), size));
    return cropped(op, resized(op, logits, size), seen);
  },
  tile: (op, manifest, image, seen, run) => {
    const tile = networkSize(manifest, seen);
    const x = padded(op, preprocess(op, image, manifest, seen), nativeSize(manifest, seen));
    const logits = tiled(op, x, tile, manifest.input.overlap ?? 0, (part) => resized(op, run(part), tile));
    return cropped(op, logits, seen);
  },
};

/** The logits of the preprocessed images [N,C,h,w], of any size. @throws OnnxError where there are several and the network may mix them. */
export const run = (op: Builder, { manifest, model: own, source }: Network, x: Value, ownLower?: Lower): Value => {
  const batch = x.shape[0]!;
  const [model, lower] = batch === 1 ? [own, ownLower] : [forBatch(own, batch), lowerForBatch(batch, ownLower)];
  const { name } = manifest.input;
  const dtype = model.graph.inputs.find((v) => v.name === name)!.dtype;
  const result = load(op, model, { [name]: asInput(op, x, manifest, dtype) }, lower)[source.name];
  if (!result) throw new RangeError(`the network has no output "${source.name}"`);
  return asLogits(op, result, source, manifest, batch);
};

/** Logits [1,C,H,W] of the image [1,P,H,W], P planes, which the network sees at `scale` times its size. */
export const viewOf = (op: Builder, network: Network, image: Value, scale: number, lower: Lower): Value => {
  const { manifest } = network;
  const size = spatialSize(image);
  const fit = fits[manifest.input.fit ?? "resize"];
  const logits = fit(op, manifest, image, scaledSize(size, scale), (x) => run(op, network, x, lower));
  return resized(op, logits, size);
};

/** The number of runs of the network in a view. */
export const runsOf = (manifest: Manifest, size: Size, scale: number): number => {
  if (manifest.input.fit !== "tile") return 1;
  const seen = scaledSize(size, scale);
  const [tile, whole] = [networkSize(manifest, seen), nativeSize(manifest, seen)];
  const { overlap = 0 } = manifest.input;
  const count = (side: keyof Size) => tileStarts(whole[side], tile[side], overlap).length;
  return count("height") * count("width");
};
