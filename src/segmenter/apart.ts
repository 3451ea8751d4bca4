/** The images of a batch, each with logits of its own, so that objectives are of one image and no sum is over several. */

import { gradient } from "../autodiff/gradient.ts";
import type { Builder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import type { Step } from "../onnx/step.ts";
import type { Value } from "../onnx/value.ts";

export interface Apart {
  /** The logits [1,C,H,W] of each image, or [N,C,H,W] of all. */
  readonly images: readonly Value[];
  /** What all of them are parts of. */
  readonly whole: Value;
  /** The cotangent of `whole`, of those of one value of each image, from which its logits are made or which is made of them. */
  readonly joined: (values: readonly Value[], cotangents: readonly Value[]) => Value;
}

/** One value after another along the first axis. */
export const inOrder = (op: Builder, values: readonly Value[]): Value =>
  values.length === 1 ? values[0]! : op.Concat(...values, { axis: 0 });

/** The images of a batch, [1,…] each. */
export const split = (op: Builder, whole: Value): readonly Value[] => {
  const count = whole.shape[0]!;
  return count === 1 ? [whole] : op.append("Split", [whole], { axis: 0, num_outputs: count }, count);
};

/** Whether it moves pixels within an image alone, which `pixelsOf` goes back through. */
const isRearrangement = (step: Step | undefined): step is Step =>
  step !== undefined && ["DepthToSpace", "Slice"].includes(step.node.op);

/**
 * Takes logits [N,C,H,W] apart where their pixels are made: before they are rearranged, so that this is done for each image.
 *
 * @param inOne whether all images stay one.
 */
export const apart = (op: Builder, logits: Value, inOne: boolean): Apart => {
  let whole = logits;
  const moves: Step[] = [];
  for (let step = op.producer(whole); isRearrangement(step); step = op.producer(whole)) {
    moves.unshift(step);
    whole = step.inputs[0]!;
  }
  if (whole.shape[0] !== logits.shape[0])
    throw new OnnxError("mixes the images of a batch", "the network's last operator");
  const parts = inOne ? [whole] : split(op, whole);
  const moved = (part: Value): Value =>
    moves.reduce((x, { node, inputs }) => op.appendNode(node.op, [x, ...inputs.slice(1)], node.attributes)[0]!, part);
  return {
    images: parts.map(moved),
    whole,
    joined: (values, cotangents) =>
      inOrder(
        op,
        parts.map((part, i) => gradient(op, values[i]!, [part], cotangents[i])[0]!),
      ),
  };
};
