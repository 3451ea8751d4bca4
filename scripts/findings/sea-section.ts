/** What changes when the claims are put to the networks under SEA. */

import { crfAgain, networksAgain, scalesAgain, type Again } from "./claims/sea.ts";
import { decidedBy } from "./claims/claim.ts";
import type { FactsOf } from "./claims/networks.ts";
import type { Choice, Evidence } from "./evidence.ts";
import { SEA_CRF_STEPS, SEA_STEPS, SEA_TRANSFER_STEPS, strong } from "./parts.ts";
import type { Parts } from "./claims.ts";
import { mean, spearman } from "./statistics.ts";
import { ratio, shown, table } from "./words.ts";

const perNetwork = (evidence: Evidence): string => {
  const at = (network: string, attack: string): Choice => ({ network, attack, epsilon: 4 });
  const pairs = strong.map((network) => [at(network, "ifgsm"), at(network, "sea")] as const);
  const rows = pairs.map(([weak, sea]) => [
    weak.network,
    ratio(evidence, weak),
    ratio(evidence, sea),
    shown(evidence.figure([sea, weak], ([a, b]) => a!.ratio - b!.ratio)),
  ]);
  const choices = pairs.flatMap(([weak, sea]) => [sea, weak]);
  const change = evidence.figure(choices, (scores) =>
    mean(strong.map((_, i) => scores[2 * i]!.ratio - scores[2 * i + 1]!.ratio)),
  );
  const order = evidence.figure(choices, (scores) =>
    spearman(
      strong.map((_, i) => scores[2 * i]!.ratio),
      strong.map((_, i) => scores[2 * i + 1]!.ratio),
    ),
  );
  return `SEA (Croce, Singh, Hein 2024) with ${SEA_STEPS} steps for each of its three losses, away from the labels of the data set, against I-FGSM (5 steps, away from the prediction), both at
ε = 4, over ${change.images} images. On average SEA moves the IoU ratio by ${shown(change)}. The rank correlation of the ${strong.length} networks' IoU ratios under the two is ${shown(order, 2)}.

${table(["network", "I-FGSM", "SEA", "difference [95 %]"], rows)}`;
};

/** By the verdict under the paper's attacks, then by that under SEA. */
const outcomes = {
  yes: { yes: "it survives", no: "**it falls**", undecided: "no longer decided" },
  no: { yes: "**it rises**", no: "it fails under both", undecided: "no longer decided" },
  undecided: { yes: "it holds under SEA", no: "**it fails under SEA**", undecided: "undecided" },
} as const;

const outcome = ({ before, after }: Again): string => outcomes[decidedBy(before)][decidedBy(after)];

const againRow = (again: Again): string[] => {
  const said = (tests: Again["before"]): string =>
    `${tests.map(({ figure }) => shown(figure)).join("; ")}: ${decidedBy(tests)}`;
  return [again.id, again.claim, said(again.before), said(again.after), outcome(again)];
};

export const seaSection = (evidence: Evidence, of: Parts, factsOf: FactsOf): string => {
  const [crf, transfer] = [of("sea-crf"), of("scales", "sea-transfer")];
  const again = [
    ...networksAgain(evidence, factsOf),
    ...(crf ? [crfAgain(crf)] : []),
    ...(transfer ? scalesAgain(transfer) : []),
  ].toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  return `## What SEA changes

${perNetwork(evidence)}

Each claim again, on the images that SEA was run on: first under the paper's attacks at SEA's radius, then under SEA. The figures are those of the claim above, in its order.

${table(["", "claim", "the paper's attacks", "SEA", "so"], again.map(againRow))}

C4 is put at ε = 4: FGSM against I-FGSM II, and against SEA. C5, C6 and C7 are put at ε = 8, with ${SEA_TRANSFER_STEPS} steps of SEA for each loss; after SEA, C7 compares FGSM with it. C8 has ${SEA_CRF_STEPS} steps, as a gradient through the CRF is dear.
C10 cannot fall: what hurts at ε = 0.25 hurts no less under a stronger attack. C9 is about attacks on the network before the CRF and about targeted ones, C12 about the expectation over draws; neither is put to SEA.`;
};
