/** Runs the network, or each of an ensemble, on an image at several scales and fuses the logits. */

import { lowerForGradient, lowerForward } from "../lowering/wasm/rewrites.ts";
import type { Builder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Value } from "../onnx/value.ts";
import type { Manifest } from "./manifest.ts";
import { membersOf, type Network } from "./network.ts";
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

/** Maximum number of nodes of all copies of the networks together; compiling more takes too long. */
const MAX_NODES = 2 ** 14;

/** @param most nodes of all copies of this network. */
const requireFewNodes = ({ manifest, model }: Network, scales: readonly number[], size: Size, most: number): void => {
  const runs = scales.reduce((sum, scale) => sum + runsOf(manifest, size, scale), 0);
  const nodes = model.graph.nodes.length;
  if (runs === 1 || runs * nodes <= most) return;
  const field = manifest.input.fit === "tile" ? "input.fit" : "scales";
  throw new OnnxError(
    `an image of ${size.width}×${size.height} takes ${runs} runs of the network; at most ${Math.floor(most / nodes)} are taken`,
    field,
  );
};

/** The logits of the classes alone, which all members of an ensemble have. */
const ofClasses = (op: Builder, logits: Value, classes: number): Value =>
  logits.shape[1] === classes ? logits : op.Slice(logits, op.ints([0]), op.ints([classes]), op.ints([1]));

/**
 * Logits [1,C,H,W] of the image [1,3,H,W]; of an ensemble, the mean of its networks' (Dong et al. 2018, section 3.4).
 *
 * @throws OnnxError where a network does not accept an image of that size.
 */
export const logitsOf = (op: Builder, network: Network, image: Value, purpose: Purpose): Value => {
  const members = membersOf(network);
  const lower = purpose === "gradient" ? lowerForGradient : lowerForward;
  const each = members.map((member) => {
    const { scales = [1], fusion = "max" } = member.manifest;
    requireFewNodes(member, scales, spatialSize(image), MAX_NODES / members.length);
    const views = scales.map((scale) => viewOf(op, member, image, scale, lower));
    return fused(op, views, fusion, purpose);
  });
  if (each.length === 1) return each[0]!;
  const { length } = network.manifest.classes;
  const alike = each.map((logits) => ofClasses(op, logits, length));
  return fused(op, alike, "mean", purpose);
};
