/** A network between whose runs an isolate goes on with everything else. */

import type { Segmenter } from "../segmenter/segmenter.ts";
import { yieldToEvents } from "../yield.ts";

const first =
  <A extends readonly unknown[], R>(run: (...given: A) => Promise<R>) =>
  async (...given: A): Promise<R> => {
    await yieldToEvents();
    return run(...given);
  };

/**
 * The same network, which lets pending events be handled before each of its runs. In workerd that is a timer of no exchange with anything, and takes
 * 13 µs; without it a parcel, whose runs are the only thing that it awaits, keeps every other request of the isolate waiting to its end.
 */
export const yielding = (segmenter: Segmenter): Segmenter => ({
  ...segmenter,
  predict: first(segmenter.predict),
  objective: (aim) => first(segmenter.objective(aim)),
  value: (aim) => first(segmenter.value(aim)),
  withTransform: (defence) => yielding(segmenter.withTransform(defence)),
  withCrf: (crf) => yielding(segmenter.withCrf(crf)),
  withScales: (scales, fusion) => yielding(segmenter.withScales(scales, fusion)),
});
