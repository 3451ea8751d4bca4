/** The claims again under SEA, which is stronger than the attacks that they were made with. */

import type { Evidence } from "../evidence.ts";
import { paperAttacks, strong } from "../parts.ts";
import { aroundClaims, crfTest, stepTest } from "./around.ts";
import type { Test, Threat } from "./claim.ts";
import { bodyTests, cleanTests, networkClaims, orderTest, sizeTests, type FactsOf } from "./networks.ts";
import { acrossTest, both, fgsm, iterative, multiscaleTest, scaleClaims, sourceTest, stepsTest } from "./scales.ts";

export interface Again {
  readonly id: string;
  readonly claim: string;
  /** Under the attacks of the paper, on the same images. */
  readonly before: readonly Test[];
  readonly after: readonly Test[];
}

const paper: Threat = { attacks: paperAttacks, radii: [4], name: "four attacks at ε = 4" };
const untargeted: Threat = { attacks: ["fgsm", "ifgsm"], radii: [4], name: "FGSM and I-FGSM at ε = 4" };
const sea: Threat = { attacks: ["sea"], radii: [4], name: "SEA at ε = 4" };
const transferredSea: Threat = { attacks: ["sea"], radii: [8], name: "SEA at ε = 8" };

/** @param evidence of the networks under the attacks of the paper and SEA. */
export const networksAgain = (evidence: Evidence, factsOf: FactsOf): Again[] => {
  const again = (id: string, claim: string, tests: (threat: Threat) => Test[]): Again => ({
    id,
    claim,
    before: tests(paper),
    after: tests(sea),
  });
  return [
    again("C1", networkClaims.C1, (threat) => bodyTests(evidence, threat)),
    again("C2", networkClaims.C2, (threat) => cleanTests(evidence, strong, threat, factsOf)),
    again("C3", networkClaims.C3, (threat) => sizeTests(evidence, strong, threat, factsOf)),
    {
      id: "C4",
      claim: aroundClaims.C4,
      before: [stepTest(evidence, strong, ["fgsm", "ifgsm-ii"], 4)],
      after: [stepTest(evidence, strong, ["fgsm", "sea"], 4)],
    },
    again("C11", networkClaims.C11, (threat) => [orderTest(evidence, strong, threat)]),
  ];
};

/** @param evidence of the network with a CRF and without. */
export const crfAgain = (evidence: Evidence): Again => ({
  id: "C8",
  claim: aroundClaims.C8,
  before: [crfTest(evidence, untargeted)],
  after: [crfTest(evidence, sea)],
});

/** @param evidence of what FGSM, I-FGSM II and SEA made at each scale. */
export const scalesAgain = (evidence: Evidence): Again[] => [
  {
    id: "C5",
    claim: scaleClaims.C5,
    before: [multiscaleTest(evidence, both), acrossTest(evidence, both)],
    after: [multiscaleTest(evidence, transferredSea), acrossTest(evidence, transferredSea)],
  },
  {
    id: "C6",
    claim: scaleClaims.C6,
    before: [sourceTest(evidence, both)],
    after: [sourceTest(evidence, transferredSea)],
  },
  {
    id: "C7",
    claim: scaleClaims.C7,
    before: [stepsTest(evidence, fgsm, iterative)],
    after: [stepsTest(evidence, fgsm, transferredSea)],
  },
];
