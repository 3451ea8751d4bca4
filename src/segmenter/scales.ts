/** Runs the network on an image at several scales and fuses the logits. */

import { lowerForGradient, lowerForward } from "../lowering/wasm/rewrites.ts";
import type { Builder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import type { Manifest } from "./manifest.ts";
import type { Network } from "./network.ts";
import { runsOf, viewOf } from "./view.ts";
import { type Size, spatialSize } from "../tensor.ts";

/** The purpose of a graph, on which its form depends. */
export type Purpose = "forward" | "gradient";

type Fusion = NonNullable<Manifest["fusion"]>;

/** Fuses one view with those that are fused already. */
type Fuse = (op: Builder, view: Value, rest: Value) => Value;

/**
 * The elementwise maximum. In a gradient graph it is written b + relu(a − b): its backward pass keeps a mask of one byte per element, where
 * that of Max keeps both maps and the result. At equal elements the gradient goes to `rest`.
 */
const largest: Readonly<Record<Purpose, Fuse>> = {
  forward: (op, view, rest) => op.Max(view, rest),
  gradient: (op, view, rest) => op.Add(rest, op.Relu(op.Sub(view, rest))),
};

/**
 * As in DeepLab v2 (Chen et al. 2017, section 3.2): networks that share their weights each give a score map, bilinearly
 * enlarged to the image's size, and at each position the largest response over the scales is taken. The mean is the
 * average pooling of Attention to Scale (Chen et al. 2016). Fusion starts with the last view, which is the largest where scales
 * ascend, so that it runs while no other map is in memory (see `blended`).
 */
const fused = (op: Builder, views: readonly Value[], fusion: Fusion, purpose: Purpose): Value => {
  if (views.length === 1) return views[0]!;
  if (fusion === "max") return views.reduceRight((rest, view) => largest[purpose](op, view, rest));
  const sum = views.reduceRight((rest, view) => op.Add(view, rest));
  return op.Mul(sum, op.constant(1 / views.length));
};

/** Maximum number of nodes of all copies of the network together; compiling more takes too long. */
const MAX_NODES = 2 ** 14;

const requireFewNodes = ({ manifest, model }: Network, scales: readonly number[], size: Size): void => {
  const runs = scales.reduce((sum, scale) => sum + runsOf(manifest, size, scale), 0);
  const nodes = model.graph.nodes.length;
  if (runs === 1 || runs * nodes <= MAX_NODES) return;
  const [most, field] = [Math.floor(MAX_NODES / nodes), manifest.input.fit === "tile" ? "input.fit" : "scales"];
  throw new OnnxError(
    `an image of ${size.width}×${size.height} takes ${runs} runs of the network; at most ${most} are taken`,
    field,
  );
};

/** Logits [1,C,H,W] of the image [1,3,H,W]. @throws OnnxError where the network does not accept an image of that size. */
export const logitsOf = (op: Builder, network: Network, image: Value, purpose: Purpose): Value => {
  const { scales = [1], fusion = "max" } = network.manifest;
  requireFewNodes(network, scales, spatialSize(image));
  const lower = purpose === "gradient" ? lowerForGradient : lowerForward;
  const views = scales.map((scale) => viewOf(op, network, image, scale, lower));
  return fused(op, views, fusion, purpose);
};
