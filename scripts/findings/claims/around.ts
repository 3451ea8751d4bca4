/** Claims on what stands around a network, a CRF or random transformations, and on a single step at a high radius. */

import type { Choice, Evidence } from "../evidence.ts";
import { EOT_DRAWS, randomised, single, withCrf, withoutCrf } from "../parts.ts";
import { difference, grid, type Claim, type Test, type Threat, type Where } from "./claim.ts";

export const untargeted: Threat = { attacks: ["fgsm", "ifgsm"], radii: [8], name: "FGSM and I-FGSM at ε = 8" };
const targeted: Threat = { attacks: ["fgsm-ii", "ifgsm-ii"], radii: [8], name: "FGSM II and I-FGSM II at ε = 8" };

const gain = (evidence: Evidence, threat: Threat): Pick<Test, "what" | "figure"> => ({
  what: `IoU ratio of ${withCrf} minus that of ${withoutCrf} under ${threat.name}, through the CRF`,
  figure: difference(evidence, grid([withCrf], threat), grid([withoutCrf], threat)),
});

export const crfTest = (evidence: Evidence, threat: Threat): Test => ({
  ...gain(evidence, threat),
  side: "above",
  bound: 0,
});

export const stepTest = (
  evidence: Evidence,
  names: readonly string[],
  [one, many]: readonly [string, string],
  radius: number,
): Test => ({
  what: `IoU ratio under ${one} minus under ${many} at ε = ${radius}, mean of ${names.length} networks`,
  figure: difference(
    evidence,
    grid(names, { attacks: [one], radii: [radius] }),
    grid(names, { attacks: [many], radii: [radius] }),
  ),
  side: "below",
  bound: 0.02,
});

export const aroundClaims = {
  C4: "On road scenes a single step at high ε hurts as much as I-FGSM II",
  C8: "A CRF resists untargeted attacks",
  C9: "Attacking the network before the CRF circumvents it, and it does not resist targeted attacks",
  C12: "Randomised transformations help until the attacker takes the expectation over them",
} as const;

/** @param plain the rows of the network with the CRF and of that without, whose images are compared. */
export const onCrf = (crf: Evidence, plain: Evidence): Claim[] => {
  const attackedAtUnary: Where = { around: ({ crf: own }) => own !== undefined };
  return [
    {
      id: "C8",
      claim: aroundClaims.C8,
      tests: [crfTest(plain, untargeted)],
      caveat: "The CRF was not trained with the network, and its message passing is differentiated, kernels included.",
    },
    {
      id: "C9",
      claim: aroundClaims.C9,
      tests: [
        {
          what: "IoU ratio behind the CRF when the network before it is attacked, minus when the attack goes through, untargeted",
          figure: difference(crf, grid([withCrf], untargeted, attackedAtUnary), grid([withCrf], untargeted)),
          side: "below",
          bound: 0,
        },
        { ...gain(plain, targeted), side: "below", bound: 0.05 },
      ],
      caveat: "“Does not resist” is put as a gain of less than 5 points.",
    },
  ];
};

export const onHigh = (evidence: Evidence): Claim => ({
  id: "C4",
  claim: aroundClaims.C4,
  tests: [stepTest(evidence, single, ["fgsm", "ifgsm-ii"], 32)],
  caveat: "“As much” is put as at most 2 points less harm.",
});

export const onRandom = (evidence: Evidence): Claim => {
  const behind =
    (through: string | undefined, draws: number | undefined): Required<Where>["around"] =>
    (around) =>
      around.transform !== undefined && around.through === through && around.draws === draws;
  const at = (around?: Required<Where>["around"]): Choice[] =>
    grid(randomised, { attacks: ["ifgsm"], radii: [8] }, around === undefined ? {} : { around });
  return {
    id: "C12",
    claim: aroundClaims.C12,
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
