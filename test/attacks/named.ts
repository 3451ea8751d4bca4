/** The catalogue's attacks as functions, for tests on objectives without a network. */

import type { Evaluation, Image, Objective } from "../../src/attacks/attack.ts";
import { makeAttack, type AttackName, type AttackSettings } from "../../src/attacks/catalogue.ts";
import { follow, type Watch } from "../../src/attacks/run.ts";

export type Settings = Omit<AttackSettings, "seed"> & { readonly seed?: number };
export type Named = <E extends Evaluation>(objective: Objective<E>, image: Image, watch?: Watch<E>) => Promise<Image>;

/** @throws RangeError for a number that is out of range. */
export const named =
  (name: AttackName) =>
  (settings: Settings): Named => {
    const { trajectories } = makeAttack(name, { seed: 0, ...settings });
    return (objective, image, watch) => follow(trajectories[0], objective, image, watch);
  };

export const fgsm = named("fgsm");
export const ifgsm = named("ifgsm");
export const pgd = named("pgd");
