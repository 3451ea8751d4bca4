/**
 * Ascents that stay on the GPU: gradients by onnxruntime, steps and scores by our kernels, on one device. Between steps only the
 * reports that the caller requests are read back.
 */

import type { Tensor } from "../../tensor.ts";
import { classIou, confusion, confusionLength, type DeviceScores } from "./labels.ts";
import { perturbationStats } from "./steps.ts";
import { clear, type Gpu, type GpuArray } from "./gpu.ts";
import { RuntimeError, type AscentAnswer, type AscentLabels, type AscentRequest, type AscentStep } from "../session.ts";
import type { GpuTensor, ResidentSession, WebGpuRuntime } from "../webgpu/webgpu.ts";
import { placed, remembered, walkerOn, type Ground, type Held, type Owned } from "./walks.ts";

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

/** An ascent on the device. */
export interface Climber {
  /**
   * Evaluates the graph at the image, and steps unless the walk is led, whose step is to be ordered.
   *
   * @returns the report of it, where `report` requests one, else null.
   */
  readonly evaluate: (step: number, report: boolean) => Promise<AscentStep | null>;
  /** Carries out what follows from the report. @throws RuntimeError where an ascent that is led has no order. */
  readonly follow: (answer: AscentAnswer) => Promise<void>;
  readonly result: () => Promise<Float32Array<ArrayBuffer>>;
  /** Reads back where the ascent stands. */
  readonly held: () => Promise<Held>;
  /** @throws RuntimeError where the last evaluation's loss is not finite, in which case the gradient is not either. */
  readonly requireFinite: () => Promise<void>;
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
  const { feeds, reference, wanted, walk } = request;
  const { session } = at;
  const feed = async (tensors: Readonly<Record<string, Tensor>>): Promise<void> => {
    for (const name of session.inputs) if (tensors[name]) await fed(gpu, at, name, tensors[name]);
  };
  await feed({ ...feeds, image: { ...feeds["image"]!, data: held.image } });
  const ground = { gpu, seen: at.feeds.get("image") as GpuTensor<"float32">, held, owned };
  const walker = await walkerOn(ground, request);
  const scored = async (labels: AscentLabels | undefined) => labels && scorer(ground, labels);
  const [score, scoreWanted] = [await scored(reference), await scored(wanted)];
  const zerosOf = async (gradient: GpuArray<"float32">): Promise<number> => {
    const none = await placed(ground, "float32", new Float32Array(gradient.length));
    const stats = await perturbationStats(gpu, { a: gradient, b: none, channels: 3 });
    owned.own(stats.release);
    await gpu.run(stats);
    return gradient.length - (await stats.read())[0]!.l0Values;
  };
  let last: Evaluated | undefined;
  const lossNow = async (): Promise<number> => requireLoss((await gpu.read(last!.loss))[0]);

  return {
    evaluate: async (step, report) => {
      last = await evaluated(at);
      const { gradient, labels } = last;
      const zeros = report && step === 1 ? await zerosOf(gradient) : null;
      const [scores, other] = report ? [await score?.(labels), await scoreWanted?.(labels)] : [];
      if (walk.kind !== "led") await walker.step(gradient);
      if (!report) return null;
      return {
        step,
        zeros,
        scores: (await scores?.()) ?? null,
        wanted: (await other?.()) ?? null,
        loss: await lossNow(),
      };
    },
    follow: async ({ order, feeds: changed }) => {
      if (walk.kind === "led") await walker.step(last!.gradient, order);
      if (changed) await feed(changed);
    },
    result: () => gpu.read(walker.result),
    held: async () => {
      const read: Record<string, Float32Array<ArrayBuffer>> = {};
      for (const [name, array] of Object.entries(walker.carried)) read[name] = await gpu.read(array);
      return read as Held;
    },
    requireFinite: async () => void (await lossNow()),
  };
};

const evaluated = async ({ session, feeds }: Fed): Promise<Evaluated> => {
  const { gradient, labels, loss } = await session.run(Object.fromEntries(feeds));
  if (gradient?.dtype === "float32" && labels?.dtype === "uint8" && loss?.dtype === "float32")
    return { gradient, labels, loss } as Evaluated;
  throw new RuntimeError("the graph has no outputs gradient, labels and loss to ascend by");
};

/** Scores labels. The returned function submits the work; the function that it returns reads the result, 16 + 4·classes bytes. */
const scorer = async (
  { gpu, owned }: Pick<Ground, "gpu" | "owned">,
  { labels, classes }: AscentLabels,
): Promise<(prediction: GpuArray<"uint8">) => Promise<() => Promise<DeviceScores>>> => {
  const reference = await placed({ gpu, owned }, "uint8", labels);
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
    return async () => (await measured.read())[0]!;
  };
};
