/** Scores of certified labels: what was not certified is wrong. */

import { countsOf, mergeCounts, scoresOf, type ClassCounts, type Scores } from "../metrics/counts.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { tensor } from "../tensor.ts";
import type { Tree } from "./hierarchy.ts";
import { hierarchicalScores, mergeVertices, vertexCounts } from "./hierarchical-scores.ts";
import type { HierarchicalScores, VertexCounts } from "./hierarchical-scores.ts";
import { ABSTAINED } from "./smoothing.ts";

/** The label that is ignored. */
const VOID = 255;

/** Certified labels against a reference, in numbers of pixels without those that are void in it. */
export interface CertifiedCounts {
  /** A pixel that is not certified is predicted as no class: a false negative of its own and a false positive of none. */
  readonly counts: ClassCounts;
  /** Not certified to be of a class; with a hierarchy some of them are certified to be in a group. */
  readonly abstained: number;
  readonly pixels: number;
  /** With a hierarchy. */
  readonly vertices?: VertexCounts | undefined;
}

/** @throws RangeError where shapes differ or a reference label is neither a class nor void. */
export const certifiedCounts = (labels: Labels, reference: Labels, tree: Tree): CertifiedCounts => {
  const counts = countsOf(labels, reference, tree.classes);
  let [abstained, pixels] = [0, 0];
  for (let i = 0; i < labels.data.length; i++) {
    if (reference.data[i] === VOID) continue;
    pixels += 1;
    if (labels.data[i]! >= tree.classes) abstained += 1;
  }
  const vertices = tree.leaves.length > tree.classes ? vertexCounts(labels, reference, tree) : undefined;
  return { counts, abstained, pixels, ...(vertices && { vertices }) };
};

/** Pools two, as `mergeCounts` does. */
export const mergeCertified = (a: CertifiedCounts, b: CertifiedCounts): CertifiedCounts => ({
  counts: mergeCounts(a.counts, b.counts),
  abstained: a.abstained + b.abstained,
  pixels: a.pixels + b.pixels,
  ...(a.vertices && b.vertices && { vertices: mergeVertices(a.vertices, b.vertices) }),
});

/** Shares from 0 to 1; of a set, pool the counts first. `null` where no pixel counts. */
export interface CertifiedScores extends Omit<Scores, "pixelAccuracy"> {
  /** Share of the pixels that are certified to have the reference's label. */
  readonly certifiedAccuracy: number | null;
  readonly abstainedShare: number | null;
  /** Share of the pixels that are certified to have another label. */
  readonly wrongShare: number | null;
  /** With a hierarchy. */
  readonly hierarchical?: HierarchicalScores | undefined;
}

/** @param tree of a hierarchy, where the counts have one. */
export const certifiedScores = (
  { counts, abstained, pixels, vertices }: CertifiedCounts,
  tree?: Tree,
): CertifiedScores => {
  const { pixelAccuracy, ...scores } = scoresOf(counts);
  const abstainedShare = pixels === 0 ? null : abstained / pixels;
  const wrongShare =
    pixelAccuracy === null || abstainedShare === null ? null : Math.max(0, 1 - pixelAccuracy - abstainedShare); // Of rounding alone it would be −0.
  const hierarchical = vertices && tree && hierarchicalScores(vertices, pixels, tree);
  return {
    ...scores,
    certifiedAccuracy: pixelAccuracy,
    abstainedShare,
    wrongShare,
    ...(hierarchical && { hierarchical }),
  };
};

/** The labels of these pixels, and void elsewhere. */
export const onlyAt = ({ shape, data }: Labels, pixels: readonly number[]): Labels => {
  const kept = new Uint8Array(data.length).fill(VOID);
  for (const pixel of pixels) kept[pixel] = data[pixel]!;
  return tensor("uint8", shape, kept);
};

/** Outputs beyond the manifest's classes are none: nothing is certified there. */
export const ofClasses = ({ shape, data }: Labels, classes: number): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label < classes ? label : ABSTAINED)),
  );

/** Certified vertices as a label map has them, groups after the classes: void where nothing is certified. */
const voidWhereAbstained = ({ shape, data }: Labels): Labels =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label === ABSTAINED ? VOID : label)),
  );

type Colour = readonly [number, number, number];

/** The colours of the classes, and of each group the mean of its classes'. */
export const vertexColours = (classes: readonly { readonly color: Colour }[], { leaves }: Tree): readonly Colour[] =>
  leaves.map((own) => {
    const mean = (channel: 0 | 1 | 2): number =>
      Math.round(own.reduce((sum, c) => sum + classes[c]!.color[channel], 0) / own.length);
    return [mean(0), mean(1), mean(2)];
  });

/** Indices of `outcomes`' map, and their colours; the last only with a hierarchy: certified to be in a group that has the reference's class. */
const OUTCOMES = [
  { name: "certified", color: [46, 125, 50] },
  { name: "wrong", color: [198, 40, 40] },
  { name: "abstained", color: [158, 158, 158] },
  { name: "coarser", color: [129, 199, 132] },
] as const;

/** A map [H,W] of indices into `OUTCOMES`; void where the reference is. */
export const outcomesOf = (labels: Labels, reference: Labels, { contains, classes }: Tree): Labels =>
  tensor(
    "uint8",
    labels.shape,
    labels.data.map((label, i) => {
      const truth = reference.data[i]!;
      if (truth === VOID) return VOID;
      if (label === ABSTAINED) return 2;
      if (contains[256 * label + truth] === 0) return 1;
      return label < classes ? 0 : 3;
    }),
  );

/** What is certified of a picture, and what that is compared with. */
export interface Certified {
  readonly labels: Labels;
  readonly reference: Labels;
  readonly tree: Tree;
}

/** The maps that show it, each with the colours of its values. */
export const mapsOf = (
  { labels, reference, tree }: Certified,
  classes: readonly { readonly color: Colour }[],
): Readonly<Record<"labels" | "outcome", readonly [map: Labels, colours: readonly Colour[]]>> => ({
  labels: [voidWhereAbstained(labels), vertexColours(classes, tree)],
  outcome: [outcomesOf(labels, reference, tree), OUTCOMES.map(({ color }) => color)],
});
