/** A histogram of a stream of reals whose range is not known in advance. */

/** The number of bins on each side of 0; even, so that bins can be merged in pairs. */
const HALF = 4096;

/**
 * Counts values in bins of equal width, a power of two, whose edges are multiples of it. When a value lies beyond the last
 * bin, the width doubles and bins are merged in pairs, so that the memory stays the same and every value remains counted.
 */
export class Histogram {
  #width = 2 ** -20;
  #low = Infinity;
  #high = -Infinity;
  #total = 0;
  #counts = new Float64Array(2 * HALF);

  /** @throws RangeError for a value that is not finite. */
  add(values: Iterable<number>): void {
    for (const v of values) {
      if (!Number.isFinite(v)) throw new RangeError(`Histogram: ${v} cannot be counted`);
      while (v >= HALF * this.#width || v < -HALF * this.#width) this.#widen();
      this.#counts[Math.floor(v / this.#width) + HALF]! += 1;
      if (v < this.#low) this.#low = v;
      if (v > this.#high) this.#high = v;
      this.#total += 1;
    }
  }

  /** The number of values. */
  get total(): number {
    return this.#total;
  }

  /** The smallest and the largest value. @throws RangeError if no value was added. */
  get extremes(): { readonly low: number; readonly high: number } {
    if (this.#total === 0) throw new RangeError("Histogram: no value was added");
    return { low: this.#low, high: this.#high };
  }

  /** The width of a bin. */
  get width(): number {
    return this.#width;
  }

  /** Middle and count of each non-empty bin, in ascending order. */
  bins(): { readonly middle: number; readonly count: number }[] {
    return Array.from(this.#counts, (count, i) => ({ middle: (i - HALF + 0.5) * this.#width, count })).filter(
      ({ count }) => count > 0,
    );
  }

  #widen(): void {
    const merged = new Float64Array(2 * HALF);
    // Bin i covers [(i − HALF)·width, (i − HALF + 1)·width).
    for (const [i, count] of this.#counts.entries()) merged[HALF + Math.floor((i - HALF) / 2)]! += count;
    this.#counts = merged;
    this.#width *= 2;
  }
}
