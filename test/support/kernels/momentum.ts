/** MI-FGSM's momentum (Dong et al. 2018), in float64: μ·m + g / ‖g‖₁; a gradient of zeros adds nothing. */
export const momentum = (m: ArrayLike<number>, gradient: ArrayLike<number>, decay: number): number[] => {
  const g = Array.from(gradient);
  const norm = g.reduce((sum, e) => sum + Math.abs(e), 0) || 1;
  return g.map((e, i) => decay * m[i]! + e / norm);
};
