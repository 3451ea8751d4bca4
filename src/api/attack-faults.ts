/** What is wrong with the options of an attack in a request. */
import {
  attackEntry,
  defaultRadius,
  evaluationsOf,
  makeAttack,
  normsOf,
  optionsOf,
  radiusNeeded,
  type AttackName,
  type AttackSettings,
  type Ball,
} from "../attacks/catalogue.ts";
import { lengthFault } from "../attacks/norms.ts";
import { optionFaults } from "../attacks/option-faults.ts";
import { optionNames, type OptionValues } from "../attacks/options.ts";
import type { Limits } from "./operation.ts";

export interface Fault {
  readonly pointer: string;
  readonly detail: string;
  readonly received?: number;
}

/** Faults of options that the attack does not have, or that its definition fixes at another value. */
export const optionFaultsAt = (attack: AttackName, ball: Ball, given: OptionValues, at = "/spec"): Fault[] =>
  optionFaults(attack, ball, given).map(({ option, ...fault }) => ({ pointer: `${at}/${option}`, ...fault }));

/** The radius and the norm of a request, each the attack's own where it gives none; no radius in L2 follows from that. */
export const ballOf = ({ attack, epsilon, norm = attackEntry(attack).distance }: Ball & { attack: AttackName }) => ({
  epsilon: epsilon ?? (norm === "l2" ? undefined : defaultRadius(attack)),
  norm,
});

/** Faults of the ball: a norm that the attack does not support, a radius above the range of grey levels, or none in L2. */
export const ballFaults = (attack: AttackName, { epsilon, norm }: Ball): Fault[] => {
  const taken = normsOf(attack);
  const needed = norm && !taken.includes(norm) ? null : radiusNeeded(attack, { epsilon, norm });
  const tooLong = epsilon === undefined || norm === undefined ? null : lengthFault(epsilon, norm);
  return [
    ...(norm && !taken.includes(norm)
      ? [{ pointer: "/spec/norm", detail: `must be ${taken.join(" or ")} for ${attack}` }]
      : []),
    ...(needed === null
      ? []
      : [{ pointer: "/spec/epsilon", detail: `is required, because spec.norm is l2: ${needed}` }]),
    ...(tooLong === null ? [] : [{ pointer: "/spec/epsilon", detail: tooLong, received: epsilon! }]),
  ];
};

/** Faults of the combination of options: too many evaluations for one request, or contradictory values. */
export const togetherFaults = (
  attack: AttackName,
  settings: AttackSettings,
  draws: number,
  limits: Limits,
): Fault[] => {
  const { steps = 1 } = settings;
  if (steps > limits.steps) {
    const detail = `must be given: the default of ${attack} here is ${steps}, and at most ${limits.steps} are allowed`;
    return [{ pointer: "/spec/steps", detail }];
  }
  try {
    const evaluations = draws * evaluationsOf(makeAttack(attack, settings));
    const detail = `make ${evaluations} evaluations of the network in all; at most ${limits.gridSteps} are allowed: ask for fewer steps${optionsOf(attack).includes("restarts") ? " or restarts" : ""}${draws > 1 ? " or draws" : ""}`;
    return evaluations > limits.gridSteps ? [{ pointer: draws > 1 ? "/spec/draws" : "/spec/steps", detail }] : [];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const named = optionNames.find((option) => cause.message.startsWith(`${option} must `));
    return named
      ? [{ pointer: `/spec/${named}`, detail: cause.message.slice(named.length + 1) }]
      : [{ pointer: "/spec", detail: `cannot be: ${cause.message}` }];
  }
};

/** Faults of the networks and the scales that are climbed. */
export const climbedFaults = ({
  sources,
  scales,
  fusion,
  ...gradient
}: {
  readonly sources?: readonly string[] | undefined;
  readonly scales?: readonly number[] | undefined;
  readonly fusion?: string | undefined;
  readonly through?: string | undefined;
  readonly draws?: number | undefined;
}): Fault[] => {
  const given = (["through", "draws"] as const).filter((name) => sources && gradient[name] !== undefined);
  const detail = "must be absent, as the gradient is that of `sources`, which are climbed as they are";
  return [
    ...given.map((name) => ({ pointer: `/spec/${name}`, detail })),
    ...(fusion !== undefined && scales === undefined
      ? [{ pointer: "/spec/fusion", detail: "must be absent, as there are no `scales` to fuse" }]
      : []),
  ];
};

/** Faults of how the gradient takes transformations, where no attack of these takes a gradient. */
export const gradientFaults = (
  attacks: readonly AttackName[],
  { through, draws }: { readonly through?: string | undefined; readonly draws?: number | undefined },
): Fault[] => {
  if (attacks.some((attack) => attackEntry(attack).knowledge !== "gradient-free")) return [];
  const detail = `must be absent: it is about the gradient, which ${attacks.join(", ")} ${attacks.length > 1 ? "do" : "does"} not take`;
  return [
    ...(through === undefined ? [] : [{ pointer: "/spec/through", detail }]),
    ...(draws === undefined ? [] : [{ pointer: "/spec/draws", detail, received: draws }]),
  ];
};
