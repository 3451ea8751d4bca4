/** Tries a network against its manifest: its shapes, and a forward run and a gradient on a small image. */

import { crossEntropyObjective } from "../objectives/cross-entropy.ts";
import { random } from "../random.ts";
import type { Choice } from "../runtime/choose.ts";
import type { Runtime } from "../runtime/session.ts";
import { inputShape } from "../segmenter/adapt.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { requireProbabilities } from "../segmenter/describe/probabilities.ts";
import { requireFit } from "../segmenter/fit.ts";
import { channelCount } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter, type Image } from "../segmenter/segmenter.ts";
import { loadAt } from "../segmenter/differentiate/loaded.ts";
import { requireGradient } from "../segmenter/differentiate/require-gradient.ts";
import { type Size, tensorOf } from "../tensor.ts";
import { Refusal } from "../node/failure.ts";
import { cacheOn, startAt, type Place } from "./backend.ts";
import { refusingInFlags } from "./flags.ts";

export interface Trial {
  /** Size of the trial image. */
  readonly size: Size;
  readonly forwardMs: number;
  /** Null where no gradient was requested. */
  readonly gradientMs: number | null;
  readonly warnings: readonly string[];
  /** The backend, and why it was chosen. */
  readonly choice: Choice;
}

/** An image of random grey levels. */
const noise = (planes: number, { height, width }: Size): Image => {
  const next = random(1);
  return tensorOf(
    "float32",
    [planes, height, width],
    Array.from({ length: planes * height * width }, () => 256 * next()),
  );
};

/** Duration and number of repetitions of a timing; V8 optimises the runtime's WASM while it runs. */
const TIMED_MS = 3000;
const TIMED_RUNS = 30;

/** The minimum time of several runs after the first, which creates the session. */
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

/**
 * @param withGradient whether the network must have one.
 * @throws ManifestError, OnnxError, RuntimeError; Refusal where the result of a run is not a segmentation.
 */
export const tryNetwork = async (
  network: Network,
  withGradient: boolean,
  place: Place,
  progress: (text: string) => void,
): Promise<Trial> => {
  const { crf } = network.manifest;
  const missing = () => gpuFaults(network, crf ? { parameters: crf, attacked: true } : null);
  const { runtime, choice, stop } = await startAt(place, { missing });
  try {
    return { ...(await tryOn(runtime, network, withGradient, progress)), choice };
  } finally {
    await stop();
  }
};

const tryOn = async (
  runtime: Runtime,
  network: Network,
  withGradient: boolean,
  progress: (text: string) => void,
): Promise<Omit<Trial, "choice">> => {
  const size = requireFit(network);
  const where = `${size.height}x${size.width}`;
  if (withGradient) checkGradient(network, size);
  const image = noise(channelCount(network.manifest.input.channels), size);
  const cache = cacheOn(runtime);
  const segmenter = createSegmenter(network, cache);
  if (runtime.backend !== "webgpu") await requireProbabilities(network, image, cache);

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
  const objective = segmenter.objective({ objective: crossEntropyObjective(false), labels });
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

/** @throws Refusal that names the nodes that block the gradient. */
const checkGradient = ({ manifest, model, source }: Network, size: Size): void => {
  const { input } = manifest;
  try {
    refusingInFlags(() =>
      requireGradient(loadAt(model, { [input.name]: inputShape(manifest, size) }), source.name, [input.name]),
    );
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    throw new Refusal(`${cause.message}; --forward-only stores it all the same`, { cause });
  }
};
