/**
 * The claims of Arnab, Miksik and Torr, each with the figure that decides it. A figure is compared with a bound: the claim holds where its
 * whole interval lies on one side, fails where it lies on the other, and is undecided else.
 */

import type { Choice, Evidence, Figure, Score } from "./evidence.ts";
import { EOT_DRAWS, networks, others, paperAttacks, randomised, scales, single, withCrf, withoutCrf } from "./parts.ts";
import { concordance, spearman } from "./statistics.ts";

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

/** The rows of one part, or of several together; null where one has none. */
export type Parts = (...names: readonly string[]) => Evidence | null;

/** What is known of a network beside the rows. */
export interface Facts {
  /** mIoU of the whole of CamVid test. */
  readonly clean: number;
  readonly parameters: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const ratios = (scores: readonly Score[]): number[] => scores.map(({ ratio }) => ratio);

/** The mean IoU ratio of the first half of the choices minus that of the second half. */
const halves = (scores: readonly Score[]): number => {
  const half = scores.length / 2;
  return mean(ratios(scores.slice(0, half))) - mean(ratios(scores.slice(half)));
};

const difference = (evidence: Evidence, own: readonly Choice[], other: readonly Choice[]): Figure => {
  if (own.length !== other.length) throw new Error(`${own.length} against ${other.length} choices`);
  return evidence.figure([...own, ...other], halves);
};

type Where = Omit<Choice, "network" | "attack" | "epsilon">;

const grid = (
  names: readonly string[],
  attacks: readonly string[],
  radii: readonly number[],
  where: Where = {},
): Choice[] =>
  names.flatMap((network) =>
    attacks.flatMap((attack) => radii.map((epsilon) => ({ network, attack, epsilon, ...where }))),
  );

const radii = [0.25, 2, 8] as const;
const visible = [2, 8] as const;

/** Rank correlation of something known of the networks with their mean IoU ratio. */
const rankFigure = (evidence: Evidence, known: (network: string) => number): Figure => {
  const cells = paperAttacks.length * visible.length;
  return evidence.figure(grid(networks, paperAttacks, visible), (scores) =>
    spearman(
      networks.map(known),
      networks.map((_, i) => mean(ratios(scores.slice(i * cells, (i + 1) * cells)))),
    ),
  );
};

/** Beyond it one order predicts the other for practical purposes: half of the variance of the ranks. */
const STRONG = 0.7;

const onNetworks = (evidence: Evidence, factsOf: (network: string) => Facts): Claim[] => {
  const body = (head: string) =>
    difference(evidence, grid([`${head}-resnet`], paperAttacks, radii), grid([`${head}-vgg`], paperAttacks, radii));
  const cleanRank = rankFigure(evidence, (network) => factsOf(network).clean);
  const sizeRank = rankFigure(evidence, (network) => factsOf(network).parameters);
  const cells = grid(networks, paperAttacks, radii);
  const perNetwork = paperAttacks.length * radii.length;
  const agreement = evidence.figure(cells, (scores) =>
    mean(
      Array.from({ length: perNetwork }, (_, cell) => {
        const own = networks.map((_network, i) => scores[i * perNetwork + cell]!);
        return concordance(
          own.map(({ ratio }) => ratio),
          own.map(({ miou }) => miou),
        );
      }),
    ),
  );
  const least = grid(networks, paperAttacks, [0.25]);
  const rounded = evidence.rounded(least);
  return [
    {
      id: "C1",
      claim: "ResNet bodies are more robust than VGG under the same head",
      tests: ["fcn8s", "deeplab-v2"].map((head) => ({
        what: `IoU ratio of ${head}-resnet minus that of ${head}-vgg, mean of four attacks at ε = 0.25, 2, 8`,
        figure: body(head),
        side: "above" as const,
        bound: 0,
      })),
      caveat: "Two heads; the bodies are slim (width 3/16), and those of ResNet have fewer parameters here.",
    },
    {
      id: "C2",
      claim: "Clean accuracy does not order robustness",
      tests: [
        {
          what: `rank correlation of clean mIoU (233 images) with the mean IoU ratio at ε = 2, 8, over ${networks.length} networks`,
          figure: cleanRank,
          side: "below",
          bound: STRONG,
        },
      ],
      caveat: `“Does not order” is put as a rank correlation below ${STRONG}. The interval is over images; the networks are not a sample of all networks.`,
    },
    {
      id: "C3",
      claim: "The number of parameters does not predict robustness",
      tests: [
        {
          what: "rank correlation of parameters with the mean IoU ratio at ε = 2, 8",
          figure: sizeRank,
          side: "below",
          bound: STRONG,
        },
        { what: "the same from the other side", figure: sizeRank, side: "above", bound: -STRONG },
      ],
      caveat:
        "All networks are small, from 0.38 to 1.04 million parameters; variants of one file have the same number.",
    },
    {
      id: "C10",
      claim: "ε = 0.25 already hurts in float",
      tests: [
        {
          what: `mean IoU ratio at ε = 0.25 over ${networks.length} networks and four attacks`,
          figure: evidence.figure(least, (scores) => mean(ratios(scores))),
          side: "below",
          bound: 1,
        },
      ],
      caveat: `Rounded to 8 bits the same images leave a mean IoU ratio of ${(100 * rounded).toFixed(1)} %: no file of 8 bits holds this perturbation.`,
    },
    {
      id: "C11",
      claim: "The order of networks under IoU ratio is that under IoU in most cases",
      tests: [
        {
          what: "share of pairs of networks in the same order, mean over four attacks at three radii",
          figure: agreement,
          side: "above",
          bound: 0.75,
        },
      ],
      caveat: "“Most” is put as three of four pairs.",
    },
  ];
};

const onScales = (evidence: Evidence): Claim[] => {
  const attacks = ["fgsm", "ifgsm-ii"];
  const alone = scales.slice(0, 3);
  const multi = "deeplab-v2-resnet-multiscale";
  const full = "deeplab-v2-resnet";
  /** Scored on each network, made on each source that is another. */
  const transferred = (targets: readonly string[], sources: readonly string[], own: readonly string[]): Choice[] =>
    sources.flatMap((source) =>
      targets.filter((target) => target !== source).flatMap((target) => grid([target], own, [8], { source })),
    );
  const across = transferred(alone, alone, attacks);
  const within = alone.flatMap((scale) => [...grid([scale], attacks, [8]), ...grid([scale], attacks, [8])]);
  const strongest = (scores: readonly Score[]): number => {
    const per = scores.length / scales.length;
    const means = scales.map((_, i) => mean(ratios(scores.slice(i * per, (i + 1) * per))));
    return means.at(-1)! - Math.min(...means.slice(0, -1));
  };
  const black = (attack: string) => transferred([...scales, ...others], alone, [attack]);
  return [
    {
      id: "C5",
      claim: "Multiscale processing adds robustness, and what is made at one scale transfers poorly to another",
      tests: [
        {
          what: "IoU ratio of the multiscale network minus that at 100 %, FGSM and I-FGSM II at ε = 8, each attacked itself",
          figure: difference(evidence, grid([multi], attacks, [8]), grid([full], attacks, [8])),
          side: "above",
          bound: 0,
        },
        {
          what: "IoU ratio at a scale under what was made at another, minus under what was made at itself",
          figure: difference(evidence, across, within),
          side: "above",
          bound: 0,
        },
      ],
      caveat:
        "One network, whose scales were fused by the maximum without training for it: its clean mIoU is below that at 100 %.",
    },
    {
      id: "C6",
      claim: "The multiscale network is the strongest source of black-box attacks",
      tests: [
        {
          what: `mean IoU ratio of ${others.join(", ")} under what was made on the multiscale network, minus under the best source of one scale`,
          figure: evidence.figure(transferred([...others], [...scales], attacks), strongest),
          side: "below",
          bound: 0,
        },
      ],
      caveat: "The best single scale is chosen after the fact, in every draw: that makes the claim harder to meet.",
    },
    {
      id: "C7",
      claim: "Single-step attacks transfer better than iterative ones",
      tests: [
        {
          what: "IoU ratio under transferred FGSM minus under transferred I-FGSM II, from each single scale to six other networks",
          figure: difference(evidence, black("fgsm"), black("ifgsm-ii")),
          side: "below",
          bound: 0,
        },
      ],
      caveat: "At ε = 8 alone; I-FGSM II aims at the least likely classes of its source.",
    },
  ];
};

/** @param plain the rows of the network with the CRF and of that without, whose images are compared. */
const onCrf = (crf: Evidence, plain: Evidence): Claim[] => {
  const attackedAtUnary: Where = { around: ({ crf: own }) => own !== undefined };
  const untargeted = ["fgsm", "ifgsm"];
  const targeted = ["fgsm-ii", "ifgsm-ii"];
  const against = (attacks: readonly string[]): Figure =>
    difference(plain, grid([withCrf], attacks, [8]), grid([withoutCrf], attacks, [8]));
  return [
    {
      id: "C8",
      claim: "A CRF resists untargeted attacks",
      tests: [
        {
          what: `IoU ratio of ${withCrf} minus that of ${withoutCrf}, FGSM and I-FGSM at ε = 8, through the CRF`,
          figure: against(untargeted),
          side: "above",
          bound: 0,
        },
      ],
      caveat: "The CRF was not trained with the network, and its message passing is differentiated, kernels included.",
    },
    {
      id: "C9",
      claim: "Attacking the network before the CRF circumvents it, and it does not resist targeted attacks",
      tests: [
        {
          what: "IoU ratio behind the CRF when the network before it is attacked, minus when the attack goes through, untargeted",
          figure: difference(crf, grid([withCrf], untargeted, [8], attackedAtUnary), grid([withCrf], untargeted, [8])),
          side: "below",
          bound: 0,
        },
        {
          what: `IoU ratio of ${withCrf} minus that of ${withoutCrf}, FGSM II and I-FGSM II at ε = 8`,
          figure: against(targeted),
          side: "below",
          bound: 0.05,
        },
      ],
      caveat: "“Does not resist” is put as a gain of less than 5 points.",
    },
  ];
};

const onHigh = (evidence: Evidence): Claim => ({
  id: "C4",
  claim: "On road scenes a single step at high ε hurts as much as I-FGSM II",
  tests: [
    {
      what: `IoU ratio under FGSM minus under I-FGSM II at ε = 32, mean of ${single.length} networks`,
      figure: difference(evidence, grid(single, ["fgsm"], [32]), grid(single, ["ifgsm-ii"], [32])),
      side: "below",
      bound: 0.02,
    },
  ],
  caveat: "“As much” is put as at most 2 points less harm.",
});

const onRandom = (evidence: Evidence): Claim => {
  const behind =
    (through: string | undefined, draws: number | undefined): Required<Where>["around"] =>
    (around) =>
      around.transform !== undefined && around.through === through && around.draws === draws;
  const at = (around?: Required<Where>["around"]): Choice[] =>
    grid(randomised, ["ifgsm"], [8], around === undefined ? {} : { around });
  return {
    id: "C12",
    claim: "Randomised transformations help until the attacker takes the expectation over them",
    tests: [
      {
        what: "IoU ratio behind a random scale and place, attacked without it, minus that of the network alone; I-FGSM at ε = 8",
        figure: difference(evidence, at(behind("naive", undefined)), at()),
        side: "above",
        bound: 0,
      },
      {
        what: `IoU ratio under the expectation over ${EOT_DRAWS} draws minus under the attack without it`,
        figure: difference(evidence, at(behind(undefined, EOT_DRAWS)), at(behind("naive", undefined))),
        side: "below",
        bound: 0,
      },
    ],
    caveat: "Two networks, one transformation (reduced to 80 to 100 %, anywhere in its frame), ten steps.",
  };
};

/** The claims for which there are rows, in their order. */
export const claimsOf = (parts: Parts, factsOf: (network: string) => Facts): Claim[] => {
  const [all, scale, crf, high, random] = ["networks", "scales", "crf", "high", "random"].map((name) => parts(name));
  const both = parts("networks", "crf");
  const claims = [
    ...(all ? onNetworks(all, factsOf) : []),
    ...(scale ? onScales(scale) : []),
    ...(crf && both ? onCrf(crf, both) : []),
    ...(high ? [onHigh(high)] : []),
    ...(random ? [onRandom(random)] : []),
  ];
  return claims.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
};

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
export const decided = ({ tests }: Claim): Verdict => {
  const verdicts = tests.map(verdictOf);
  if (verdicts.includes("no")) return "no";
  return verdicts.every((verdict) => verdict === "yes") ? "yes" : "undecided";
};
