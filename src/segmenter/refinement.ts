/** Refines a network's logits by a CRF, and builds the lattice that the CRF needs of each image. */

import { refine } from "../crf/fragment.ts";
import { latticeOfImage, paddedVertices, type ImageLattice } from "../crf/image-lattice.ts";
import { latticeInputs, type IndexType } from "../crf/lattice-filter.ts";
import type { CrfParameters } from "../crf/parameters.ts";
import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Backend } from "../runtime/session.ts";
import { dimensionsOf, type Size, type Tensor } from "../tensor.ts";

/** A CRF behind a network. */
export interface Crf {
  readonly parameters: CrfParameters;
  /** Whether attacks climb through it, or only through the network before it. Predictions are always refined. */
  readonly attacked: boolean;
}

/** A CRF as part of a graph. `vertices` is the size of its lattice, padding included; null where the parameters need no lattice. */
export interface Refinement {
  readonly parameters: CrfParameters;
  readonly vertices: number | null;
}

const indexOf = (target: Backend): IndexType => (target === "webgpu" ? "int32" : "int64");

/** The logits [1,C,H,W], refined where there is a refinement. */
export const refined = (op: Builder, logits: Value, refinement: Refinement | undefined, target: Backend): Value => {
  if (!refinement) return logits;
  const { parameters, vertices } = refinement;
  const [, , height, width] = dimensionsOf(logits, 4);
  const lattice = vertices === null ? null : latticeInputs(op, height * width, vertices, indexOf(target));
  return refine(op, logits, lattice, parameters);
};

/**
 * Estimate of the lattice's vertices before the image is known: a third of the pixels. With CRF-RNN's parameters street scenes have a tenth to a
 * half of the pixels, with DeepLab's a sixth to three quarters, and noise six times as many. Where the estimate was too low, the session for the
 * image's own lattice is refused if it does not fit.
 */
const expectedVertices = ({ height, width }: Size): number => paddedVertices(Math.ceil((height * width) / 3));

/** The refinement that is expected of an image that is not known yet. */
export const expectedRefinement = (crf: Crf, size: Size): Refinement => ({
  parameters: crf.parameters,
  vertices: crf.parameters.bilateral.weight === 0 ? null : expectedVertices(size),
});

/** The refinement of an image [3,H,W], and the tensors that its graph is fed on that target. */
export const refinementOf = (
  { parameters }: Crf,
  image: Tensor<"float32">,
  target: Backend,
): { readonly refinement: Refinement; readonly feeds: ImageLattice["feeds"] } => {
  const lattice = latticeOfImage(image, parameters, indexOf(target));
  return { refinement: { parameters, vertices: lattice?.vertices ?? null }, feeds: lattice?.feeds ?? {} };
};
