/**
 * Runs of one graph that several tasks wait for at the same time are carried out as one run of a batch, and ascents on a device as one
 * ascent of a batch: attacks of any kind go in lock step without knowing of each other, each with its own ball, loss and counts.
 */

import { joined, tensor, type Size, type Tensor } from "../tensor.ts";
import { formOf, type AscentRequest, type AscentWatch, type ClimbedAscent } from "../runtime/session.ts";
import { ascendTogether } from "./ascents.ts";
import { LARGEST_BATCH, largestBatch, type AscentSource, type Sessions, type SourceOf } from "./batch.ts";
import { createLockStep, type Carry, type LockStep } from "./lock-step.ts";

type Tensors = Readonly<Record<string, Tensor>>;

export interface Gather extends Pick<LockStep, "lanes"> {
  /** How many tasks on an image of this size are carried out at the same time; 1 where a batch is not faster. */
  readonly most: (size: Size) => number;
  /** Runs a graph of one image; the first axis of each tensor is that of the batch. */
  readonly run: (sourceOf: SourceOf, feeds: Tensors) => Promise<Tensors>;
  /**
   * Ascends on the backend's device with one image.
   *
   * @returns the image after the last step, or of a walk that is led the best one, and the loss of the last evaluation.
   */
  readonly ascend: (
    sourceOf: SourceOf<AscentSource>,
    request: AscentRequest,
    watch: AscentWatch,
  ) => Promise<ClimbedAscent>;
}

/** On the processor, of a batch together: with more, an evaluation is not faster (docs/measured.md). */
const BATCH_PIXELS = 8 * 48 * 64;
const SMALLEST = 4;
/** On a device, where tasks of several objectives, each with a graph of its own, wait for each other. */
const DEVICE_LANES = 16;

/** The tensors of several images, one after another. */
const stacked = (each: readonly Tensors[]): Tensors =>
  Object.fromEntries(
    Object.entries(each[0]!).map(([name, first]) => {
      const data = joined(each.map(({ [name]: own }) => own!.data));
      return [name, tensor(first.dtype, [each.length * first.shape[0]!, ...first.shape.slice(1)], data)];
    }),
  );

/** The tensors of one image of a batch. */
const part = (outputs: Tensors, index: number, batch: number): Tensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, whole]) => {
      const length = whole.data.length / batch;
      const data = whole.data.slice(index * length, (index + 1) * length);
      return [name, tensor(whole.dtype, [1, ...whole.shape.slice(1)], data)];
    }),
  );

interface Run {
  readonly sourceOf: SourceOf;
  readonly feeds: Tensors;
}

/** All of them wait for one graph. */
const runTogether =
  ({ session, fits }: Sessions): Carry<Run, Tensors> =>
  async (group) => {
    for (let left = group; left.length > 0;) {
      const [batch, source] = largestBatch(left[0]!.work.sourceOf, left.length, fits);
      const now = left.slice(0, batch);
      left = left.slice(batch);
      const at = await session(source);
      if (batch === 1) now[0]!.resolve(await at.run(now[0]!.work.feeds));
      else {
        const outputs = await at.run(stacked(now.map(({ work }) => work.feeds)));
        for (const [i, { resolve }] of now.entries()) resolve(part(outputs, i, batch));
      }
    }
  };

export const createGather = (sessions: Sessions): Gather => {
  const { lanes, queue } = createLockStep();
  const [run, ascend] = [queue(runTogether(sessions)), queue(ascendTogether(sessions))];
  return {
    most: ({ height, width }) => {
      if (sessions.isOnDevice) return DEVICE_LANES;
      const fitting = Math.min(LARGEST_BATCH, BATCH_PIXELS / (height * width));
      return fitting < SMALLEST ? 1 : 2 ** Math.floor(Math.log2(fitting));
    },
    lanes,
    run: (sourceOf, feeds) => run(sourceOf(1)!.key, { sourceOf, feeds }),
    ascend: (sourceOf, request, watch) => {
      const key = `${sourceOf(1)!.key} ${formOf(request)} ${watch.onStep !== undefined}`;
      return ascend(key, { sourceOf, request, watch });
    },
  };
};
