/**
 * Attacks that ought to do less than others. Where one of them does more at the same radius on the same images, the figure of the other
 * is no bound of what the network resists (Carlini et al. 2019, arXiv 1902.06705, section 5), and is never given without the better one.
 */

import { attackEntry, attackNames, type AttackName } from "../attacks/catalogue.ts";
import { groupedBy } from "../grouped.ts";
import { orderSigns, type Measurement, type Sign } from "./signs.ts";

/** What an attack leaves of the IoU, of some images within one norm. */
export interface Figure extends Measurement {
  /** The network that the images were made on, where it is another one. */
  readonly source: string | null;
  /** Gradients that the attack took. */
  readonly gradients: number;
  /** The attack's options as it ran. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What did better than it ought to. */
export interface Better extends Measurement {
  readonly source: string | null;
}

/** A sign on one figure, with the one that does better. */
export interface Flag extends Sign {
  readonly by: Better;
}

const nameOf = ({ attack }: Measurement): AttackName | undefined => attackNames.find((name) => name === attack);

const entryOf = (figure: Measurement) => {
  const name = nameOf(figure);
  return name && attackEntry(name);
};

/** An attack that climbs the scored network by its gradient within a given radius: what a bound is quoted of. */
export const isWhiteBox = (figure: Figure): boolean => {
  const entry = entryOf(figure);
  return figure.source === null && entry?.knowledge === "white-box" && entry.type === "fixed-budget";
};

const isOneStep = (figure: Figure): boolean => Boolean(entryOf(figure)?.options.steps?.fixed);

/** Whether the attack sets its step size by itself. */
const isAdaptive = (figure: Figure): boolean => isWhiteBox(figure) && !entryOf(figure)?.options.alpha;

/** The radius of a random start as a share of ε. */
const startOf = ({ attack, options }: Figure): number => (attack === "ifgsm" ? 0 : Number(options["start"] ?? 0));

/** PGD from the image itself is iterative FGSM. */
const methodOf = ({ attack }: Figure): string => (attack === "ifgsm" ? "pgd" : attack);

/** An order of attacks: at the same radius, a weaker figure ought to do no more than a stronger one, which is white-box. */
interface Order {
  readonly kind: Sign["kind"];
  readonly why: string;
  readonly weaker: (figure: Figure) => boolean;
  /** All white-box figures if absent. */
  readonly stronger?: (figure: Figure) => boolean;
  /** What both have in common; nothing if absent. */
  readonly alike?: (figure: Figure) => string;
  /** An amount of which the weaker must have no more than the stronger; no condition if absent. */
  readonly most?: (figure: Figure) => number;
}

const orders: readonly Order[] = [
  {
    kind: "gradient-free-stronger",
    why: "queries without a gradient do more than the gradient, which is masked, or followed badly",
    weaker: (figure) => figure.source === null && entryOf(figure)?.knowledge === "gradient-free",
  },
  {
    kind: "transfer-stronger",
    why: "images that were made on another network do more than its own gradient, which is masked, or followed badly",
    weaker: (figure) => figure.source !== null,
  },
  {
    kind: "weak-attack-stronger",
    why: "a single step does more than many",
    weaker: (figure) => isWhiteBox(figure) && isOneStep(figure),
    stronger: (figure) => !isOneStep(figure),
  },
  {
    kind: "weak-attack-stronger",
    why: "at no more gradients a given step size does more than an adaptive one",
    weaker: (figure) => isWhiteBox(figure) && !isAdaptive(figure) && !isOneStep(figure),
    stronger: isAdaptive,
    most: ({ gradients }) => gradients,
  },
  {
    kind: "weak-attack-stronger",
    why: "one perturbation for all images does more than one that is made for each",
    weaker: (figure) => figure.attack === "universal",
  },
  {
    kind: "random-start-stronger",
    why: "from the image itself the gradient leads elsewhere than from around it",
    weaker: (figure) => isWhiteBox(figure) && startOf(figure) > 0,
    stronger: (figure) => startOf(figure) === 0,
    alike: (figure) => `${methodOf(figure)} ${String(figure.options["alpha"])} ${figure.gradients}`,
  },
];

const textOf = ({ attack, epsilon, source }: Better): string =>
  `${attack} at ε = ${epsilon}${source === null ? "" : `, made on ${source},`}`;

const named = (figure: Figure) => ({ name: textOf(figure), iouRatio: figure.iouRatio });

/** The figures that have a ratio, the lowest first; equal ones keep their order. */
const byRatio = (figures: readonly Figure[]): readonly Figure[] =>
  figures.filter(({ iouRatio }) => iouRatio !== null).toSorted((a, b) => a.iouRatio! - b.iouRatio!);

/** What a bound is quoted of: the white-box figure that leaves the least; undefined where none does. */
export const quotedOf = <F extends Figure>(figures: readonly F[]): F | undefined =>
  byRatio(figures.filter(isWhiteBox))[0] as F | undefined;

const betterOf = ({ attack, epsilon, source, iouRatio }: Figure): Better => ({ attack, epsilon, source, iouRatio });

/** How many of the values, which ascend, satisfy a condition that the first ones satisfy and the others do not, by bisection. */
const countOf = (values: readonly number[], holds: (value: number) => boolean): number => {
  let [from, to] = [0, values.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(values[middle]!)) from = middle + 1;
    else to = middle;
  }
  return from;
};

/** Finds the lowest of the figures whose value is within a limit, in logarithmic time; of equal ones the first. That may be the compared figure itself, which flags nothing. */
const lowestWithin = (figures: readonly Figure[], valueOf: (figure: Figure) => number) => {
  const rank = new Map(byRatio(figures).map((figure, i) => [figure, i]));
  const sorted = [...rank.keys()].toSorted((a, b) => valueOf(a) - valueOf(b));
  const values = sorted.map(valueOf);
  /** The lowest of sorted[0..i], for each i. */
  const lowest: Figure[] = [];
  for (const figure of sorted) {
    const best = lowest.at(-1);
    lowest.push(best && rank.get(best)! < rank.get(figure)! ? best : figure);
  }
  return (isWithin: (value: number) => boolean): Figure | undefined => lowest[countOf(values, isWithin) - 1];
};

/** Finds the same in the group that a figure belongs to. */
const lowestIn = (
  figures: readonly Figure[],
  groupOf: (figure: Figure) => string,
  valueOf: (figure: Figure) => number,
) => {
  const groups = groupedBy(figures, groupOf);
  const finders = new Map([...groups].map(([key, group]) => [key, lowestWithin(group, valueOf)]));
  return (own: Figure, isWithin: (value: number, limit: number) => boolean): Figure | undefined =>
    finders.get(groupOf(own))?.((value) => isWithin(value, valueOf(own)));
};

const isAtMost = (value: number, limit: number): boolean => value <= limit;
const isBelow = (value: number, limit: number): boolean => value < limit;

/**
 * The flags of each figure among others of the same network, images and norm; none on figures that are no bound of the network anyway.
 * Ratios that differ by 0.02 or less flag nothing. Takes n log n steps for the flags of n figures.
 */
export const flagsIn = (figures: readonly Figure[]): ((figure: Figure) => readonly Flag[]) => {
  const broken = orders.map(({ weaker, stronger, alike, most, ...order }) => {
    const groupOf = (figure: Figure): string => `${figure.epsilon} ${alike?.(figure) ?? ""}`;
    const find = lowestIn(figures.filter(weaker), groupOf, most ?? (() => 0));
    return { ...order, find: (own: Figure) => ((stronger?.(own) ?? true) ? find(own, isAtMost) : undefined) };
  });
  const ofAttack = lowestIn(
    figures,
    ({ attack, source }) => JSON.stringify([attack, source]),
    ({ epsilon }) => epsilon,
  );
  /** Where a smaller radius of the attack leaves less: its image lies in the larger ball as well. */
  const smaller = {
    kind: "larger-epsilon-weaker",
    why: "the larger ball holds the smaller one, so that the steps within it are too large or too few",
    find: (own: Figure) => ofAttack(own, isBelow),
  } as const;
  return (own) => {
    if (!isWhiteBox(own)) return [];
    return [...broken, smaller].flatMap(({ kind, why, find }) => {
      const better = find(own);
      if (!better) return [];
      return orderSigns(kind, named(own), named(better), why).map((sign): Flag => ({ ...sign, by: betterOf(better) }));
    });
  };
};

/** The flags of one figure among others. */
export const flagsOf = (figure: Figure, others: readonly Figure[]): readonly Flag[] => flagsIn(others)(figure);

/** The flag whose other figure is the lowest: what the flagged one is given with. */
export const bestOf = (flags: readonly Flag[]): Better | null =>
  flags.map(({ by }) => by).toSorted((a, b) => a.iouRatio! - b.iouRatio!)[0] ?? null;

/** Signs of a masked gradient say something where the best of the white-box attacks shows them, and all others wherever they occur. */
const ofTheBest: ReadonlySet<Sign["kind"]> = new Set<Sign["kind"]>(["gradient-free-stronger", "transfer-stronger"]);

interface Flagged extends Figure {
  readonly flags: readonly Flag[];
}

/** What the flags of a curve say of all of it: each once, at the radius and the attack where it is. */
export const signsOfFlags = (figures: readonly Flagged[]): readonly Sign[] => {
  const radii = [...new Set(figures.map(({ epsilon }) => epsilon))];
  const flags = radii.flatMap((epsilon) => {
    const own = figures.filter((figure) => figure.epsilon === epsilon && isWhiteBox(figure));
    const best = quotedOf(own);
    return own.flatMap((figure) => figure.flags.filter(({ kind }) => figure === best || !ofTheBest.has(kind)));
  });
  return flags.map(({ kind, values, detail }) => ({ kind, values, detail }));
};
