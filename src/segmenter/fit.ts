/** Checks a network against its manifest: inputs, classes, stride, and the sizes that the network accepts. */

import { createBuilder } from "../onnx/build.ts";
import { OnnxError } from "../onnx/graph.ts";
import { axisOf } from "./adapt.ts";
import { networkSize } from "./size.ts";
import { run } from "./view.ts";
import { channelCount, ManifestError } from "./manifest.ts";
import { requireOnePicture, type Network } from "./network.ts";
import { dimensionsOf, type Size } from "../tensor.ts";
import { counted } from "../counted.ts";

/** A side in pixels that survives the strides of common networks. */
const SMALL = 128;

/** A small size that the network accepts, and the next larger one; the network's own size where that is fixed. */
const trialSizes = ({ manifest }: Network): readonly [Size, Size] => {
  const { multipleOf = 1 } = manifest.input;
  const square = (count: number) => networkSize(manifest, { height: count * multipleOf, width: count * multipleOf });
  const count = Math.max(2, Math.ceil(SMALL / multipleOf));
  return [square(count), square(count + 1)];
};

/** Infers the shape of the logits [1,C,h,w]. @throws ManifestError where the output is not a map of classes. */
const logitsShape = (network: Network, { height, width }: Size): readonly number[] => {
  const op = createBuilder();
  const image = op.input("image", "float32", [1, channelCount(network.manifest.input.channels), height, width]);
  return run(op, network, image).shape;
};

const requireInput = ({ manifest: { input }, model: { graph } }: Network): void => {
  const shape = graph.inputs.find((v) => v.name === input.name)?.shape;
  if (!shape) return;
  const { layout, channels } = input;
  if (shape.length !== layout.length)
    throw new ManifestError(`is ${layout}, but the network's input has ${shape.length} axes`, "input.layout");
  for (const [side, axis] of [
    ["height", "H"],
    ["width", "W"],
  ] as const) {
    const own = shape[axisOf(layout, axis)];
    if (typeof own === "number" && input[side] !== own)
      throw new ManifestError(`is ${JSON.stringify(input[side])}, but the network's is ${own}`, `input.${side}`);
  }
  const [own, count] = [shape[axisOf(layout, "C")], channelCount(channels)];
  if (typeof own === "number" && own !== count) {
    const given = `are ${JSON.stringify(channels)}, ${count}, but the network's input has ${own} by the layout ${layout}`;
    throw new ManifestError(given, "input.channels");
  }
  requireOnePicture(layout, shape);
};

const requireOutput = (network: Network, size: Size, shape: readonly number[]): void => {
  const { output, classes } = network.manifest;
  const [, channels, height, width] = dimensionsOf({ shape }, 4);
  const { name } = network.source;
  if (channels < classes.length) {
    const [given, first] =
      output.activation === "sigmoid"
        ? [channels - 1, ", with the background as one more class first"]
        : [channels, ""];
    const advice = channels === 1 ? '; a single channel is a sigmoid\'s: "activation": "sigmoid"' : "";
    const found = `"${name}" has ${counted(given, "channel")}`;
    throw new ManifestError(`are ${classes.length}, but ${found}${first}${advice}`, "classes");
  }
  if (Math.round(size.height / height) !== output.stride || Math.round(size.width / width) !== output.stride) {
    const given = `an image of ${size.width}×${size.height} gives ${width}×${height}`;
    throw new ManifestError(`is ${output.stride}, but ${given}`, "output.stride");
  }
};

/**
 * Infers the network's shapes at a small size (its own where that is fixed) and at the next, and compares.
 *
 * @returns the first of the two sizes.
 * @throws ManifestError that names the field at fault; OnnxError where the network accepts no image of that size.
 */
export const requireFit = (network: Network): Size => {
  const [size, next] = trialSizes(network);
  requireInput(network);
  requireOutput(network, size, logitsShape(network, size));
  try {
    logitsShape(network, next);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    const { multipleOf } = network.manifest.input;
    const declared = multipleOf === undefined ? "is absent" : `is ${multipleOf}`;
    const refused = `the network refuses ${next.width}×${next.height}: ${cause.message}`;
    throw new ManifestError(`${declared}, but ${refused}`, "input.multipleOf", { cause });
  }
  return size;
};
