/** One step of an L2 attack, in float64: along the normalised gradient, to the nearest point of the ball met with the pixel range. */

export interface L2Case {
  readonly x: ArrayLike<number>;
  readonly centre: ArrayLike<number>;
  readonly gradient: ArrayLike<number>;
  readonly alpha: number;
  readonly epsilon: number;
  readonly pixelRange: readonly [low: number, high: number] | null;
}

const largest = (v: readonly number[]): number => v.reduce((m, e) => Math.max(m, Math.abs(e)), 0) || 1;
const norm = (v: readonly number[]): number => Math.hypot(...v.map((e) => e / largest(v))) * largest(v);

/** y = x + α·g / ‖g‖₂;  clip(centre + t·(y − centre), range) with the largest t in 0..1 that ends in the ball, by bisection. */
export const l2Step = ({ x, centre, gradient, alpha, epsilon, pixelRange }: L2Case): number[] => {
  const g = Array.from(gradient);
  const length = norm(g) || 1;
  const d = g.map((e, i) => x[i]! - centre[i]! + alpha * (e / length));
  const [low, high] = pixelRange ?? [-Infinity, Infinity];
  const at = (t: number) => d.map((e, i) => Math.min(Math.max(centre[i]! + t * e, low), high));
  const isInside = (t: number) => norm(at(t).map((v, i) => v - centre[i]!)) <= epsilon;
  let [from, to] = isInside(1) ? [1, 1] : [0, 1];
  for (let i = 0; i < 100 && from < to; i++) {
    const middle = (from + to) / 2;
    if (isInside(middle)) from = middle;
    else to = middle;
  }
  return at(from);
};
