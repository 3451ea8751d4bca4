/** The scores of certified pictures, pooled by counts, as text, data and CSV. */

import { certifiedScores, mergeCertified, type CertifiedCounts, type CertifiedScores } from "../certify/scores.ts";
import type { Tree } from "../certify/hierarchy.ts";
import { certifiedRadius, type Smoothing } from "../certify/smoothing.ts";
import { mergeCounts, scoresOf } from "../metrics/counts.ts";
import type { CertificateRow } from "../report/certificate-row.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Report } from "./command.ts";
import { csvOf, scoreText, table } from "./text.ts";

export interface CertifiedPicture {
  readonly image: string;
  /** The file's name without its ending. */
  readonly stem: string;
  /** The digest of the picture's file. */
  readonly item: string;
  /** Of the network without noise. */
  readonly clean: Pick<CertifiedCounts, "counts">;
  readonly certified: readonly (CertifiedCounts & { readonly sigma: number; readonly drawn: number })[];
}

/** The scores at one σ over all pictures. */
interface Line extends CertifiedScores {
  readonly sigma: number;
  /** L2, grey levels. */
  readonly radius: number;
  /** Draws of all tests together. */
  readonly drawn: number;
}

const linesOf = ({ pictures, smoothings, tree }: CertifyResult): readonly Line[] =>
  smoothings.map(({ sigma, tau }, i) => {
    const each = pictures.map(({ certified }) => certified[i]!);
    const drawn = each.reduce((sum, picture) => sum + picture.drawn, 0);
    const scores = certifiedScores(each.map((counts): CertifiedCounts => counts).reduce(mergeCertified), tree);
    return { sigma, radius: certifiedRadius({ sigma, tau }), drawn, ...scores };
  });

/** What a run has certified. */
export interface CertifyResult {
  readonly network: Manifest;
  readonly backend: string;
  readonly smoothings: readonly Smoothing[];
  readonly tree: Tree;
  readonly pictures: readonly CertifiedPicture[];
  /** Whether the pictures were compared with a ground truth. */
  readonly truth: boolean;
}

/** The certificates as JSON Lines, which reports read. */
export const certificateLines = ({ network: { name, sha256 }, smoothings, pictures, truth }: CertifyResult): string =>
  pictures
    .flatMap(({ stem, item, certified }) =>
      certified.map(({ drawn, counts, abstained, vertices }, i): CertificateRow => ({
        kind: "certificate",
        schema: 1,
        network: { name, sha256 },
        picture: { name: stem, sha256: item },
        reference: truth ? "ground-truth" : "prediction",
        smoothing: smoothings[i]!,
        radius: certifiedRadius(smoothings[i]!),
        drawn,
        counts,
        abstained,
        ...(vertices && { vertices }),
      })),
    )
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");

/** The shares by the height of what is certified, under the table. */
const levelsTable = (lines: readonly Line[]): string =>
  table(
    [
      [
        "σ",
        "certified or coarser",
        "wrong",
        "abstained",
        "information gain",
        "certified at each level, from classes up",
      ],
      ...lines.map(({ sigma, hierarchical }) => [
        String(sigma),
        scoreText(hierarchical!.certifiedAccuracy),
        scoreText(hierarchical!.wrongShare),
        scoreText(hierarchical!.abstainedShare),
        scoreText(hierarchical!.informationGain),
        hierarchical!.levels.map(({ certifiedAccuracy }) => scoreText(certifiedAccuracy)).join(" + "),
      ]),
    ],
    [0, 1, 2, 3, 4],
  );

export const certifyReport = (result: CertifyResult): Report => {
  const {
    network: { name, sha256, classes },
    backend,
    smoothings,
    pictures,
    truth,
  } = result;
  const lines = linesOf(result);
  const isHierarchical = lines.every(({ hierarchical }) => hierarchical !== undefined);
  const clean = scoresOf(pictures.map(({ clean: { counts } }) => counts).reduce(mergeCounts));
  const against = truth ? "the ground truth" : "the prediction without noise";
  const text = [
    `${name}, smoothed, on ${backend}, against ${against}; without noise mIoU ${scoreText(clean.miou)}, accuracy ${scoreText(clean.pixelAccuracy)}`,
    table(
      [
        ["σ", "L2 radius", "certified", "mIoU", "abstained", "wrong", "draws"],
        ...lines.map((line) => [
          String(line.sigma),
          line.radius.toFixed(2),
          scoreText(line.certifiedAccuracy),
          scoreText(line.miou),
          scoreText(line.abstainedShare),
          scoreText(line.wrongShare),
          String(line.drawn),
        ]),
      ],
      [0, 1, 2, 3, 4, 5, 6],
    ),
    ...(isHierarchical ? [levelsTable(lines)] : []),
  ].join("\n");
  const ofGroups = isHierarchical ? ["hierarchical_accuracy", "hierarchical_wrong", "information_gain"] : [];
  const csv = csvOf([
    ["sigma", "radius_l2", "certified_accuracy", "miou", "abstained", "wrong", "draws", ...ofGroups],
    ...lines.map(({ hierarchical: h, ...l }) => {
      const line = [l.sigma, l.radius, l.certifiedAccuracy, l.miou, l.abstainedShare, l.wrongShare, l.drawn];
      return h ? [...line, h.certifiedAccuracy, h.wrongShare, h.informationGain] : line;
    }),
  ]);
  const data = {
    network: name,
    networkSha256: sha256,
    classes: classes.map((each) => each.name),
    reference: truth ? "ground-truth" : "prediction",
    smoothings,
    clean,
    pooled: lines,
    images: pictures,
  };
  return { text, data, csv };
};
