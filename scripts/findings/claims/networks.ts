/** Claims on the networks side by side. */

import type { Evidence, Figure } from "../evidence.ts";
import { networks, paperAttacks } from "../parts.ts";
import { concordance, mean, spearman } from "../statistics.ts";
import { difference, grid, ratios, type Claim, type Test, type Threat } from "./claim.ts";

/** What is known of a network beside the rows. */
export interface Facts {
  /** mIoU of the whole of CamVid test. */
  readonly clean: number;
  readonly parameters: number;
}

export type FactsOf = (network: string) => Facts;

/** Beyond it one order predicts the other for practical purposes: half of the variance of the ranks. */
const STRONG = 0.7;

const all: Threat = { attacks: paperAttacks, radii: [0.25, 2, 8], name: "four attacks at ε = 0.25, 2, 8" };
const visible: Threat = { attacks: paperAttacks, radii: [2, 8], name: "four attacks at ε = 2, 8" };
const least: Threat = { attacks: paperAttacks, radii: [0.25], name: "four attacks at ε = 0.25" };

/** Rank correlation of something known of the networks with their mean IoU ratio. */
const rankFigure = (
  evidence: Evidence,
  names: readonly string[],
  threat: Threat,
  known: (network: string) => number,
): Figure => {
  const cells = threat.attacks.length * threat.radii.length;
  return evidence.figure(grid(names, threat), (scores) =>
    spearman(
      names.map(known),
      names.map((_, i) => mean(ratios(scores.slice(i * cells, (i + 1) * cells)))),
    ),
  );
};

export const bodyTests = (evidence: Evidence, threat: Threat): Test[] =>
  ["fcn8s", "deeplab-v2"].map((head) => ({
    what: `IoU ratio of ${head}-resnet minus that of ${head}-vgg under ${threat.name}`,
    figure: difference(evidence, grid([`${head}-resnet`], threat), grid([`${head}-vgg`], threat)),
    side: "above",
    bound: 0,
  }));

/** That it orders them in neither direction. */
const rankTests = (
  evidence: Evidence,
  names: readonly string[],
  threat: Threat,
  [what, known]: readonly [string, (network: string) => number],
): Test[] => {
  const figure = rankFigure(evidence, names, threat, known);
  return [
    {
      what: `rank correlation of ${what} with the IoU ratio under ${threat.name}, over ${names.length} networks`,
      figure,
      side: "below",
      bound: STRONG,
    },
    { what: "the same from the other side", figure, side: "above", bound: -STRONG },
  ];
};

export const cleanTests = (evidence: Evidence, names: readonly string[], threat: Threat, factsOf: FactsOf): Test[] =>
  rankTests(evidence, names, threat, ["clean mIoU (233 images)", (network) => factsOf(network).clean]);

export const sizeTests = (evidence: Evidence, names: readonly string[], threat: Threat, factsOf: FactsOf): Test[] =>
  rankTests(evidence, names, threat, ["parameters", (network) => factsOf(network).parameters]);

export const orderTest = (evidence: Evidence, names: readonly string[], threat: Threat): Test => {
  const perNetwork = threat.attacks.length * threat.radii.length;
  const agreement = evidence.figure(grid(names, threat), (scores) =>
    mean(
      Array.from({ length: perNetwork }, (_, cell) => {
        const own = names.map((_network, i) => scores[i * perNetwork + cell]!);
        return concordance(
          own.map(({ ratio }) => ratio),
          own.map(({ miou }) => miou),
        );
      }),
    ),
  );
  return {
    what: `share of pairs of networks in the same order under ${threat.name}`,
    figure: agreement,
    side: "above",
    bound: 0.75,
  };
};

export const networkClaims = {
  C1: "ResNet bodies are more robust than VGG under the same head",
  C2: "Clean accuracy does not order robustness",
  C3: "The number of parameters does not predict robustness",
  C10: "ε = 0.25 already hurts in float",
  C11: "The order of networks under IoU ratio is that under IoU in most cases",
} as const;

export const onNetworks = (evidence: Evidence, factsOf: FactsOf): Claim[] => {
  const rounded = evidence.rounded(grid(networks, least));
  return [
    {
      id: "C1",
      claim: networkClaims.C1,
      tests: bodyTests(evidence, all),
      caveat: "Two heads; the bodies are slim (width 3/16), and those of ResNet have fewer parameters here.",
    },
    {
      id: "C2",
      claim: networkClaims.C2,
      tests: cleanTests(evidence, networks, visible, factsOf),
      caveat: `“Does not order” is put as a rank correlation between −${STRONG} and ${STRONG}: a strong negative one would be an order too, in which the more accurate network keeps the smaller share. The interval is over images; the networks are not a sample of all networks.`,
    },
    {
      id: "C3",
      claim: networkClaims.C3,
      tests: sizeTests(evidence, networks, visible, factsOf),
      caveat:
        "All networks are small, from 0.38 to 1.04 million parameters; variants of one file have the same number.",
    },
    {
      id: "C10",
      claim: networkClaims.C10,
      tests: [
        {
          what: `mean IoU ratio of ${networks.length} networks under ${least.name}`,
          figure: evidence.figure(grid(networks, least), (scores) => mean(ratios(scores))),
          side: "below",
          bound: 1,
        },
      ],
      caveat: `Rounded to 8 bits the same images leave a mean IoU ratio of ${(100 * rounded).toFixed(1)} %: no file of 8 bits holds this perturbation.`,
    },
    {
      id: "C11",
      claim: networkClaims.C11,
      tests: [orderTest(evidence, networks, all)],
      caveat: "“Most” is put as three of four pairs.",
    },
  ];
};
