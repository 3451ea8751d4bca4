/** Orders of attacks: each flag on figures that break its order, and none on figures that keep it. */

import { describe, expect, it } from "vitest";
import { attackEntry, attackNames } from "../../src/attacks/catalogue.ts";
import {
  bestOf,
  flagsIn,
  flagsOf,
  isWhiteBox,
  quotedOf,
  signsOfFlags,
  type Figure,
} from "../../src/evaluation/orders.ts";
import { random } from "../../src/random.ts";

const figure = (attack: string, iouRatio: number | null, more: Partial<Figure> = {}): Figure => ({
  attack,
  epsilon: 4,
  iouRatio,
  source: null,
  gradients: attack === "fgsm" ? 1 : 20,
  options: { alpha: 1, ...(attack === "pgd" ? { start: 1 } : {}) },
  ...more,
});

const kindsOn = (own: Figure, ...others: readonly Figure[]) => flagsOf(own, [own, ...others]).map(({ kind }) => kind);

const orders: readonly (readonly [string, string, Figure, Figure])[] = [
  [
    "an attack without gradients",
    "gradient-free-stronger",
    figure("pgd", 0.5),
    figure("square", 0.3, { gradients: 0 }),
  ],
  ["an image of another network", "transfer-stronger", figure("pgd", 0.5), figure("mi-fgsm", 0.3, { source: "other" })],
  ["one step", "weak-attack-stronger", figure("ifgsm-ii", 0.5), figure("fgsm", 0.3)],
  ["a given step size", "weak-attack-stronger", figure("apgd", 0.5), figure("pgd", 0.3)],
  ["one perturbation for all", "weak-attack-stronger", figure("pgd", 0.5), figure("universal", 0.3, { gradients: 0 })],
  ["a random start", "random-start-stronger", figure("ifgsm", 0.5), figure("pgd", 0.3)],
  ["a smaller radius", "larger-epsilon-weaker", figure("pgd", 0.5), figure("pgd", 0.3, { epsilon: 2 })],
];

describe.each(orders)("%s", (_, kind, stronger, weaker) => {
  it("that does more flags the figure, with what did better", () => {
    const flags = flagsOf(stronger, [stronger, weaker]);
    expect(flags).toHaveLength(1);
    const { attack, epsilon, source, iouRatio } = weaker;
    expect(flags[0]).toMatchObject({ kind, by: { attack, epsilon, source, iouRatio } });
    expect(flags[0]?.detail).toContain("leaves an IoU ratio of 0.300");
  });

  it("that does less, as much, or nothing that is defined flags nothing", () => {
    for (const iouRatio of [0.6, 0.5, 0.49, null]) expect(kindsOn(stronger, { ...weaker, iouRatio })).toEqual([]);
  });

  it("is not flagged itself", () => {
    expect(kindsOn(weaker, stronger)).toEqual([]);
  });
});

describe("what is no order", () => {
  const pgd = figure("pgd", 0.5);

  it("is one between other radii, but for those of one attack", () => {
    expect(kindsOn(pgd, figure("square", 0.3, { epsilon: 8 }))).toEqual([]);
    expect(kindsOn(pgd, figure("mi-fgsm", 0.3, { epsilon: 2 }))).toEqual([]);
    expect(kindsOn(pgd, figure("pgd", 0.3, { epsilon: 8 }))).toEqual([]);
  });

  it("is one between attacks of the same rank, or at more gradients", () => {
    expect(kindsOn(figure("ifgsm", 0.5), figure("segpgd", 0.3))).toEqual([]);
    expect(kindsOn(figure("apgd", 0.5), figure("pgd", 0.3, { gradients: 21 }))).toEqual([]);
    expect(kindsOn(figure("fgsm", 0.5), figure("fgsm-ii", 0.3))).toEqual([]);
  });

  it("is one of starts where the steps differ as well", () => {
    const ifgsm = figure("ifgsm", 0.5);
    expect(kindsOn(ifgsm, figure("pgd", 0.3, { options: { alpha: 2, start: 1 } }))).toEqual([]);
    expect(kindsOn(ifgsm, figure("pgd", 0.3, { gradients: 40 }))).toEqual([]);
    expect(kindsOn(ifgsm, figure("pgd", 0.3, { options: { alpha: 1, start: 0 } }))).toEqual([]);
  });

  it("is one under attacks that are no bound: of minimum norm, without gradients, transferred, unknown", () => {
    const better = figure("square", 0.1, { gradients: 0 });
    for (const own of [figure("ddn", 0.5), figure("nes", 0.5), figure("pgd", 0.5, { source: "x" }), figure("new", 0.5)])
      expect(kindsOn(own, better)).toEqual([]);
  });
});

it("a curve has the signs of its best attack, and those of weak attacks wherever they are", () => {
  const all = [figure("fgsm", 0.6), figure("ifgsm", 0.7), figure("apgd", 0.2), figure("square", 0.3, { gradients: 0 })];
  const kinds = (figures: readonly Figure[]) =>
    signsOfFlags(figures.map((own) => ({ ...own, flags: flagsOf(own, figures) }))).map(({ kind }) => kind);
  // Queries do more than FGSM, and less than the best: the gradient is not masked.
  expect(kinds(all)).toEqual(["weak-attack-stronger"]);
  expect(kinds(all.filter(({ attack }) => attack !== "apgd"))).toEqual([
    "gradient-free-stronger",
    "weak-attack-stronger",
  ]);
  const [, ifgsm] = all;
  expect(bestOf(flagsOf(ifgsm!, all))).toEqual({ attack: "square", epsilon: 4, source: null, iouRatio: 0.3 });
  expect(bestOf([])).toBeNull();
});

/** Figures of all attacks at a few radii, with many equal ratios. */
const drawn = (count: number, seed: number): Figure[] => {
  const next = random(seed);
  const one = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!;
  return Array.from({ length: count }, () => ({
    attack: one([...attackNames, "ifgsm", "pgd", "apgd", "universal", "universal", "new"]),
    epsilon: one([1, 2, 4]),
    iouRatio: one([null, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
    source: one([null, null, null, "other"]),
    gradients: one([0, 1, 20, 40]),
    options: { alpha: one([undefined, 1, 2]), start: one([undefined, 0, 1]) },
  }));
};

describe("among many figures", () => {
  const entry = ({ attack }: Figure) => {
    const name = attackNames.find((each) => each === attack);
    return name && attackEntry(name);
  };
  const isOneStep = (figure: Figure): boolean => Boolean(entry(figure)?.options.steps?.fixed);
  const isAdaptive = (figure: Figure): boolean => isWhiteBox(figure) && !entry(figure)?.options.alpha;
  const startOf = ({ attack, options }: Figure): number => (attack === "ifgsm" ? 0 : Number(options["start"] ?? 0));
  const method = ({ attack }: Figure): string => (attack === "ifgsm" ? "pgd" : attack);
  /** Every other figure that breaks an order with this one, each order as a relation of two figures. */
  const relations: readonly ((weaker: Figure, own: Figure) => boolean)[] = [
    (weaker) => weaker.source === null && entry(weaker)?.knowledge === "gradient-free",
    (weaker) => weaker.source !== null,
    (weaker, own) => isWhiteBox(weaker) && isOneStep(weaker) && !isOneStep(own),
    (weaker, own) =>
      isAdaptive(own) &&
      isWhiteBox(weaker) &&
      !isAdaptive(weaker) &&
      !isOneStep(weaker) &&
      weaker.gradients <= own.gradients,
    (weaker) => weaker.attack === "universal",
    (weaker, own) =>
      isWhiteBox(weaker) &&
      method(weaker) === method(own) &&
      startOf(weaker) > 0 &&
      startOf(own) === 0 &&
      weaker.options["alpha"] === own.options["alpha"] &&
      weaker.gradients === own.gradients,
  ];
  const byForce = (own: Figure, all: readonly Figure[]): (Figure | undefined)[] => {
    const lowest = (figures: readonly Figure[]): Figure | undefined =>
      figures.reduce<Figure | undefined>(
        (best, each) => (each.iouRatio !== null && each.iouRatio < (best?.iouRatio ?? Infinity) ? each : best),
        undefined,
      );
    const others = all.filter((each) => each !== own);
    const found = relations.map((holds) =>
      lowest(others.filter((each) => each.epsilon === own.epsilon && holds(each, own))),
    );
    const smaller = others.filter(
      (each) => each.attack === own.attack && each.source === own.source && each.epsilon < own.epsilon,
    );
    const isBroken = (better: Figure | undefined) => better && own.iouRatio! - better.iouRatio! > 0.02 + 1e-9;
    if (!isWhiteBox(own) || own.iouRatio === null) return [];
    return [...found, lowest(smaller)].filter(isBroken);
  };

  it("each has the flags of a comparison with every other one", () => {
    let flagged = 0;
    for (let seed = 0; seed < 40; seed++) {
      const all = drawn(60, seed);
      const flags = flagsIn(all);
      for (const own of all) {
        const expected = byForce(own, all).map((better) => {
          const { attack, epsilon, source, iouRatio } = better!;
          return { attack, epsilon, source, iouRatio };
        });
        expect(flags(own).map(({ by }) => by)).toEqual(expected);
        flagged += expected.length;
      }
      const quoted = all.filter(isWhiteBox).filter(({ iouRatio }) => iouRatio !== null);
      const least = Math.min(...quoted.map(({ iouRatio }) => iouRatio!));
      expect(quotedOf(all)).toBe(quoted.find(({ iouRatio }) => iouRatio === least));
    }
    expect(flagged).toBeGreaterThan(1000);
  });

  it("all take little more than twice the comparisons where there are twice as many", () => {
    const readsOf = (count: number): number => {
      let reads = 0;
      const all = drawn(count, 1).map((each) =>
        Object.defineProperty(each, "iouRatio", { get: () => ((reads += 1), each.gradients / 100) }),
      );
      const flags = flagsIn(all);
      for (const own of all) flags(own);
      return reads / count;
    };
    expect(readsOf(4000) / readsOf(500)).toBeLessThan(2);
  });
});
