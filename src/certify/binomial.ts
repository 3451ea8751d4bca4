/** Tails of the binomial distribution. */

/**
 * P(X ≥ k) of X ~ Binomial(n, p) for k = 0 … n: the p-values of the one-sided test of "the probability is at most p" against k
 * successes. The terms are added from the smallest, at k = n, so that small p-values keep their relative precision.
 *
 * @throws RangeError unless n is a positive integer and 0 < p < 1.
 */
export const upperTails = (n: number, p: number): Float64Array => {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`upperTails: ${n} is not a positive number of trials`);
  if (!(p > 0 && p < 1)) throw new RangeError(`upperTails: ${p} is not a probability between 0 and 1`);
  const tails = new Float64Array(n + 1);
  // ln P(X = k); P(X = k) = P(X = k + 1) · (k + 1)/(n − k) · (1 − p)/p.
  let logTerm = n * Math.log(p);
  const logOdds = Math.log1p(-p) - Math.log(p);
  let sum = 0;
  for (let k = n; k >= 0; k--) {
    sum += Math.exp(logTerm);
    tails[k] = Math.min(1, sum);
    if (k > 0) logTerm += Math.log(k) - Math.log(n - k + 1) + logOdds;
  }
  return tails;
};
