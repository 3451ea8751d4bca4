/** Certificates beside attacks: a lower and an upper bound at each radius. */

import { plain, table, text, type Block, type Section } from "./blocks.ts";
import { boundsAt, type CertifiedAxis, type CertifiedLine } from "./certified.ts";
import { number, percent } from "./format.ts";
import { normText } from "../attacks/norms.ts";
import type { ReportData } from "./report.ts";

/** Bounds hold at radii far below 0.01. */
const radiusText = (radius: number): string =>
  radius > 0 && radius < 0.1 ? String(Number(radius.toPrecision(3))) : number(radius);

const methodOf = ({ smoothing, bound }: CertifiedLine): string =>
  smoothing
    ? `smoothed, σ = ${smoothing.sigma}`
    : `${bound?.method} bounds${bound?.pixels == null ? "" : `, ${bound.pixels} pixels`}`;

const certificatesTable = (axes: readonly CertifiedAxis[]): Block =>
  table(
    "Certificates, in percent of the pixels",
    ["network", "certified by", "norm", "radius", "images", "certified", "mIoU at least", "mIoU", "abstained", "wrong"],
    axes.flatMap((axis) =>
      axis.certificates.map((line) =>
        plain([
          axis.network,
          methodOf(line),
          normText(axis.norm),
          radiusText(line.radius),
          String(axis.images),
          percent(line.accuracy),
          percent(line.leastMiou),
          percent(line.miou),
          percent(line.abstained),
          percent(line.wrong),
        ]),
      ),
    ),
  );

/** Radii at which the table reads the axis: those of the certificates, and as many of the attacks'. */
const MAX_ROWS = 12;

const radiiOf = ({ certificates, attacks }: CertifiedAxis): readonly number[] => {
  const broken = [...new Set(attacks.map(({ radius }) => radius))];
  const some = broken.filter((_, i) => i % Math.ceil(broken.length / MAX_ROWS) === 0 || i === broken.length - 1);
  return [...new Set([...certificates.map(({ radius }) => radius), ...some])].toSorted((a, b) => a - b);
};

const strongest = ({ attacks }: CertifiedAxis, radius: number): string => {
  const within = attacks.filter((point) => point.radius <= radius && point.accuracy !== null);
  const [least] = within.toSorted((a, b) => a.accuracy! - b.accuracy!);
  return least?.attack ?? "–";
};

const boundsTable = (axes: readonly CertifiedAxis[]): Block =>
  table(
    "Bounds at radii, in percent",
    [
      "network",
      "norm",
      "radius",
      "accuracy proved",
      "accuracy unbroken",
      "strongest attack",
      "mIoU proved",
      "mIoU unbroken",
    ],
    axes.flatMap((axis) =>
      radiiOf(axis).map((radius) => {
        const { proved, unbroken } = boundsAt(axis, { above: radius, below: radius });
        return plain([
          axis.network,
          normText(axis.norm),
          radiusText(radius),
          percent(proved.accuracy),
          percent(unbroken?.accuracy),
          strongest(axis, radius),
          percent(proved.miou),
          percent(unbroken?.miou),
        ]);
      }),
    ),
  );

const levels = (lines: readonly CertifiedLine[]): string =>
  [...new Set(lines.flatMap(({ smoothing }) => (smoothing ? [String(smoothing.alpha)] : [])))].join(", ");

export const certified = (report: ReportData): Section | null => {
  const axes = report.certified;
  if (axes.length === 0) return null;
  const apart = axes.filter(({ attacks }) => attacks.length === 0);
  const through = axes.filter((axis) => axis.throughNoise);
  const smoothed = axes.filter(({ norm }) => norm === "l2");
  const ofSmoothed = [
    "A certificate by smoothing holds for the smoothed network, which takes the most frequent label under noise, while attacks climb the network itself and are scored on its single prediction. The two bound one network only as far as the smoothed labels are its own: an attack that leaves less than is proved has broken the network, not the smoothed one.",
    ...(through.length > 0
      ? [
          `${through.map(({ network }) => network).join(", ")}: attacked and scored through Gaussian noise, which is nearer to the smoothed network, but one draw of it.`,
        ]
      : []),
    `Each σ is a smoothed network of its own; at a radius the bars take the best of those whose radius reaches it. All certified labels of one picture are right with probability 1 − α (α = ${levels(axes.flatMap(({ certificates }) => certificates))}), those of N pictures together with at least 1 − N·α.`,
  ];
  const ofBounds = [
    "Certificates by bounds hold for the network itself, for every perturbation of at most ε in each channel of each pixel, float32 rounding included; pixels that linear bounds were not asked for count as not certified.",
  ];
  const caveats = [
    ...(smoothed.length > 0 ? ofSmoothed : []),
    ...(smoothed.length < axes.length ? ofBounds : []),
    "The proved mIoU is the least that any labels of the abstained pixels give: they may become false positives of other classes. The column mIoU takes them for wrong only, as SegCertify does.",
    "An attack in a ball counts from its ε on, one of minimum norm on each image from the distance of its row on, whether or not it reached its goal.",
    ...apart.map(
      ({ network }) =>
        `${network}: no image has both certificates and rows of this network against the same reference, so that nothing is compared.`,
    ),
  ];
  return {
    id: "certified",
    title: "Proved, broken, unknown",
    blocks: [
      text(
        "On one axis, the norm of the perturbation in grey levels (L2: over all pixels and channels; L∞: the largest change): the share that no perturbation below the radius can take (certificates), the share that an attack of that length did take, and between them what nobody knows.",
      ),
      { kind: "chart", chart: "certified" },
      certificatesTable(axes),
      boundsTable(axes.filter(({ attacks }) => attacks.length > 0)),
      { kind: "list", items: caveats },
    ],
  };
};
