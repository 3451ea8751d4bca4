/** The error function to float64 precision (Abramowitz and Stegun 7.1.6 and 7.1.14). */

/** erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms positive: no cancellation. */
const series = (x: number): number => {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
};

/** erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))) for x > 0, evaluated from its tail. */
const complement = (x: number): number => {
  let tail = x;
  for (let k = 120; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
};

export const erf = (x: number): number => {
  if (x === 0) return 0;
  if (Math.abs(x) < 2.5) return series(x);
  return Math.sign(x) * (1 - complement(Math.abs(x)));
};
