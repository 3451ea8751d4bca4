/** Orders of attacks: each flag on figures that break its order, and none on figures that keep it. */

import { describe, expect, it } from "vitest";
import { bestOf, flagsOf, signsOfFlags, type Figure } from "../../src/evaluation/orders.ts";

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
