/** Whether rounding to 8 bits takes from an adversarial image what it did. */

import type { AttackScores, Perturbation } from "./scores.ts";
import { INSIGNIFICANT } from "./signs.ts";

interface Both<T> {
  readonly float: T;
  readonly uint8: T;
}

/** What is looked at, of the image as it was computed and in 8 bits. */
export interface Rounded {
  readonly scores: Both<Pick<AttackScores, "iouRatio">>;
  readonly perturbation: Both<Pick<Perturbation, "l0">>;
}

/** A clause where the 8-bit image is the clean one, or leaves an IoU ratio higher by more than what is no sign; else null. */
export const roundingFault = ({ scores, perturbation }: Rounded): string | null => {
  if (perturbation.float.l0 > 0 && perturbation.uint8.l0 === 0)
    return "rounding to 8 bits undoes the attack: the 8-bit image is the clean one";
  const [float, uint8] = [scores.float.iouRatio, scores.uint8.iouRatio];
  if (float === null || uint8 === null || uint8 - float <= INSIGNIFICANT) return null;
  return `rounding to 8 bits undoes part of the attack: the image as it was computed leaves an IoU ratio of ${float.toFixed(3)}, the 8-bit one ${uint8.toFixed(3)}`;
};
