/**
 * An ascent that stays on the GPU: gradients by onnxruntime, steps by our kernel, on one device. Between steps nothing is read
 * back but what the caller asks for.
 */

import { writeModel } from "../onnx/write.ts";
import type { Gpu, Launch } from "../runtime/gpu.ts";
import { signStep } from "../runtime/gpu-steps.ts";
import { RuntimeError } from "../runtime/session.ts";
import type { GpuTensor, ResidentSession, WebGpuRuntime } from "../runtime/webgpu.ts";
import { tensor } from "../tensor.ts";
import { compileGradient } from "./compile.ts";
import type { Network } from "./network.ts";
import type { Goal, Image } from "./segmenter.ts";

/** Where it runs. `gpu` has the runtime's device. */
export interface Device {
  readonly runtime: WebGpuRuntime;
  readonly gpu: Gpu;
}

/** On the device, where the step starts; they hold until the next one. */
export interface ResidentEvaluation {
  /** Counts from 1. */
  readonly step: number;
  /** [1,3,H,W], after the step. */
  readonly image: GpuTensor<"float32">;
  /** Of the objective's loss, [1,3,H,W]. */
  readonly gradient: GpuTensor;
  /** uint8 [1,H,W]: the prediction before the step. */
  readonly labels: GpuTensor;
  /** float32 []: the cross-entropy, summed over the pixels. */
  readonly loss: GpuTensor;
}

export interface ResidentAscent {
  readonly goal: Goal;
  /** The ends of the ε-ball met with the pixel range, shaped as the image. */
  readonly low: Float32Array<ArrayBuffer>;
  readonly high: Float32Array<ArrayBuffer>;
  /** Step size in grey levels; a float32. */
  readonly alpha: number;
  readonly steps: number;
  /** Whether the graph's commands are recorded and replayed; default yes. */
  readonly capture?: boolean;
  /** Awaited after each step, e.g. to score the labels there. */
  readonly onStep?: ((evaluation: ResidentEvaluation) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Frees what was made, the last first, whether or not the work succeeds. */
const withResources = async <T>(work: (own: (free: () => unknown) => void) => Promise<T>): Promise<T> => {
  const made: (() => unknown)[] = [];
  try {
    return await work((free) => made.push(free));
  } finally {
    for (const free of made.toReversed()) await free();
  }
};

/**
 * x ← min(max(x + α·sign ∇, low), high), `steps` times, as `ascend` with the sign does it: towards the goal's labels, or away.
 *
 * @param image float32 [3,H,W], where it starts.
 * @returns the image after the last step.
 * @throws RuntimeError where the network does not run wholly on the GPU, or its output overflows; DeviceLostError.
 */
export const ascendOnDevice = (
  { runtime, gpu }: Device,
  network: Network,
  image: Image,
  { goal, low, high, alpha, steps, capture = true, onStep, signal }: ResidentAscent,
): Promise<Image> =>
  withResources(async (own) => {
    const [, height = 0, width = 0] = image.shape;
    const labels = goal.kind === "least-likely" ? null : goal.labels;
    const { model } = compileGradient(
      network,
      { height, width },
      labels ? "given" : "least-likely",
      Infinity,
      "webgpu",
    );
    const session = await runtime.createResidentSession(writeModel(model), { capture });
    own(session.release);
    const placed = async <D extends "float32" | "int32">(dtype: D, data: Parameters<typeof gpu.upload<D>>[1]) => {
      const array = await gpu.upload(dtype, data);
      own(() => array.buffer.destroy());
      return array;
    };
    const x = { ...(await placed("float32", image.data)), shape: [1, ...image.shape] };
    const ends = { low: await placed("float32", low), high: await placed("float32", high) };
    const target = labels && { ...(await placed("int32", Int32Array.from(labels.data))), shape: [1, height, width] };
    const feeds = { image: x, ...(target && { target }) };

    const along = goal.kind === "away" ? alpha : -alpha;
    const launches = new Map<GPUBuffer, Launch>();
    const stepOn = async (gradient: GpuTensor): Promise<Launch> => {
      const known = launches.get(gradient.buffer);
      const floats = { ...gradient, dtype: "float32" } as const;
      const launch = known ?? (await signStep(gpu, { x, gradient: floats, ...ends, alpha: along }));
      if (!known) own(launch.release);
      launches.set(gradient.buffer, launch);
      return launch;
    };
    const evaluation = async (step: number): Promise<ResidentEvaluation> => {
      const { gradient, labels: predicted, loss } = await runOf(session, feeds);
      await gpu.run(await stepOn(gradient));
      return { step, image: x, gradient, labels: predicted, loss };
    };

    for (let step = 1; step <= steps; step++) {
      signal?.throwIfAborted();
      const at = await evaluation(step);
      await onStep?.(at);
      if (step === steps) await requireFinite(gpu, at.loss);
    }
    return tensor("float32", image.shape, await gpu.read(x));
  });

const runOf = async (session: ResidentSession, feeds: Readonly<Record<string, GpuTensor>>) => {
  const { gradient, labels, loss } = await session.run(feeds);
  if (!gradient || !labels || !loss) throw new RuntimeError("the graph has no gradient, labels and loss");
  return { gradient, labels, loss };
};

/** An overflow stays: a gradient of NaNs makes the image one of NaNs. */
const requireFinite = async (gpu: Gpu, loss: GpuTensor): Promise<void> => {
  const [total = Number.NaN] = await gpu.read(loss);
  if (!Number.isFinite(total)) throw new RuntimeError(`the network's loss is ${total}: its output overflows`);
};
