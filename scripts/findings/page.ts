/** `docs/findings.md`, from the rows that are kept. */

import { percent } from "../../src/report/format.ts";
import { claimsOf, decided, MIN_DECISIVE, verdictOf, type Claim, type Facts, type Parts, type Test } from "./claims.ts";
import type { PartFacts } from "./compact.ts";
import { REPLICATES, type Choice, type Evidence, type Figure } from "./evidence.ts";
import { networks, others, paperAttacks, parts, scales, strong } from "./parts.ts";
import { spearman } from "./statistics.ts";

export interface Sources {
  readonly of: Parts;
  readonly facts: Readonly<Record<string, PartFacts>>;
  readonly factsOf: (network: string) => Facts;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** In points of 0 to 100 or, for correlations, as they are. */
const shown = ({ value, interval }: Figure, digits = 3): string => {
  const text = (x: number): string => x.toFixed(digits).replace("-", "−");
  return `${text(value)}${interval ? ` [${text(interval.low)}, ${text(interval.high)}]` : ""}`;
};

const ratioFigure = (evidence: Evidence, choices: readonly Choice[]): Figure =>
  evidence.figure(choices, (scores) => mean(scores.map(({ ratio }) => ratio)));

const ratio = (evidence: Evidence, choice: Choice): string => percent(ratioFigure(evidence, [choice]).value);

const sign = { above: ">", below: "<" } as const;

const testText = (test: Test): string =>
  `${test.what}: **${shown(test.figure)}**, for the claim ${sign[test.side]} ${String(test.bound).replace("-", "−")} (${verdictOf(test)}; ${test.figure.images} images)`;

const claimRow = (claim: Claim): string[] => [
  claim.id,
  claim.claim,
  `**${decided(claim)}**`,
  claim.tests.map((test) => shown(test.figure)).join("; "),
  String(Math.min(...claim.tests.map(({ figure }) => figure.images))),
];

const claimsSection = (claims: readonly Claim[]): string =>
  [
    "## The claims",
    table(["", "claim", "holds here", "what decides it [95 %]", "images"], claims.map(claimRow)),
    ...claims.map(
      (claim) =>
        `**${claim.id}. ${claim.claim}: ${decided(claim)}.**\n\n${claim.tests.map((test) => `* ${testText(test)}.`).join("\n")}\n\n${claim.caveat}`,
    ),
  ].join("\n\n");

const networksSection = (evidence: Evidence, factsOf: Sources["factsOf"]): string => {
  const columns = paperAttacks.flatMap((attack) => [2, 8].map((epsilon) => ({ attack, epsilon })));
  const rows = networks.map((network) => [
    network,
    percent(factsOf(network).clean),
    ...columns.map((at) => ratio(evidence, { network, ...at })),
  ]);
  return `## Networks\n\nIoU ratio in percent, over ${evidence.images(networks.map((network) => ({ network, attack: "fgsm", epsilon: 8 })))} images of CamVid test; clean mIoU over all 233.\n\n${table(
    ["network", "clean mIoU", ...columns.map(({ attack, epsilon }) => `${attack} ${epsilon}`)],
    rows,
  )}`;
};

/** The shape of the paper's Table 1. */
const scalesSection = (evidence: Evidence): string => {
  const short = ["50 %", "75 %", "100 %", "multi"];
  const attacks = [
    ["FGSM", "fgsm"],
    ["I-FGSM II", "ifgsm-ii"],
  ] as const;
  const rows = [...scales, ...others].map((network) => [
    network,
    ...attacks.flatMap(([, attack]) =>
      scales.map((source) =>
        ratio(evidence, { network, attack, epsilon: 8, ...(source === network ? {} : { source }) }),
      ),
    ),
  ]);
  const images = evidence.images([{ network: scales[0], attack: "fgsm", epsilon: 8 }]);
  return `## What is made at one scale\n\nIoU ratio in percent at ε = 8, over ${images} images of CamVid test. Columns: the scale of DeepLab v2 (ResNet) on which the image was made; rows: the network
on which it was scored. The shape is that of the paper's Table 1, the networks and the data are not.\n\n${table(
    ["scored on", ...attacks.flatMap(([title]) => short.map((scale) => `${title}, ${scale}`))],
    rows,
  )}`;
};

const seaSection = (evidence: Evidence): string => {
  const at = (network: string, attack: string): Choice => ({ network, attack, epsilon: 4 });
  const pairs = strong.map((network) => [at(network, "ifgsm"), at(network, "sea")] as const);
  const rows = pairs.map(([weak, sea]) => [
    weak.network,
    ratio(evidence, weak),
    ratio(evidence, sea),
    shown(evidence.figure([sea, weak], ([a, b]) => a!.ratio - b!.ratio)),
  ]);
  const change = evidence.figure(
    pairs.flatMap(([weak, sea]) => [sea, weak]),
    (scores) => mean(strong.map((_, i) => scores[2 * i]!.ratio - scores[2 * i + 1]!.ratio)),
  );
  const order = evidence.figure(
    pairs.flatMap(([weak, sea]) => [sea, weak]),
    (scores) =>
      spearman(
        strong.map((_, i) => scores[2 * i]!.ratio),
        strong.map((_, i) => scores[2 * i + 1]!.ratio),
      ),
  );
  return `## What SEA changes\n\nSEA (Croce, Singh, Hein 2024) with 30 steps for each of its three losses, away from the labels of the data set, against I-FGSM (5 steps, away from the prediction), both at
ε = 4, over ${change.images} images. On average SEA moves the IoU ratio by ${shown(change)}. The rank correlation of the ${strong.length} networks' IoU ratios under the two is ${shown(order, 2)}.\n\n${table(
    ["network", "I-FGSM", "SEA", "difference [95 %]"],
    rows,
  )}`;
};

const streetsSection = (evidence: Evidence, camvid: Evidence): string => {
  const choices = networks.map((network): Choice => ({ network, attack: "ifgsm-ii", epsilon: 8 }));
  const values = (own: Evidence): number[] => choices.map((choice) => ratioFigure(own, [choice]).value);
  const rho = spearman(values(evidence), values(camvid));
  const rows = networks.map((network) => [
    network,
    ...[0.25, 8].flatMap((epsilon) =>
      ["fgsm", "ifgsm-ii"].map((attack) => ratio(evidence, { network, attack, epsilon })),
    ),
  ]);
  return `## Synthetic streets\n\nIoU ratio in percent, over ${evidence.images(choices)} scenes. The rank correlation with CamVid under I-FGSM II at ε = 8 is ${rho.toFixed(2).replace("-", "−")}; it has no interval, as the two have no
images in common.\n\n${table(["network", "fgsm 0.25", "ifgsm-ii 0.25", "fgsm 8", "ifgsm-ii 8"], rows)}`;
};

const provenance = (facts: Sources["facts"]): string => {
  const rows = parts.flatMap(({ name, about }) => {
    const own = facts[name];
    return own ? [[`[${name}](findings/${name}.jsonl)`, about, String(own.images), String(own.rows)]] : [];
  });
  const [first] = Object.values(facts);
  const { faultline, onnxruntime, node } = first!.versions;
  return `## What was run\n\nThe networks are those that ship, in int8, attacked with the straight-through gradient, at 480×360, with the paper's α and numbers of steps. faultline ${faultline}, ${onnxruntime}, Node ${node},
one thread. Each part's pictures are the first of one random order of the test set, so that more rounds add to them. A row holds the counts of one image ([evaluate.md](evaluate.md#the-rows)).\n\n${table(
    ["part", "what", "images", "rows"],
    rows,
  )}\n\n\`\`\`sh\nnpm run findings -- --camvid DIR --rounds 20\nnpm run findings\n\`\`\`\n\nThe first command goes on where it was stopped and adds pictures to every part, round after round; DIR holds the folder \`test\` with \`images\` and \`labels\` in it. The second writes this page from the
rows in \`docs/findings\`.`;
};

/** @throws Error where there are no rows at all. */
export const findingsPage = ({ of, facts, factsOf }: Sources): string => {
  const claims = claimsOf(of, factsOf);
  const [all, scale, sea, streets] = ["networks", "scales", "sea", "streets"].map((name) => of(name));
  const verdicts = claims.map(decided);
  const count = (verdict: string): number => verdicts.filter((own) => own === verdict).length;
  const fewest = Math.min(...Object.values(facts).map(({ images }) => images));
  const most = Math.max(...Object.values(facts).map(({ images }) => images));
  return `${[
    "<!-- Written by `npm run findings` from the rows in docs/findings. -->\n\n# Findings",
    `The claims of Arnab, Miksik and Torr (CVPR 2018), put to the slim networks that ship with Faultline, on CamVid test and on synthetic streets. Of ${claims.length} claims ${count("yes")} hold here, ${count("no")} do not, and ${count("undecided")} are undecided. **This is a small run: ${fewest === most ? most : `${fewest} to ${most}`} images a part.** Nothing here is a figure of the paper: networks and data are others, and its
protocol alone is the same.`,
    `A claim holds where the whole 95 % interval of its figure lies on its side of the bound, fails where the whole interval lies on the other side, and is undecided else, and
with fewer than ${MIN_DECISIVE} images, on which even a coin may agree with itself. Intervals come from a
bootstrap over images (${REPLICATES} draws), expanded for their small number (Hesterberg 2015); they say nothing of other networks. They are not corrected for the number of claims.
Scores are of images as computed, not rounded to 8 bits. Counts are pooled over the images before IoU ratios are taken.`,
    claimsSection(claims),
    ...(all ? [networksSection(all, factsOf)] : []),
    ...(scale ? [scalesSection(scale)] : []),
    ...(sea ? [seaSection(sea)] : []),
    ...(streets && all ? [streetsSection(streets, all)] : []),
    provenance(facts),
  ].join("\n\n")}\n`;
};
