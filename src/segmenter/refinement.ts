/** What a CRF makes of a network's logits, and the lattice that it wants of each image. */

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

/** A CRF as a graph has it: for lattices of so many vertices, padding included; null where the parameters need none. */
export interface Refinement {
  readonly parameters: CrfParameters;
  readonly vertices: number | null;
}

const indexOf = (target: Backend): IndexType => (target === "webgpu" ? "int32" : "int64");

/** Logits [1,C,H,W] refined, or as they are. */
export const refined = (op: Builder, logits: Value, refinement: Refinement | undefined, target: Backend): Value => {
  if (!refinement) return logits;
  const { parameters, vertices } = refinement;
  const [, , height, width] = dimensionsOf(logits, 4);
  const lattice = vertices === null ? null : latticeInputs(op, height * width, vertices, indexOf(target));
  return refine(op, logits, lattice, parameters);
};

/**
 * Vertices to reckon with before an image is seen: a third of the pixels. By CRF-RNN's parameters streets have a tenth to a half,
 * by DeepLab's a sixth to three quarters, noise six times as many; then the session that the image itself asks for is refused where it does not fit.
 */
const expectedVertices = ({ height, width }: Size): number => paddedVertices(Math.ceil((height * width) / 3));

/** For an image not yet seen. */
export const expectedRefinement = (crf: Crf, size: Size): Refinement => ({
  parameters: crf.parameters,
  vertices: crf.parameters.bilateral.weight === 0 ? null : expectedVertices(size),
});

/** Of an image [3,H,W]: the refinement, and the tensors to feed to a graph for that target. */
export const refinementOf = (
  { parameters }: Crf,
  image: Tensor<"float32">,
  target: Backend,
): { readonly refinement: Refinement; readonly feeds: ImageLattice["feeds"] } => {
  const lattice = latticeOfImage(image, parameters, indexOf(target));
  return { refinement: { parameters, vertices: lattice?.vertices ?? null }, feeds: lattice?.feeds ?? {} };
};
