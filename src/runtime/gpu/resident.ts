/**
 * Ascents that stay on the GPU: gradients by onnxruntime, steps and scores by our kernels, on one device. Between steps only the
 * reports that the caller requests are read back.
 */

import type { DataOf, Tensor } from "../../tensor.ts";
import { classIou, confusion, confusionLength, type DeviceScores } from "./labels.ts";
import { lookAhead, perturbationStats, signStep } from "./steps.ts";
import { clear, sequence, type Gpu, type GpuArray, type Launch } from "./gpu.ts";
import type { ElementType } from "./shader.ts";
import { RuntimeError, type AscentRequest, type AscentStep } from "../session.ts";
import type { GpuTensor, ResidentSession, WebGpuRuntime } from "../webgpu/webgpu.ts";

/** A device with its runtime and kernels; `gpu` uses the runtime's device. */
export interface Device {
  readonly runtime: WebGpuRuntime;
  readonly gpu: Gpu;
}

interface Evaluated {
  readonly gradient: GpuArray<"float32">;
  readonly loss: GpuArray<"float32">;
  readonly labels: GpuArray<"uint8">;
}

/** All that an ascent carries from one step to the next: what it takes to continue it on another device. */
export interface Held {
  readonly image: Float32Array<ArrayBuffer>;
  /** The accumulated gradient, where the ascent has a momentum; absent before the first step, when it is 0. */
  readonly momentum?: Float32Array<ArrayBuffer> | undefined;
}

/** An image on the device, and the operations on it. */
export interface Climber {
  /** Makes one step. @returns its report, where `report` requests one, else null. */
  readonly step: (step: number, report: boolean) => Promise<AscentStep | null>;
  readonly image: () => Promise<Float32Array<ArrayBuffer>>;
  /** Reads back where the ascent stands. */
  readonly held: () => Promise<Held>;
  /** @throws RuntimeError where the last step's loss is not finite, in which case the gradient is not either. */
  readonly requireFinite: () => Promise<void>;
}

/** Resources that are freed together, the latest first. */
export class Owned {
  readonly #made: (() => unknown)[] = [];
  own(free: () => unknown): void {
    this.#made.push(free);
  }
  async free(): Promise<void> {
    for (const free of this.#made.splice(0).toReversed()) await free();
  }
}

const requireLoss = (loss: number | undefined): number => {
  if (loss !== undefined && Number.isFinite(loss)) return loss;
  throw new RuntimeError(`the network's loss is ${loss}: its output overflows`);
};

/** A session with its input tensors: a captured graph reads the same buffers in every run. */
export interface Fed {
  readonly session: ResidentSession;
  readonly feeds: Map<string, GpuTensor>;
}

/** Writes a tensor to the buffer of its name, which is created at first. */
const fed = async (gpu: Gpu, { feeds }: Fed, name: string, { dtype, shape, data }: Tensor): Promise<GpuTensor> => {
  if (dtype !== "float32" && dtype !== "int32")
    throw new RuntimeError(`input "${name}" is ${dtype}, not float32 or int32`);
  const known = feeds.get(name);
  if (known) await gpu.write(known as GpuTensor<typeof dtype>, data as Float32Array<ArrayBuffer>);
  const tensor = known ?? { ...(await gpu.upload(dtype, data as Float32Array<ArrayBuffer>)), shape };
  feeds.set(name, tensor);
  return tensor;
};

/**
 * A climber that continues from what `held` says.
 *
 * @param owned receives the resources to free.
 * @throws RuntimeError, DeviceLostError
 */
export const climberOn = async (
  gpu: Gpu,
  at: Fed,
  request: AscentRequest,
  held: Held,
  owned: Owned,
): Promise<Climber> => {
  const { feeds, reference } = request;
  const placed: Place = async (dtype, data) => {
    const array = await gpu.upload(dtype, data);
    owned.own(() => array.buffer.destroy());
    return array;
  };
  const { session } = at;
  const started: Readonly<Record<string, Tensor>> = { ...feeds, image: { ...feeds["image"]!, data: held.image } };
  for (const name of session.inputs) if (started[name]) await fed(gpu, at, name, started[name]);
  const { x, m, steps } = await stepper(
    gpu,
    at.feeds.get("image") as GpuTensor<"float32">,
    request,
    held,
    placed,
    owned,
  );
  const score = reference && (await scorer(gpu, reference, placed, owned));
  const zerosOf = async (gradient: GpuArray<"float32">): Promise<number> => {
    const none = await placed("float32", new Float32Array(gradient.length));
    const stats = await perturbationStats(gpu, { a: gradient, b: none, channels: 3 });
    owned.own(stats.release);
    await gpu.run(stats);
    return gradient.length - (await stats.read()).l0Values;
  };
  let last: Evaluated | undefined;
  const lossNow = async (): Promise<number> => requireLoss((await gpu.read(last!.loss))[0]);

  return {
    step: async (step, report) => {
      last = await evaluated(at);
      const { gradient, labels } = last;
      const zeros = report && step === 1 ? await zerosOf(gradient) : null;
      const scores = report && score ? await score(labels) : null;
      await gpu.run(await steps(gradient));
      return report ? { step, zeros, scores: (await scores?.()) ?? null, loss: await lossNow() } : null;
    },
    image: () => gpu.read(x),
    held: async () => ({ image: await gpu.read(x), momentum: m && (await gpu.read(m)) }),
    requireFinite: async () => void (await lossNow()),
  };
};

const evaluated = async ({ session, feeds }: Fed): Promise<Evaluated> => {
  const { gradient, labels, loss } = await session.run(Object.fromEntries(feeds));
  if (gradient?.dtype === "float32" && labels?.dtype === "uint8" && loss?.dtype === "float32")
    return { gradient, labels, loss } as Evaluated;
  throw new RuntimeError("the graph has no outputs gradient, labels and loss to ascend by");
};

type Place = <D extends ElementType>(dtype: D, data: DataOf<D>) => Promise<GpuArray<D>>;

/** What the ascent moves (`x`, `m`), and its step by a gradient, after which `seen` is where the next gradient is to be taken. */
const stepper = async (
  gpu: Gpu,
  seen: GpuArray<"float32">,
  { low, high, alpha, momentum: decay, ahead = false }: AscentRequest,
  held: Held,
  placed: Place,
  owned: Owned,
) => {
  const ends = { low: await placed("float32", low), high: await placed("float32", high) };
  const zeros = () => new Float32Array(seen.length);
  const m = decay === undefined ? undefined : await placed("float32", held.momentum ?? zeros());
  const momentum = m && { m, decay: decay! };
  const looks = momentum && ahead;
  const x = looks ? await placed("float32", held.image) : seen;
  const scale = alpha * (decay ?? 0) * x.length;
  const look = looks ? [await lookAhead(gpu, { x, m: momentum.m, scale, ahead: seen })] : [];
  for (const { release } of look) owned.own(release);
  await gpu.run(...look);
  const steps = remembered(async (gradient: GpuArray<"float32">) => {
    const launch = await signStep(gpu, { x, gradient, ...ends, alpha: Math.fround(alpha), momentum });
    owned.own(launch.release);
    return sequence(launch, ...look);
  });
  return { x, m, steps };
};

/** Scores labels. The returned function submits the work; the function that it returns reads the result, 16 + 4·classes bytes. */
const scorer = async (
  gpu: Gpu,
  { labels, classes }: NonNullable<AscentRequest["reference"]>,
  placed: Place,
  owned: Owned,
): Promise<(prediction: GpuArray<"uint8">) => Promise<() => Promise<DeviceScores>>> => {
  const reference = await placed("uint8", labels);
  const counts = await gpu.allocate("uint32", confusionLength(classes));
  owned.own(() => counts.buffer.destroy());
  const measured = await classIou(gpu, { counts, classes });
  owned.own(measured.release);
  const counting = remembered(async (prediction: GpuArray<"uint8">) => {
    const launch = await confusion(gpu, { prediction, reference, counts, classes });
    owned.own(launch.release);
    return launch;
  });
  return async (prediction) => {
    await gpu.run(clear(counts), await counting(prediction), measured);
    return measured.read;
  };
};

/** Launches by the buffer that they are bound to: onnxruntime reuses a few buffers for its outputs. */
const remembered = <A extends GpuArray>(make: (array: A) => Promise<Launch>): ((array: A) => Promise<Launch>) => {
  const made = new WeakMap<GPUBuffer, Promise<Launch>>();
  return (array) => {
    const launch = made.get(array.buffer) ?? make(array);
    made.set(array.buffer, launch);
    return launch;
  };
};
