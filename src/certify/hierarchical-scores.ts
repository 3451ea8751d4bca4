/** Scores of labels that are certified to be classes or groups of classes. */

import type { Tensor } from "../tensor.ts";
import type { Tree } from "./hierarchy.ts";

type Labels = Tensor<"uint8">;

/** In numbers of pixels by vertex, without those that are void in the reference. */
export interface VertexCounts {
  /** Certified to be in the vertex, which has the reference's class. */
  readonly right: readonly number[];
  /** Certified to be in the vertex, which does not have it. */
  readonly wrong: readonly number[];
}

/** The label that is ignored. */
const VOID = 255;

export const vertexCounts = (labels: Labels, reference: Labels, { leaves, contains }: Tree): VertexCounts => {
  const right = leaves.map(() => 0);
  const wrong = leaves.map(() => 0);
  for (const [i, vertex] of labels.data.entries()) {
    const truth = reference.data[i]!;
    if (truth === VOID || vertex >= leaves.length) continue;
    (contains[256 * vertex + truth] === 1 ? right : wrong)[vertex]! += 1;
  }
  return { right, wrong };
};

const added = (a: readonly number[], b: readonly number[]): readonly number[] => a.map((n, i) => n + b[i]!);

export const mergeVertices = (a: VertexCounts, b: VertexCounts): VertexCounts => ({
  right: added(a.right, b.right),
  wrong: added(a.wrong, b.wrong),
});

/** Shares of the pixels from 0 to 1; null where no pixel counts. */
export interface HierarchicalScores {
  /** Certified to be in a vertex, class or group, that has the reference's class. */
  readonly certifiedAccuracy: number | null;
  /** Certified to be in a vertex that does not have it. */
  readonly wrongShare: number | null;
  /** Not even certified to be in a group. */
  readonly abstainedShare: number | null;
  /**
   * Certified information gain (AdaptiveCertify): the mean over the pixels of 1 − ln |classes of the vertex| / ln |classes| where
   * the vertex has the reference's class, and of 0 elsewhere. Of classes alone it is the certified accuracy.
   */
  readonly informationGain: number | null;
  /** By the height of the vertex over the classes, from 0. */
  readonly levels: readonly {
    readonly height: number;
    readonly certifiedAccuracy: number | null;
    readonly wrongShare: number | null;
  }[];
}

export const hierarchicalScores = (
  { right, wrong }: VertexCounts,
  pixels: number,
  { leaves, heights, classes }: Tree,
): HierarchicalScores => {
  const share = (count: number): number | null => (pixels === 0 ? null : count / pixels);
  const sumOf = (counts: readonly number[], weight: (vertex: number) => number): number =>
    counts.reduce((sum, n, vertex) => sum + n * weight(vertex), 0);
  const all = (counts: readonly number[]): number => sumOf(counts, () => 1);
  const gain = (vertex: number): number => 1 - Math.log(leaves[vertex]!.length) / Math.log(classes);
  const levels = Array.from({ length: Math.max(...heights) + 1 }, (_, height) => {
    const here = (vertex: number): number => (heights[vertex] === height ? 1 : 0);
    return { height, certifiedAccuracy: share(sumOf(right, here)), wrongShare: share(sumOf(wrong, here)) };
  });
  return {
    certifiedAccuracy: share(all(right)),
    wrongShare: share(all(wrong)),
    abstainedShare: share(pixels - all(right) - all(wrong)),
    informationGain: share(sumOf(right, gain)),
    levels,
  };
};
