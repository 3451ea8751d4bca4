/** Numbers as reports write them. */

import type { Estimate } from "./scores.ts";

export const percent = (value: number | null | undefined, digits = 1): string =>
  value === null || value === undefined || Number.isNaN(value) ? "–" : (100 * value).toFixed(digits);

/** "61.2 [58.0, 64.1]", in percent. */
export const percentWithin = ({ value, interval }: Estimate): string =>
  interval === null ? percent(value) : `${percent(value)} [${percent(interval.low)}, ${percent(interval.high)}]`;

export const number = (value: number | null | undefined, digits = 2): string =>
  value === null || value === undefined ? "–" : value.toFixed(digits);

export const epsilonText = (epsilon: number | null): string => (epsilon === null ? "–" : String(epsilon));
