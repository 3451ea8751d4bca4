/** The tables of the page, each over the images that its rows share. */

import { percent } from "../../src/report/format.ts";
import type { FactsOf } from "./claims/networks.ts";
import type { Choice, Evidence, Figure } from "./evidence.ts";
import { fixedTransforms, networks, others, paperAttacks, randomised, scales, single } from "./parts.ts";
import { printed } from "./printed.ts";
import { spearman } from "./statistics.ts";
import { canonicalJson } from "../../src/evaluation/row.ts";
import { twoSigmaOf } from "../../src/report/surroundings.ts";
import { ratio, ratioFigure, table } from "./words.ts";

export const networksSection = (evidence: Evidence, factsOf: FactsOf): string => {
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

export const curvesSection = (evidence: Evidence): string => {
  const images = evidence.images(single.map((network) => ({ network, attack: "fgsm", epsilon: 8 })));
  return `## At every radius

IoU ratio of ${single.length} networks against ε, with 95 % bands, over ${images} images of CamVid test. The shape is that of the paper's Figures 3, 9 and 10.

![IoU ratio against ε under four attacks](findings/curves.svg)`;
};

/** The shape of the paper's Table 1. */
export const scalesSection = (evidence: Evidence): string => {
  const short = ["50 %", "75 %", "100 %", "multi"];
  const attacks = [
    ["FGSM", "fgsm"],
    ["I-FGSM II", "ifgsm-ii"],
  ] as const;
  const at = (network: string, attack: string, source: string): Figure =>
    ratioFigure(evidence, [{ network, attack, epsilon: 8, ...(source === network ? {} : { source }) }]);
  const rows = [...scales, ...others].map((network) => [
    network,
    ...attacks
      .flatMap(([, attack]) => scales.map((source) => at(network, attack, source)))
      .map((figure, i) => `${percent(figure.value)} (${printed[network]![i]!.toFixed(1)})`),
  ]);
  const cells = [...scales, ...others].flatMap((network) =>
    attacks.flatMap(([, attack]) => scales.map((source) => at(network, attack, source).value)),
  );
  const rho = spearman(
    cells,
    [...scales, ...others].flatMap((network) => printed[network]!),
  );
  const images = evidence.images([{ network: scales[0], attack: "fgsm", epsilon: 8 }]);
  return `## What is made at one scale\n\nIoU ratio in percent at ε = 8, over ${images} images of CamVid test. Columns: the scale of DeepLab v2 (ResNet) on which the image was made; rows: the network
on which it was scored. In parentheses stands what the paper prints in its Table 1 for networks of these names on Pascal VOC, and what these slim networks on CamVid do not reproduce; the rank
correlation of the ${cells.length} pairs is ${rho.toFixed(2)}.\n\n${table(
    ["scored on", ...attacks.flatMap(([title]) => short.map((scale) => `${title}, ${scale}`))],
    rows,
  )}`;
};

export const streetsSection = (evidence: Evidence, camvid: Evidence): string => {
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

const transformName = ({ name, ...options }: (typeof fixedTransforms)[number]): string =>
  `${name} ${Object.entries(options)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ")}`;

const NONE = "none";

/** IoU ratios behind each fixed transformation, of attacks that do not know of it. */
export const transformFigures = (evidence: Evidence) =>
  randomised.flatMap((network) =>
    ["fgsm", "ifgsm-ii"].flatMap((attack) =>
      [null, ...fixedTransforms].map((transform) => {
        const around: Pick<Choice, "around"> =
          transform === null
            ? {}
            : { around: (own) => canonicalJson(own.transform ?? null) === canonicalJson([transform]) };
        const figure = ratioFigure(evidence, [{ network, attack, epsilon: 8, ...around }]);
        return { network, attack, transform: transform === null ? NONE : transformName(transform), figure };
      }),
    ),
  );

export const transformsSection = (evidence: Evidence): string => {
  const figures = transformFigures(evidence);
  const names = [NONE, ...fixedTransforms.map(transformName)];
  const columns = randomised.flatMap((network) => ["fgsm", "ifgsm-ii"].map((attack) => ({ network, attack })));
  const rows = names.map((name) => [
    name,
    ...columns.map(({ network, attack }) => {
      const own = figures.find((one) => one.network === network && one.attack === attack && one.transform === name)!;
      return `${percent(own.figure.value)} ± ${percent(twoSigmaOf(own.figure) ?? 0)}`;
    }),
  ]);
  const images = figures[0]!.figure.images;
  return `## Behind a transformation

IoU ratio in percent ± 2σ at ε = 8, over ${images} images of CamVid test, when the attack does not know of the transformation. Clean and adversarial image pass through it, so that 100 would be all that the transformed
clean image keeps. The shape is that of the paper's Figures 6 and 7.

![IoU ratio behind transformations](findings/transforms.svg)

${table(["transformation", ...columns.map(({ network, attack }) => `${network}, ${attack}`)], rows)}`;
};
