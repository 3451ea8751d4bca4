/** Objectives of the angle between logits and label, of RSE's ensemble (Halmosi et al. 2024, arXiv 2407.09150). */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import type { Built, Objective } from "./objective.ts";
import { gathered, labelled, map, scattered, total, unfinished, type Labelled } from "./pixels.ts";

/** Below this length, logits have no direction. */
const SHORTEST = 1e-12;

interface Angle {
  /** cos(z, onehot(y)) = z[y]/‖z‖₂, [N,1,h,w]. */
  readonly cosine: Value;
  /** −Σ w·∂cos/∂z = w·(cos·z/‖z‖² − onehot(y)/‖z‖) for weights w [N,1,h,w]. */
  readonly descent: (weights: Value) => Value;
}

const angle = (op: Builder, logits: Value, { own }: Labelled): Angle => {
  const norm = op.Max(op.ReduceL2(logits, op.ints([1]), { keepdims: 1 }), op.constant(SHORTEST, logits.dtype));
  const cosine = op.Div(gathered(op, logits, own), norm);
  return {
    cosine,
    descent: (weights) => {
      const each = op.Div(weights, norm);
      return scattered(op, op.Mul(logits, op.Div(op.Mul(each, cosine), norm)), own, op.Neg(each));
    },
  };
};

const built = (op: Builder, terms: Value, cotangent: Value): Built => ({
  value: total(op, terms),
  cotangent,
  terms: map(op, terms),
});

/** Σ 1 − cos(z, onehot(y)) over the pixels that are not void, of the *logits* z. */
export const cosineObjective = (targeted: boolean): Objective => ({
  key: "cosine",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const pixels = labelled(op, logits, inputs["target"]!);
    const { cosine, descent } = angle(op, logits, pixels);
    const terms = op.Mul(pixels.counted, op.Sub(op.constant(1, logits.dtype), cosine));
    return built(op, terms, descent(pixels.counted));
  },
});

/** Σ −z[y]/‖z‖₂ over the pixels that are still right (where labels are targeted: not yet at their target), value and cotangent. */
export const maskedSphericalObjective = (targeted: boolean): Objective => ({
  key: targeted ? "masked-spherical targeted" : "masked-spherical",
  sense: targeted ? -1 : 1,
  inputs: { target: { dtype: "int32", per: "pixel" } },
  build: (op, logits, { inputs }) => {
    const pixels = labelled(op, logits, inputs["target"]!);
    const { cosine, descent } = angle(op, logits, pixels);
    const mask = op.cast(unfinished(op, logits, pixels, targeted), logits.dtype);
    return built(op, op.Neg(op.Mul(mask, cosine)), descent(mask));
  },
});
