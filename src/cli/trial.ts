/** Whether a network is what its manifest says: its shapes, and a run forward and back on a small image. */

import { random } from "../random.ts";
import { OnnxError } from "../onnx/graph.ts";
import { load } from "../onnx/load.ts";
import { createBuilder } from "../onnx/build.ts";
import { startWasm } from "../runtime/wasm.ts";
import { networkSize } from "../segmenter/compile.ts";
import { ManifestError } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter, type Image } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { tensorOf } from "../tensor.ts";
import { Refusal } from "./failure.ts";
import { loadAt } from "./loaded.ts";
import { requireGradient } from "./require-gradient.ts";
import type { Size } from "./sizes.ts";

export interface Trial {
  /** Of the image that it was tried on. */
  readonly size: Size;
  readonly forwardMs: number;
  /** null where the gradient was not asked for. */
  readonly gradientMs: number | null;
  readonly warnings: readonly string[];
}

/** Large enough for what networks pool. */
const SMALLEST = 128;

/** A small size that the network takes, and the next one; its own where that is fixed. */
const trialSizes = ({ manifest }: Network): readonly [Size, Size] => {
  const { multipleOf = 1 } = manifest.input;
  const square = (count: number) => networkSize(manifest, { height: count * multipleOf, width: count * multipleOf });
  const count = Math.max(2, Math.ceil(SMALLEST / multipleOf));
  return [square(count), square(count + 1)];
};

const fault = (field: string, message: string): never => {
  throw new ManifestError(`${field}: ${message}`);
};

/** @throws ManifestError where the network has fixed sizes, or further inputs, that the manifest does not tell of. */
const checkInput = ({ manifest: { input }, model: { graph } }: Network): void => {
  const info = graph.inputs.find((v) => v.name === input.name)!;
  for (const [i, side] of (["height", "width"] as const).entries()) {
    const [declared, own] = [input[side], info.shape?.[i + 2]];
    if (typeof own === "number" && declared !== own)
      fault(`input.${side}`, `is ${JSON.stringify(declared)}, but the network's is ${own}`);
  }
  const others = graph.inputs.filter((v) => v.name !== input.name).map((v) => v.name);
  if (others.length > 0)
    fault("input.name", `the network has further inputs, ${others.join(", ")}; one image is all it is given`);
};

/** @throws ManifestError where classes or stride are not what the network gives. */
const checkOutput = (network: Network, size: Size): void => {
  const { output, classes } = network.manifest;
  const shape = outputShape(network, size);
  const [batch, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || batch !== 1)
    fault("output.name", `"${output.name}" is [${shape.join(", ")}], not [1, classes, H, W]`);
  if (channels < classes.length)
    fault("classes", `there are ${classes.length}, but "${output.name}" has ${channels} channels`);
  const strides = [size.height / height, size.width / width].map(Math.round);
  if (strides.some((s) => s !== output.stride)) {
    const given = `an image of ${size.height}x${size.width} gives ${height}x${width}`;
    fault("output.stride", `is ${output.stride}, but ${given}`);
  }
};

/** @throws ManifestError where the network refuses a size that the manifest promises. */
const checkMultiple = (network: Network, size: Size): void => {
  try {
    outputShape(network, size);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    const { multipleOf } = network.manifest.input;
    const declared = multipleOf === undefined ? "is absent" : `is ${multipleOf}`;
    fault("input.multipleOf", `${declared}, but the network refuses ${size.height}x${size.width}: ${cause.message}`);
  }
};

const outputShape = ({ manifest, model }: Network, { height, width }: Size): readonly number[] => {
  const op = createBuilder();
  const image = op.input(manifest.input.name, "float32", [1, 3, height, width]);
  return load(op, model, { [manifest.input.name]: image })[manifest.output.name]!.shape;
};

/** Grey levels at random: no structure, but in the range of pictures. */
const noise = ({ height, width }: Size): Image => {
  const next = random(1);
  return tensorOf(
    "float32",
    [3, height, width],
    Array.from({ length: 3 * height * width }, () => 256 * next()),
  );
};

/** For so long and so often; V8 compiles the runtime's WASM again, and better, while it runs. */
const TIMED_MS = 3000;
const TIMED_RUNS = 30;

/** The least time of several runs after the first, which makes the session. */
const timed = async <T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> => {
  const result = await run();
  const begin = performance.now();
  let ms = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMED_RUNS && (i === 0 || performance.now() - begin < TIMED_MS); i++) {
    const start = performance.now();
    await run();
    ms = Math.min(ms, performance.now() - start);
  }
  return { result, ms };
};

/** All that WASM can address, nearly. */
const BUDGET_BYTES = 2 ** 31;

/**
 * @param withGradient whether the network must have one.
 * @throws ManifestError, OnnxError, RuntimeError; Refusal where a run gives what no segmentation is.
 */
export const tryNetwork = async (
  network: Network,
  withGradient: boolean,
  progress: (text: string) => void,
): Promise<Trial> => {
  const [size, next] = trialSizes(network);
  checkInput(network);
  checkOutput(network, size);
  checkMultiple(network, next);
  const where = `${size.height}x${size.width}`;
  if (withGradient) checkGradient(network, size);
  const image = noise(size);
  const cache = new SessionCache(startWasm(), BUDGET_BYTES);
  const segmenter = createSegmenter(network, cache);

  progress(`a forward run at ${where}`);
  const forward = await timed(() => segmenter.predict(image));
  const { labels, confidence } = forward.result;
  if (!confidence.data.every((v) => v > 0 && v <= 1.0001))
    throw new Refusal(
      `the forward run on noise at ${where} gives confidences that are not within 0 and 1: its output overflows`,
    );
  const forwardMs = forward.ms;
  if (!withGradient) return { size, forwardMs, gradientMs: null, warnings: [] };

  progress(`a gradient run at ${where}`);
  const objective = segmenter.objective({ kind: "away", labels });
  const { result, ms } = await timed(() => objective(image));
  if (!result.gradient.data.every(Number.isFinite))
    throw new Refusal(`the gradient on noise at ${where} is not finite`);
  const zero = result.gradient.data.every((v) => v === 0);
  return {
    size,
    forwardMs,
    gradientMs: ms,
    warnings: zero ? [`the gradient on noise at ${where} is zero everywhere`] : [],
  };
};

/** @throws Refusal that names what blocks the gradient. */
const checkGradient = ({ manifest, model }: Network, { height, width }: Size): void => {
  const { input, output } = manifest;
  try {
    const loaded = loadAt(model, { [input.name]: [1, 3, height, width] });
    requireGradient(loaded, output.name, [input.name], () => undefined);
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    throw new Refusal(`${cause.message}; --forward-only stores it all the same`, { cause });
  }
};
