/** One step of an L2 attack, in float64: along the normalised gradient, into the ball, into the pixel range. */

export interface L2Case {
  readonly x: ArrayLike<number>;
  readonly centre: ArrayLike<number>;
  readonly gradient: ArrayLike<number>;
  readonly alpha: number;
  readonly epsilon: number;
  readonly pixelRange: readonly [low: number, high: number] | null;
}

const norm = (v: readonly number[]): number => Math.hypot(...v.map((e) => e / largest(v))) * largest(v);
const largest = (v: readonly number[]): number => v.reduce((m, e) => Math.max(m, Math.abs(e)), 0) || 1;

/** y = x + α·g / ‖g‖₂;  clip(centre + (y − centre)·min(1, ε / ‖y − centre‖₂), range). */
export const l2Step = ({ x, centre, gradient, alpha, epsilon, pixelRange }: L2Case): number[] => {
  const g = Array.from(gradient);
  const length = norm(g) || 1;
  const d = g.map((e, i) => x[i]! - centre[i]! + alpha * (e / length));
  const shrink = Math.min(1, epsilon / norm(d));
  const [low, high] = pixelRange ?? [-Infinity, Infinity];
  return d.map((e, i) => Math.min(Math.max(centre[i]! + shrink * e, low), high));
};
