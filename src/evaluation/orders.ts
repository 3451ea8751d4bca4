/**
 * Attacks that ought to do less than others. Where one of them does more at the same radius on the same images, the figure of the other
 * is no bound of what the network resists (Carlini et al. 2019, arXiv 1902.06705, section 5), and is never given without the better one.
 */

import { attackEntry, attackNames, type AttackName } from "../attacks/catalogue.ts";
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

/** The same attack, from a random point and from the image itself. */
const differsInStart = (random: Figure, clean: Figure): boolean =>
  methodOf(random) === methodOf(clean) &&
  startOf(random) > 0 &&
  startOf(clean) === 0 &&
  random.options["alpha"] === clean.options["alpha"] &&
  random.gradients === clean.gradients;

interface Order {
  readonly kind: Sign["kind"];
  readonly why: string;
  /** Whether `weaker` ought to do no more than the white-box attack `stronger`. */
  readonly holds: (weaker: Figure, stronger: Figure) => boolean;
}

const orders: readonly Order[] = [
  {
    kind: "gradient-free-stronger",
    why: "queries without a gradient do more than the gradient, which is masked, or followed badly",
    holds: (weaker) => weaker.source === null && entryOf(weaker)?.knowledge === "gradient-free",
  },
  {
    kind: "transfer-stronger",
    why: "images that were made on another network do more than its own gradient, which is masked, or followed badly",
    holds: (weaker) => weaker.source !== null,
  },
  {
    kind: "weak-attack-stronger",
    why: "a single step does more than many",
    holds: (weaker, stronger) => isWhiteBox(weaker) && isOneStep(weaker) && !isOneStep(stronger),
  },
  {
    kind: "weak-attack-stronger",
    why: "at no more gradients a given step size does more than an adaptive one",
    holds: (weaker, stronger) =>
      isAdaptive(stronger) &&
      isWhiteBox(weaker) &&
      !isAdaptive(weaker) &&
      !isOneStep(weaker) &&
      weaker.gradients <= stronger.gradients,
  },
  {
    kind: "weak-attack-stronger",
    why: "one perturbation for all images does more than one that is made for each",
    holds: (weaker) => weaker.attack === "universal",
  },
  {
    kind: "random-start-stronger",
    why: "from the image itself the gradient leads elsewhere than from around it",
    holds: (weaker, stronger) => isWhiteBox(weaker) && differsInStart(weaker, stronger),
  },
];

const textOf = ({ attack, epsilon, source }: Better): string =>
  `${attack} at ε = ${epsilon}${source === null ? "" : `, made on ${source},`}`;

const named = (figure: Figure) => ({ name: textOf(figure), iouRatio: figure.iouRatio });

const strongest = (figures: readonly Figure[]): Figure | undefined =>
  figures
    .filter(({ iouRatio }) => iouRatio !== null)
    .toSorted((a, b) => a.iouRatio! - b.iouRatio!)
    .at(0);

const betterOf = ({ attack, epsilon, source, iouRatio }: Figure): Better => ({ attack, epsilon, source, iouRatio });

/** Where a smaller radius of the attack leaves less: its image lies in the larger ball as well. */
const radiusFlags = (figure: Figure, others: readonly Figure[]): Flag[] => {
  const isSmaller = (other: Figure): boolean =>
    other.attack === figure.attack && other.source === figure.source && other.epsilon < figure.epsilon;
  const better = strongest(others.filter(isSmaller));
  if (!better) return [];
  const why = "the larger ball holds the smaller one, so that the steps within it are too large or too few";
  return orderSigns("larger-epsilon-weaker", named(figure), named(better), why).map((sign) => ({
    ...sign,
    by: betterOf(better),
  }));
};

/**
 * The flags of one figure among others of the same network, images and norm; none on figures that are no bound of the network anyway.
 * Ratios that differ by 0.02 or less flag nothing.
 */
export const flagsOf = (figure: Figure, others: readonly Figure[]): readonly Flag[] => {
  if (!isWhiteBox(figure)) return [];
  const atRadius = others.filter((other) => other !== figure && other.epsilon === figure.epsilon);
  const broken = orders.flatMap(({ kind, why, holds }) => {
    const better = strongest(atRadius.filter((other) => holds(other, figure)));
    if (!better) return [];
    return orderSigns(kind, named(figure), named(better), why).map((sign): Flag => ({ ...sign, by: betterOf(better) }));
  });
  return [...broken, ...radiusFlags(figure, others)];
};

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
    const best = strongest(own);
    return own.flatMap((figure) => figure.flags.filter(({ kind }) => figure === best || !ofTheBest.has(kind)));
  });
  return flags.map(({ kind, values, detail }) => ({ kind, values, detail }));
};
