/**
 * Classes and coarser classes above them: where no class of a pixel can be certified, a group of classes may be (Anani, Lorenz, Schiele, Fritz,
 * "Adaptive Hierarchical Certification for Segmentation using Randomized Smoothing", ICML 2024). A *vertex* is a class, or a group: the
 * classes are numbered first, then the groups. Without groups this is SegCertify.
 */

import type { Group } from "../segmenter/hierarchy.ts";
import { tensor, type Tensor } from "../tensor.ts";

export interface Tree {
  readonly classes: number;
  readonly groups: readonly Group[];
  /** By vertex: its classes, ascending. */
  readonly leaves: readonly (readonly number[])[];
  /** By vertex: 0 for classes; of a group one more than that of its highest member. */
  readonly heights: readonly number[];
  /** The vertices that are in no group. */
  readonly top: readonly number[];
  /** By vertex and label, 256 labels each: 1 where the vertex contains the class. */
  readonly contains: Uint8Array;
}

export const treeOf = (classes: number, groups: readonly Group[] = []): Tree => {
  const leaves: (readonly number[])[] = Array.from({ length: classes }, (_, c) => [c]);
  const heights: number[] = Array.from({ length: classes }, () => 0);
  for (const { of } of groups) {
    leaves.push(of.flatMap((vertex) => leaves[vertex]!).toSorted((a, b) => a - b));
    heights.push(1 + Math.max(...of.map((vertex) => heights[vertex]!)));
  }
  const inGroups = new Set(groups.flatMap(({ of }) => of));
  const contains = new Uint8Array(256 * leaves.length);
  for (const [vertex, own] of leaves.entries()) for (const label of own) contains[256 * vertex + label] = 1;
  return {
    classes,
    groups,
    leaves,
    heights,
    top: [...leaves.keys()].filter((vertex) => !inGroups.has(vertex)),
    contains,
  };
};

/** The vertex with the most votes among some, the first of equals. */
const mostVoted = (votes: Uint32Array, among: readonly number[]): number => {
  let best = among[0]!;
  for (const vertex of among) if (votes[vertex]! > votes[best]!) best = vertex;
  return best;
};

/**
 * What is to be tested at each pixel: the finest vertex that has at least `enough` of the votes, else the most voted of those in no group. As `enough`
 * is more than half of the votes, those that have as many contain each other, and one is the finest.
 *
 * @param votes [C,H,W] of each class.
 */
export const chosenVertices = (
  votes: Uint16Array,
  [, height, width]: readonly number[],
  { classes, groups, heights, top }: Tree,
  enough: number,
): Tensor<"uint8"> => {
  const pixels = height! * width!;
  const chosen = new Uint8Array(pixels);
  const finestFirst = [...heights.keys()].toSorted((a, b) => heights[a]! - heights[b]!);
  const here = new Uint32Array(heights.length);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < classes; c++) here[c] = votes[c * pixels + i]!;
    for (const [group, { of }] of groups.entries())
      here[classes + group] = of.reduce((sum, vertex) => sum + here[vertex]!, 0);
    chosen[i] = finestFirst.find((vertex) => here[vertex]! >= enough) ?? mostVoted(here, top);
  }
  return tensor("uint8", [height!, width!], chosen);
};
