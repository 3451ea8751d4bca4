/** The plan of an evaluation's attack on one picture: with the picture's own label maps, and with the perturbation of a file. */

import type { Image, Labels, Segmenter } from "../segmenter/segmenter.ts";
import { addsDelta, planFor, type AttackOf } from "./attacks-of.ts";
import type { Crafted } from "./craft.ts";
import { untouched, type Measured, type Plan } from "./measure.ts";
import { regionAim, RegionError, type RegionAim } from "./region-goal.ts";
import type { Row } from "./row.ts";
import { deltaFault } from "./universal.ts";

/** A picture, and the network that is climbed on it. */
export interface On {
  readonly image: Image;
  /** The ground truth; undefined where the picture has none, so that no attack leaves it. */
  readonly truth: Labels | undefined;
  readonly source: Segmenter;
}

export interface PlanOn {
  readonly plan: Plan;
  readonly aim?: RegionAim | undefined;
  /** What is scored in place of an attack, where the picture lacks the attack's region. */
  readonly instead?: Crafted | undefined;
}

/** The perturbation of a file. */
export type ReadDelta = (path: string) => Promise<Image>;

const added = async (
  path: string,
  { image }: On,
  epsilon: number,
  readDelta: ReadDelta | undefined,
): Promise<Image> => {
  if (!readDelta) throw new Error("there are no files of perturbations here");
  const delta = await readDelta(path);
  const fault = deltaFault(delta, image.shape, epsilon);
  if (fault === null) return delta;
  throw new Error(`${path}: the perturbation ${fault}`);
};

/**
 * The region of an attack is where the labels have it that the attack leaves: the source's prediction, or the ground truth. A picture
 * that lacks it stays as it is.
 *
 * @throws Error for a perturbation that cannot be added to the picture.
 */
export const planOn = async (attack: AttackOf, on: On, readDelta?: ReadDelta): Promise<PlanOn> => {
  if (addsDelta(attack))
    return { plan: { ...attack, delta: await added(attack.delta, on, attack.epsilon, readDelta) } };
  const { image, truth, source } = on;
  if (!attack.goal) return { plan: planFor(attack, truth) };
  const left = attack.label === "ground-truth" ? truth : undefined;
  const aim = regionAim(attack.goal, source.manifest.classes.length, left);
  const { labels } = await source.predict(image);
  try {
    return { plan: planFor(attack, truth, aim.given(labels)), aim };
  } catch (cause) {
    if (!(cause instanceof RegionError)) throw cause;
    return { plan: planFor(attack, truth), aim, instead: untouched(image) };
  }
};

const NOTHING = { pixels: 0, reached: 0, elsewhere: 0, kept: 0 };

/** The row with what became of the region, of an attack on one; on a picture without it, no attack could succeed or fail. */
export const rowOf = (measured: Measured, { aim, instead }: PlanOn): Row => {
  if (!aim) return measured.row;
  if (!instead) return { ...measured.row, region: aim.counted(measured) };
  const { success: _, ...row } = measured.row;
  return { ...row, region: { clean: NOTHING, float: NOTHING, uint8: NOTHING } };
};
