/** Which pixels of an image a network reads. Bilinear resizing without antialiasing to less than half the size steps over the others. */

import { bilinearMatrix } from "../autodiff/rules/resize-matrix.ts";
import { linesRead, type Lines } from "../transforms/lines.ts";
import type { Transform } from "../transforms/transform.ts";
import type { Clock } from "../objectives/objective.ts";
import { spatialSize, type Size, type Tensor } from "../tensor.ts";
import type { Fronts } from "./front.ts";
import type { Manifest } from "./manifest.ts";
import { membersOf, type Network } from "./network.ts";
import { networkSize, scaledSize } from "./size.ts";

/** The lines of `from` that have a weight in those of `to`. */
const readAlong = (from: number, to: number): Uint8Array => {
  const all = new Uint8Array(to).fill(1);
  if (from === to) return all;
  const { starts, at } = bilinearMatrix(from, to);
  return linesRead(all, from, (i, put) => {
    for (let k = starts[i]!; k < starts[i + 1]!; k++) put(at[k]!);
  });
};

/** The sizes to which the network's views bring an image; one that is padded or cut into tiles keeps its scale. */
const sizesOf = (manifest: Manifest, size: Size): readonly Size[] =>
  (manifest.scales ?? [1]).map((scale) => {
    const seen = scaledSize(size, scale);
    return (manifest.input.fit ?? "resize") === "resize" ? networkSize(manifest, seen) : seen;
  });

const viewsOf = (manifests: readonly Manifest[], size: Size): readonly Lines[] =>
  manifests
    .flatMap((manifest) => sizesOf(manifest, size))
    .map(({ height, width }) => ({ rows: readAlong(size.height, height), columns: readAlong(size.width, width) }));

const countOf = (lines: Uint8Array): number => lines.reduce((sum, line) => sum + line, 0);

/** Share of the pixels that are in any of the products. */
const shareOf = (products: readonly Lines[], { height, width }: Size): number => {
  const [first, ...others] = products;
  if (others.length === 0) return (countOf(first!.rows) * countOf(first!.columns)) / (height * width);
  let count = 0;
  const row = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (const { rows, columns } of products) if (rows[y] === 1) for (let x = 0; x < width; x++) row[x]! |= columns[x]!;
    count += countOf(row);
  }
  return count / (height * width);
};

/**
 * Share of the pixels of an image that the gradient at a step of an attack can be of: those that the network, or any of an ensemble, reads,
 * in any draw of the transformations before it. The gradient at the others is exactly zero.
 */
export const readShare = (network: Network, fronts: Fronts | null, image: Tensor<"float32">, at: Clock): number => {
  const size = spatialSize(image);
  const manifests = membersOf(network).map(({ manifest }) => manifest);
  if (!fronts?.climbed) return shareOf(viewsOf(manifests, size), size);
  const { pipeline, through } = fronts.climbed;
  const views = viewsOf(manifests, pipeline.resulting(size));
  // Of those that move no pixels BPDA takes the identity.
  const counts = ({ geometry }: Transform): boolean => through !== "bpda" || geometry !== undefined;
  const products = Array.from({ length: fronts.draws }, (_, sample) => fronts.ofStep(image, at, sample)).flatMap(
    (drawn) => views.map((view) => pipeline.reads(view, drawn, size, counts)),
  );
  return shareOf(products, size);
};

const told = ({ height, width }: Size): string => `${width}×${height}`;

/** What is said of a picture of which a network reads a part of the pixels alone; null where it reads all. */
const readingNote = (manifest: Manifest, picture: { readonly shape: readonly number[] }): string | null => {
  const size = spatialSize(picture);
  const share = shareOf(viewsOf([manifest], size), size);
  if (share === 1) return null;
  const sizes = sizesOf(manifest, size).map(told).join(" and ");
  return `is resized from ${told(size)} to ${sizes} (width×height) before ${manifest.name}, which reads ${(100 * share).toFixed(1)} % of its pixels; the others have no influence`;
};

/** What is said of a picture of which some of these networks, or of their members, read a part of the pixels alone: a clause for each. */
export const readingNotes = (
  networks: readonly Pick<Network, "manifest" | "members">[],
  picture: { readonly shape: readonly number[] },
): string[] => {
  const manifests = networks.flatMap(({ manifest, members }) => members?.map((each) => each.manifest) ?? [manifest]);
  return [...new Set(manifests.flatMap((manifest) => readingNote(manifest, picture) ?? []))];
};
