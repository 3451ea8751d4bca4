/** Norms of perturbations, computed in float64. */

/** The norms whose balls attacks stay in, or which they make small. */
export type Norm = "linf" | "l2";

export const norms = ["linf", "l2"] as const satisfies readonly Norm[];

/** The largest radius that is taken, in grey levels: in L2 one far above the norm of a white image of the largest size that is decoded. */
export const largestRadius = (norm: Norm): number => (norm === "l2" ? 1e7 : 255);

export const normText = (norm: Norm): string => (norm === "l2" ? "L2" : "L∞");

/** What a radius or the size of a step must be and is not, or null. */
export const lengthFault = (length: number, norm: Norm): string | null =>
  length > largestRadius(norm) ? `must be at most ${largestRadius(norm)} in the ${normText(norm)} norm` : null;

/** Why the usual radii are none in L2. */
export const CORNER = "in L2, ε·√n is as long as the corner of that ball, of n values";

/** max |v|; NaN where a value is. */
export const linf = (values: ArrayLike<number>): number => {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i]!)); // NaN, once there, stays
  }
  return largest;
};

/** √Σ v². */
export const l2 = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
};

/** Σ |v|. */
export const l1 = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum;
};

const measures: Readonly<Record<Norm, (values: ArrayLike<number>) => number>> = { linf, l2 };

export const normOf = (values: ArrayLike<number>, norm: Norm): number => measures[norm](values);

/** The dual norm: max ⟨g, r⟩ over ‖r‖ ≤ 1. */
export const dualNormOf = (values: ArrayLike<number>, norm: Norm): number => (norm === "l2" ? l2 : l1)(values);

/** ‖a − b‖ in grey levels. */
export const distanceOf = (a: Float32Array, b: Float32Array, norm: Norm): number => {
  let reached = 0;
  if (norm === "l2") {
    for (let i = 0; i < a.length; i++) {
      const d = a[i]! - b[i]!;
      reached += d * d;
    }
    return Math.sqrt(reached);
  }
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    if (d > reached) reached = d;
  }
  return reached;
};
