/** Objectives that are climbed on the backend's device, step after step. */

import type { Clock, Objective } from "../objectives/objective.ts";
import type {
  AscentAnswer,
  AscentRequest,
  AscentStep,
  AscentWatch,
  ClimbedAscent,
  LedOrder,
} from "../runtime/session.ts";
import { tensor } from "../tensor.ts";
import { requireFinite, type Feeds, type Image } from "./aim.ts";

/** An ascent of the objective from `start`. */
export type DeviceAscent = Omit<AscentRequest, "feeds" | "sense"> & { readonly start: Image };

/** The loss is a mean over the pixels that are not void; `value` is what is climbed. */
export type DeviceStep = AscentStep & { readonly value: number };

/** How an ascent that is led goes on, and where its objective stands at the next evaluation if that is not the next step. */
export interface DeviceAnswer {
  readonly order?: LedOrder | undefined;
  readonly clock?: Clock | undefined;
}

export interface DeviceWatch extends Pick<AscentWatch, "signal"> {
  readonly onStep?:
    | ((step: DeviceStep) => DeviceAnswer | undefined | void | Promise<DeviceAnswer | undefined | void>)
    | undefined;
}

/** The ascent on the backend's device. */
export type DeviceClimb = (ascent: DeviceAscent, watch?: DeviceWatch) => Promise<Image>;

/** The inputs that follow from the clock: all at first, and then those that are others than before. */
const changesOf = ({ feeds }: Objective): ((at: Clock) => Feeds) => {
  let last: Feeds = {};
  return (at) => {
    const before = last;
    last = feeds?.(at) ?? {};
    return Object.fromEntries(Object.entries(last).filter(([name, value]) => value !== before[name]));
  };
};

/** What an ascent of an objective is made from. */
export interface Climbed {
  readonly objective: Objective;
  /** Over how many pixels of an image the value is a sum. */
  readonly countedPixels: (image: Image) => number;
  /** Inputs that stay the same from step to step. */
  readonly feeds: (start: Image, at: Clock) => Feeds;
  readonly ascend: (start: Image, request: AscentRequest, watch: AscentWatch) => Promise<ClimbedAscent>;
}

export const climbing =
  ({ objective, countedPixels, feeds, ascend }: Climbed): DeviceClimb =>
  async ({ start, ...ascent }, { onStep, signal } = {}) => {
    const { sense } = objective;
    const { steps } = ascent;
    const changing = changesOf(objective);
    const first = { step: 1, steps };
    const started = { ...feeds(start, first), ...changing(first) };
    const answered = async ({ step, loss, ...told }: AscentStep): Promise<AscentAnswer> => {
      requireFinite(loss);
      const seen = { ...told, step, value: sense * loss, loss: loss / countedPixels(start) };
      const { order, clock = { step: step + 1, steps } } = (await onStep?.(seen)) ?? {};
      return { order, feeds: step < steps ? changing(clock) : undefined };
    };
    const { image, loss } = await ascend(
      start,
      { ...ascent, sense, feeds: started },
      { signal, onStep: onStep || objective.feeds ? answered : undefined },
    );
    requireFinite(loss);
    return tensor("float32", start.shape, image);
  };
