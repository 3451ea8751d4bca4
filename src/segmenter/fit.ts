/** Whether a network is what its manifest promises: its inputs, its classes, its stride, the sizes that it takes. */

import { createBuilder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import { load } from "../onnx/load.ts";
import { networkSize } from "./size.ts";
import { ManifestError } from "./manifest.ts";
import type { Network } from "./network.ts";
import { dimensionsOf, type Size } from "../tensor.ts";

/** Large enough for what networks pool. */
const SMALL = 128;

/** A small size that the network takes, and the next one; its own where that is fixed. */
const trialSizes = ({ manifest }: Network): readonly [Size, Size] => {
  const { multipleOf = 1 } = manifest.input;
  const square = (count: number) => networkSize(manifest, { height: count * multipleOf, width: count * multipleOf });
  const count = Math.max(2, Math.ceil(SMALL / multipleOf));
  return [square(count), square(count + 1)];
};

/** The output's shape, inferred. */
const outputShape = ({ manifest, model }: Network, { height, width }: Size): readonly number[] => {
  const op = createBuilder();
  const image = op.input(manifest.input.name, "float32", [1, 3, height, width]);
  return load(op, model, { [manifest.input.name]: image })[manifest.output.name]!.shape;
};

const requireInput = ({ manifest: { input }, model: { graph } }: Network): void => {
  const shape = graph.inputs.find((v) => v.name === input.name)?.shape;
  for (const [i, side] of (["height", "width"] as const).entries()) {
    const own = shape?.[i + 2];
    if (typeof own === "number" && input[side] !== own)
      throw new ManifestError(`is ${JSON.stringify(input[side])}, but the network's is ${own}`, `input.${side}`);
  }
};

const requireOutput = ({ output, classes }: Network["manifest"], size: Size, shape: readonly number[]): void => {
  if (shape.length !== 4 || shape[0] !== 1)
    throw new ManifestError(`"${output.name}" is [${shape.join(", ")}], not [1, classes, H, W]`, "output.name");
  const [, channels, height, width] = dimensionsOf({ shape }, 4);
  if (channels < classes.length)
    throw new ManifestError(`are ${classes.length}, but "${output.name}" has ${channels} channels`, "classes");
  if (Math.round(size.height / height) !== output.stride || Math.round(size.width / width) !== output.stride) {
    const given = `an image of ${size.width}×${size.height} gives ${width}×${height}`;
    throw new ManifestError(`is ${output.stride}, but ${given}`, "output.stride");
  }
};

/**
 * Infers the network's shapes at a small size (its own where that is fixed) and at the next, and compares.
 *
 * @returns the first of the two sizes.
 * @throws ManifestError that names the field at fault; OnnxError where the network takes no such image at all.
 */
export const requireFit = (network: Network): Size => {
  const { manifest } = network;
  const [size, next] = trialSizes(network);
  requireInput(network);
  requireOutput(manifest, size, outputShape(network, size));
  try {
    outputShape(network, next);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    const { multipleOf } = manifest.input;
    const declared = multipleOf === undefined ? "is absent" : `is ${multipleOf}`;
    const refused = `the network refuses ${next.width}×${next.height}: ${cause.message}`;
    throw new ManifestError(`${declared}, but ${refused}`, "input.multipleOf", { cause });
  }
  return size;
};
