/** The augmented Lagrangian of ALMA prox (Rony et al. 2023, arXiv 2206.07179): a penalty on each pixel's constraint. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { logitRatio } from "./dlr.ts";
import type { InputType, Objective } from "./objective.ts";
import { map, total } from "./pixels.ts";

/** The multipliers stay within these bounds. */
export const multiplierRange = [1e-12, 1] as const;

interface Penalty {
  readonly value: Value;
  /** ∂ value / ∂ y */
  readonly slope: Value;
}

/**
 * P(y; μ, ρ) = μy + μρy² + ρ²y³/6 where y ≥ 0, and μy/(1 − max(ρ, 1)·y) where y < 0.
 * Its slope is μ + 2μρy + ρ²y²/2, and μ/(1 − max(ρ, 1)·y)².
 */
const penalty = (op: Builder, y: Value, mu: Value, rho: Value): Penalty => {
  const constant = (value: number) => op.constant(value, y.dtype);
  const positive = op.GreaterOrEqual(y, constant(0));
  const ry = op.Mul(rho, op.Max(y, constant(0)));
  const inverse = op.Reciprocal(op.Sub(constant(1), op.Mul(op.Max(rho, constant(1)), op.Min(y, constant(0)))));
  const linear = op.Mul(mu, y);
  // μy·(1 + ρy) + y·(ρy)²/6, and μ·(1 + 2ρy) + (ρy)²/2
  const square = op.Mul(ry, ry);
  const high = op.Add(op.Mul(linear, op.Add(constant(1), ry)), op.Mul(constant(1 / 6), op.Mul(square, y)));
  const steep = op.Add(op.Mul(mu, op.Add(constant(1), op.Add(ry, ry))), op.Mul(constant(0.5), square));
  return {
    value: op.Where(positive, high, op.Mul(linear, inverse)),
    slope: op.Where(positive, steep, op.Mul(mu, op.Mul(inverse, inverse))),
  };
};

const pixel: InputType = { dtype: "float32", per: "pixel" };
const scalar: InputType = { dtype: "float32", per: "scalar" };

/**
 * Σ w·P(s·r; μ⁺, ρ) over the pixels, descended, where r is the ratio of `dlr` and the rule feeds, for each pixel, the multiplier
 * `mu` (μ), the penalty `rho` (ρ) and the weight `weights` (w; 0 drops a constraint), and, for all, `scale` (s) and `smoothing` (α).
 * The multiplier moves with the constraint of this very evaluation and is then held fixed: μ⁺ = αμ + (1 − α)·P′(s·r; μ, ρ), within
 * 10⁻¹² and 1; α = 1 keeps the μ that is fed. A rule sees r of each pixel, by which it can repeat that.
 */
export const penalisedDlrObjective = (targeted: boolean): Objective => ({
  key: targeted ? "penalised-dlr targeted" : "penalised-dlr",
  sense: -1,
  inputs: {
    target: { dtype: "int32", per: "pixel" },
    mu: pixel,
    rho: pixel,
    weights: pixel,
    scale: scalar,
    smoothing: scalar,
  },
  build: (op, logits, { inputs }) => {
    const of = (name: string): Value => op.Unsqueeze(inputs[name], op.ints([1]));
    const { ratio, gradient, counted } = logitRatio(op, logits, inputs["target"]!, targeted);
    const [scale, smoothing] = [inputs["scale"]!, inputs["smoothing"]!];
    const y = op.Mul(scale, ratio);
    const [mu, rho] = [of("mu"), of("rho")];
    const moved = op.Add(
      op.Mul(smoothing, mu),
      op.Mul(op.Sub(op.constant(1), smoothing), penalty(op, y, mu, rho).slope),
    );
    const [low, high] = multiplierRange;
    const held = op.Min(op.Max(moved, op.constant(low)), op.constant(high));
    const { value, slope } = penalty(op, y, held, rho);
    const weights = op.Mul(counted, of("weights"));
    const terms = op.Mul(weights, value);
    return {
      value: total(op, terms),
      cotangent: gradient(op.Mul(weights, op.Mul(scale, slope))),
      terms: map(op, terms),
      perPixel: map(op, ratio),
    };
  },
});
