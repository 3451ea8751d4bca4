/** Claims on what is made at one scale and scored at another. */

import type { Choice, Evidence, Score } from "../evidence.ts";
import { others, scales } from "../parts.ts";
import { mean } from "../statistics.ts";
import { difference, grid, ratios, type Claim, type Test, type Threat } from "./claim.ts";

const alone = scales.slice(0, 3);
const multi = "deeplab-v2-resnet-multiscale";
const full = "deeplab-v2-resnet";

/** Scored on each network, made on each source that is another. */
const transferred = (targets: readonly string[], sources: readonly string[], threat: Threat): Choice[] =>
  sources.flatMap((source) =>
    targets.filter((target) => target !== source).flatMap((target) => grid([target], threat, { source })),
  );

export const multiscaleTest = (evidence: Evidence, threat: Threat): Test => ({
  what: `IoU ratio of the multiscale network minus that at 100 %, ${threat.name}, each attacked itself`,
  figure: difference(evidence, grid([multi], threat), grid([full], threat)),
  side: "above",
  bound: 0,
});

export const acrossTest = (evidence: Evidence, threat: Threat): Test => ({
  what: `IoU ratio at a scale under what ${threat.name} made at another, minus under what was made at itself`,
  figure: difference(
    evidence,
    transferred(alone, alone, threat),
    alone.flatMap((scale) => [...grid([scale], threat), ...grid([scale], threat)]),
  ),
  side: "above",
  bound: 0,
});

const strongest = (scores: readonly Score[]): number => {
  const per = scores.length / scales.length;
  const means = scales.map((_, i) => mean(ratios(scores.slice(i * per, (i + 1) * per))));
  return means.at(-1)! - Math.min(...means.slice(0, -1));
};

export const sourceTest = (evidence: Evidence, threat: Threat): Test => ({
  what: `mean IoU ratio of ${others.join(", ")} under what ${threat.name} made on the multiscale network, minus under the best source of one scale`,
  figure: evidence.figure(transferred([...others], [...scales], threat), strongest),
  side: "below",
  bound: 0,
});

export const stepsTest = (evidence: Evidence, single: Threat, iterative: Threat): Test => ({
  what: `IoU ratio under transferred ${single.name} minus under transferred ${iterative.name}, from each single scale to six other networks`,
  figure: difference(
    evidence,
    transferred([...scales, ...others], alone, single),
    transferred([...scales, ...others], alone, iterative),
  ),
  side: "below",
  bound: 0,
});

export const fgsm: Threat = { attacks: ["fgsm"], radii: [8], name: "FGSM at ε = 8" };
export const iterative: Threat = { attacks: ["ifgsm-ii"], radii: [8], name: "I-FGSM II at ε = 8" };
export const both: Threat = { attacks: ["fgsm", "ifgsm-ii"], radii: [8], name: "FGSM and I-FGSM II at ε = 8" };

export const scaleClaims = {
  C5: "Multiscale processing adds robustness, and what is made at one scale transfers poorly to another",
  C6: "The multiscale network is the strongest source of black-box attacks",
  C7: "Single-step attacks transfer better than iterative ones",
} as const;

export const onScales = (evidence: Evidence): Claim[] => [
  {
    id: "C5",
    claim: scaleClaims.C5,
    tests: [multiscaleTest(evidence, both), acrossTest(evidence, both)],
    caveat:
      "One network, whose scales were fused by the maximum without training for it: its clean mIoU is below that at 100 %.",
  },
  {
    id: "C6",
    claim: scaleClaims.C6,
    tests: [sourceTest(evidence, both)],
    caveat: "The best single scale is chosen after the fact, in every draw: that makes the claim harder to meet.",
  },
  {
    id: "C7",
    claim: scaleClaims.C7,
    tests: [stepsTest(evidence, fgsm, iterative)],
    caveat: "At ε = 8 alone; I-FGSM II aims at the least likely classes of its source.",
  },
];
