/**
 * A claim with the figure that decides it. A figure is compared with a bound: the claim holds where its whole interval lies on one side, fails
 * where it lies on the other, and is undecided else.
 */

import type { Choice, Evidence, Figure, Score } from "../evidence.ts";
import { mean } from "../statistics.ts";

export type Verdict = "yes" | "no" | "undecided";

export interface Test {
  /** What the figure is. */
  readonly what: string;
  readonly figure: Figure;
  /** On which side of which bound the claim has it. */
  readonly side: "above" | "below";
  readonly bound: number;
}

export interface Claim {
  readonly id: string;
  readonly claim: string;
  /** All must hold; one that fails decides against it. */
  readonly tests: readonly Test[];
  readonly caveat: string;
}

/** With fewer images a fair coin agrees with itself on all of them more often than once in 20: 2^(1 − n) > 0.05 (sign test). */
export const MIN_DECISIVE = 6;

/** Of one figure: where its interval lies. */
export const verdictOf = ({ figure: { interval, images }, side, bound }: Test): Verdict => {
  if (interval === null || images < MIN_DECISIVE) return "undecided";
  const [holds, fails] =
    side === "above" ? [interval.low > bound, interval.high < bound] : [interval.high < bound, interval.low > bound];
  return holds ? "yes" : fails ? "no" : "undecided";
};

/** All tests must hold; one that fails decides against the claim. */
export const decidedBy = (tests: readonly Test[]): Verdict => {
  const verdicts = tests.map(verdictOf);
  if (verdicts.includes("no")) return "no";
  return verdicts.every((verdict) => verdict === "yes") ? "yes" : "undecided";
};

export const decided = ({ tests }: Claim): Verdict => decidedBy(tests);

export const ratios = (scores: readonly Score[]): number[] => scores.map(({ ratio }) => ratio);

/** The mean IoU ratio of the first half of the choices minus that of the second half. */
const halves = (scores: readonly Score[]): number => {
  const half = scores.length / 2;
  return mean(ratios(scores.slice(0, half))) - mean(ratios(scores.slice(half)));
};

export const difference = (evidence: Evidence, own: readonly Choice[], other: readonly Choice[]): Figure => {
  if (own.length !== other.length) throw new Error(`${own.length} against ${other.length} choices`);
  return evidence.figure([...own, ...other], halves);
};

/** Attacks, each at each radius in grey levels, by which a claim is put to networks. */
export interface Threat {
  readonly attacks: readonly string[];
  readonly radii: readonly number[];
  /** In words, after "IoU ratio under". */
  readonly name: string;
}

export type Where = Omit<Choice, "network" | "attack" | "epsilon">;

export const grid = (
  names: readonly string[],
  { attacks, radii }: Pick<Threat, "attacks" | "radii">,
  where: Where = {},
): Choice[] =>
  names.flatMap((network) =>
    attacks.flatMap((attack) => radii.map((epsilon) => ({ network, attack, epsilon, ...where }))),
  );
