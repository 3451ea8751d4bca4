/** The scores of pictures whose margins were bounded, pooled by counts, as text, data, CSV and rows. */

import type { Bounding } from "../certify/deterministic.ts";
import { certifiedScores, mergeCertified, type CertifiedCounts, type CertifiedScores } from "../certify/scores.ts";
import { mergeCounts, scoresOf, type ClassCounts } from "../metrics/counts.ts";
import type { BoundRow } from "../report/certificate-row.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Report } from "./command.ts";
import { csvOf, scoreText, table } from "./text.ts";

export interface BoundPicture {
  readonly image: string;
  /** The file's name without its ending. */
  readonly stem: string;
  /** The digest of the picture's file. */
  readonly item: string;
  /** Of the network at the picture itself. */
  readonly clean: ClassCounts;
  readonly certified: readonly {
    readonly epsilon: number;
    /** Of all pixels: those that were not asked for are not certified, unless intervals do. */
    readonly all: CertifiedCounts;
    readonly examined: CertifiedCounts;
  }[];
  /** The largest ε at which any pixel is certified, where it was asked for. */
  readonly largest?: number;
}

export interface BoundResult {
  readonly network: Manifest;
  readonly backend: string;
  readonly bounding: Bounding;
  readonly pictures: readonly BoundPicture[];
  /** Whether the pictures were compared with a ground truth. */
  readonly truth: boolean;
}

/** The scores at one ε over the examined pixels of all pictures. */
interface Line extends CertifiedScores {
  /** L∞, grey levels. */
  readonly epsilon: number;
}

const linesOf = (pictures: readonly BoundPicture[]): readonly Line[] =>
  pictures[0]!.certified.map(({ epsilon }, i) => ({
    epsilon,
    ...certifiedScores(pictures.map(({ certified }) => certified[i]!.examined).reduce(mergeCertified)),
  }));

const referenceOf = (truth: boolean): BoundRow["reference"] => (truth ? "ground-truth" : "prediction");

/** The certificates as JSON Lines, which reports read. */
export const boundLines = ({ network: { name, sha256 }, bounding, pictures, truth }: BoundResult): string =>
  pictures
    .flatMap(({ stem, item, certified }) =>
      certified.map(({ epsilon, all: { counts, abstained } }): BoundRow => ({
        kind: "certificate",
        schema: 1,
        network: { name, sha256 },
        picture: { name: stem, sha256: item },
        reference: referenceOf(truth),
        bound: { method: bounding.method, pixels: bounding.method === "linear" ? bounding.pixels : null },
        radius: epsilon,
        counts,
        abstained,
      })),
    )
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");

const largestText = ({ image, largest }: BoundPicture): readonly string[] => {
  if (largest === undefined) return [];
  const at = largest === 0 ? "none, however small" : `${largest.toPrecision(3)} grey levels`;
  return [`${image}: largest ε at which any pixel is certified: ${at}`];
};

export const boundReport = (result: BoundResult): Report => {
  const { network, backend, bounding, pictures, truth } = result;
  const lines = linesOf(pictures);
  const clean = scoresOf(pictures.map((picture) => picture.clean).reduce(mergeCounts));
  const { method, rounding, pixels } = bounding;
  const of = method === "linear" ? `, of ${pixels} pixels of each picture` : "";
  const against = truth ? "the ground truth" : "the prediction at the picture";
  const text = [
    `${network.name}, ${method} bounds${of}, rounding ${rounding}, on ${backend}, against ${against}; unperturbed mIoU ${scoreText(clean.miou)}, accuracy ${scoreText(clean.pixelAccuracy)}`,
    table(
      [
        ["ε (L∞)", "certified", "mIoU", "abstained", "wrong", "pixels"],
        ...lines.map((line) => [
          String(line.epsilon),
          scoreText(line.certifiedAccuracy),
          scoreText(line.miou),
          scoreText(line.abstainedShare),
          scoreText(line.wrongShare),
          String(line.pixels),
        ]),
      ],
      [0, 1, 2, 3, 4, 5],
    ),
    ...pictures.flatMap(largestText),
  ].join("\n");
  const csv = csvOf([
    ["epsilon_linf", "certified_accuracy", "miou", "abstained", "wrong", "pixels"],
    ...lines.map((l) => [l.epsilon, l.certifiedAccuracy, l.miou, l.abstainedShare, l.wrongShare, l.pixels]),
  ]);
  const data = {
    network: network.name,
    networkSha256: network.sha256,
    classes: network.classes.map((each) => each.name),
    reference: referenceOf(truth),
    bounding,
    clean,
    pooled: lines,
    images: pictures,
  };
  return { text, data, csv };
};
