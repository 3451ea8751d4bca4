/**
 * Ascents that stay on the GPU, of several images at a time: gradients by onnxruntime, steps and scores by our kernels, on one device.
 * Between steps only the reports that the caller requests are read back.
 */

import { joined, type Tensor } from "../../tensor.ts";
import { classIou, confusion, confusionLength, type DeviceScores } from "./labels.ts";
import { perturbationStats } from "./steps.ts";
import { clear, type Gpu, type GpuArray } from "./gpu.ts";
import {
  RuntimeError,
  type AscentAnswer,
  type AscentLabels,
  type AscentRequest,
  type AscentStep,
  type ClimbedAscent,
  type Held,
} from "../session.ts";
import type { GpuTensor, ResidentSession, WebGpuRuntime } from "../webgpu/webgpu.ts";
import { blank, placed, remembered, walkerOn, type Ground, type Owned } from "./walks.ts";

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

/** Ascents on the device, one of each image. */
export interface Climber {
  /**
   * Evaluates the graph at the images, and steps unless the walks are led, whose steps are to be ordered.
   *
   * @param steps the number of the step of each image; null where its ascent has ended.
   * @returns the report of each, where they are requested and it has not ended, else null.
   */
  readonly evaluate: (
    steps: readonly (number | null)[],
    isReported: boolean,
  ) => Promise<readonly (AscentStep | null)[]>;
  /**
   * Carries out what follows from the reports.
   *
   * @param answers null of an image that needs no further evaluation.
   * @throws RuntimeError where an ascent that is led has no order.
   */
  readonly follow: (answers: readonly (AscentAnswer | null)[]) => Promise<void>;
  /** Reads back the results of some images, with the losses of the last evaluation. */
  readonly results: (images: readonly number[]) => Promise<readonly ClimbedAscent[]>;
  /** Reads back where each ascent stands. */
  readonly held: () => Promise<readonly Held[]>;
}

/** A session with its input tensors: a captured graph reads the same buffers in every run. */
export interface Fed {
  readonly session: ResidentSession;
  readonly feeds: Map<string, GpuTensor>;
}

/** Writes the tensor of an image to its place in the buffer of that name, which is created at first. */
const fed = async (
  gpu: Gpu,
  { feeds }: Fed,
  [image, images]: readonly [number, number],
  name: string,
  { dtype, shape, data }: Tensor,
): Promise<void> => {
  if (dtype !== "float32" && dtype !== "int32")
    throw new RuntimeError(`input "${name}" is ${dtype}, not float32 or int32`);
  const whole = images === 1 ? shape : [images * shape[0]!, ...shape.slice(1)];
  const tensor = feeds.get(name) ?? { ...(await gpu.allocate(dtype, images * data.length)), shape: whole };
  feeds.set(name, tensor);
  await gpu.write(tensor as GpuTensor<"float32">, data as Float32Array<ArrayBuffer>, image * data.length);
};

/**
 * A climber that continues from what `held` says of each image.
 *
 * @param owned receives the resources to free.
 * @throws RuntimeError, DeviceLostError
 */
export const climberOn = async (
  gpu: Gpu,
  at: Fed,
  requests: readonly AscentRequest[],
  held: readonly Held[],
  owned: Owned,
): Promise<Climber> => {
  const images = requests.length;
  const { session } = at;
  const feed = async (image: number, tensors: Readonly<Record<string, Tensor>>): Promise<void> => {
    for (const name of session.inputs) if (tensors[name]) await fed(gpu, at, [image, images], name, tensors[name]);
  };
  for (const [i, { feeds }] of requests.entries())
    await feed(i, { ...feeds, image: { ...feeds["image"]!, data: held[i]!.image } });
  const seen = at.feeds.get("image") as GpuTensor<"float32">;
  const ground = { gpu, seen, held, owned };
  const walker = await walkerOn(ground, requests);
  const isLed = requests[0]!.walk.kind === "led";
  const score = await scorer(
    ground,
    requests.map(({ reference }) => reference),
  );
  const scoreWanted = await scorer(
    ground,
    requests.map(({ wanted }) => wanted),
  );
  const zerosOf = async (gradient: GpuArray<"float32">): Promise<readonly number[]> => {
    const none = await blank(ground, "float32", gradient.length);
    const stats = await perturbationStats(gpu, { a: gradient, b: none, channels: seen.shape[1]!, images });
    owned.own(stats.release);
    await gpu.run(stats);
    return (await stats.read()).map(({ l0Values }) => gradient.length / images - l0Values);
  };
  /** The elements that an image has of an array. */
  const partOf = ({ length }: GpuArray, image: number) => {
    return { first: (image * length) / images, length: length / images };
  };
  let last: Evaluated | undefined;
  const losses = () => gpu.read(last!.loss);

  return {
    evaluate: async (steps, isReported) => {
      last = await evaluated(at);
      const { gradient, labels } = last;
      const zeros = isReported && steps.includes(1) ? await zerosOf(gradient) : [];
      const [scores, wanted] = isReported ? [await score?.(labels), await scoreWanted?.(labels)] : [];
      if (!isLed) await walker.step(gradient, []);
      if (!isReported) return steps.map(() => null);
      const [own, other, loss] = [await scores?.(), await wanted?.(), await losses()];
      return steps.map((step, i): AscentStep | null =>
        step === null
          ? null
          : {
              step,
              zeros: step === 1 ? zeros[i]! : null,
              scores: own?.[i] ?? null,
              wanted: other?.[i] ?? null,
              loss: loss[i]!,
            },
      );
    },
    follow: async (answers) => {
      if (isLed) {
        if (answers.some((answer) => answer && !answer.order))
          throw new RuntimeError("an ascent that is led has no order");
        await walker.step(
          last!.gradient,
          answers.map((answer) => answer?.order ?? null),
        );
      }
      for (const [i, answer] of answers.entries()) if (answer?.feeds) await feed(i, answer.feeds);
    },
    results: async (some) => {
      if (some.length === 0) return [];
      const loss = await losses();
      const ends: ClimbedAscent[] = [];
      for (const i of some) {
        const image = await gpu.read(walker.result, partOf(walker.result, i));
        ends.push({ kind: "done", image, loss: loss[i]! });
      }
      return ends;
    },
    held: async () => {
      const read: Record<string, Float32Array<ArrayBuffer>>[] = requests.map(() => ({}));
      for (const [name, array] of Object.entries(walker.carried)) {
        const whole = await gpu.read(array);
        const length = whole.length / images;
        for (const [i, own] of read.entries()) own[name] = whole.slice(i * length, (i + 1) * length);
      }
      return read as Held[];
    },
  };
};

const evaluated = async ({ session, feeds }: Fed): Promise<Evaluated> => {
  const { gradient, labels, loss } = await session.run(Object.fromEntries(feeds));
  if (gradient?.dtype === "float32" && labels?.dtype === "uint8" && loss?.dtype === "float32")
    return { gradient, labels, loss } as Evaluated;
  throw new RuntimeError("the graph has no outputs gradient, labels and loss to ascend by");
};

/** A function that submits the scoring of labels; what it returns reads the scores, 16 + 4·classes bytes of each image. */
type Scorer = (prediction: GpuArray<"uint8">) => Promise<() => Promise<readonly DeviceScores[]>>;

/** Scores the labels of each image against its own; undefined where there are none. */
const scorer = async (
  { gpu, owned }: Pick<Ground, "gpu" | "owned">,
  references: readonly (AscentLabels | undefined)[],
): Promise<Scorer | undefined> => {
  const given = references.filter((reference) => reference !== undefined);
  if (given.length === 0) return undefined;
  const images = given.length;
  const reference = await placed({ gpu, owned }, "uint8", joined(given.map(({ labels }) => labels)));
  // Classes that an image's own labels do not have change none of its scores.
  const classes = Math.max(...given.map((own) => own.classes));
  const counts = await blank({ gpu, owned }, "uint32", images * confusionLength(classes));
  const measured = await classIou(gpu, { counts, classes, images });
  owned.own(measured.release);
  const counting = remembered(async (prediction: GpuArray<"uint8">) => {
    const launch = await confusion(gpu, { prediction, reference, counts, classes, images });
    owned.own(launch.release);
    return launch;
  });
  return async (prediction) => {
    await gpu.run(clear(counts), await counting(prediction), measured);
    return async () =>
      (await measured.read()).map(({ iou, ...scores }, i) => ({ ...scores, iou: iou.slice(0, given[i]!.classes) }));
  };
};
