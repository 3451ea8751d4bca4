/** The position of a point in the permutohedral lattice A*_d (Adams, Baek, Davis, 2010, sections 3 and 4.1). */

/**
 * Scales of the axes for which splat, blur by [1 2 1]/4 and slice together have standard deviation 1 (Adams, section
 * 3).
 */
export const scalesOf = (d: number): Float64Array =>
  Float64Array.from({ length: d }, (_, i) => ((d + 1) * Math.sqrt(2 / 3)) / Math.sqrt((i + 1) * (i + 2)));

/** The simplex that encloses a point, which is first embedded in the hyperplane Σ xᵢ = 0 of d + 1 dimensions. */
export class Simplex {
  readonly #d: number;
  readonly #scales: Float64Array;
  readonly #elevated: Float64Array;
  /** The closest vertex of remainder 0 is (d + 1)·q. */
  readonly q: Float64Array;
  /** The axes, by descending distance of the point from that vertex along each. */
  readonly order: Int32Array;
  readonly #rank: Int32Array;
  readonly barycentric: Float64Array;

  constructor(d: number) {
    this.#d = d;
    this.#scales = scalesOf(d);
    this.#elevated = new Float64Array(d + 1);
    this.q = new Float64Array(d + 1);
    this.#rank = new Int32Array(d + 1);
    this.order = new Int32Array(d + 1);
    this.barycentric = new Float64Array(d + 2);
  }

  enclose(features: Float32Array, at: number): void {
    this.#elevate(features, at);
    this.#approach();
    this.#interpolate();
  }

  #elevate(features: Float32Array, at: number): void {
    const [d, elevated, scales] = [this.#d, this.#elevated, this.#scales];
    let sum = 0;
    for (let i = d; i > 0; i--) {
      const scaled = features[at + i - 1]! * scales[i - 1]!;
      elevated[i] = sum - i * scaled;
      sum += scaled;
    }
    elevated[0] = sum;
  }

  /**
   * Rounds each coordinate to a multiple of d + 1, and then moves the axes with the largest rounding errors until the
   * sum is 0.
   */
  #approach(): void {
    const [d, elevated, q, rank] = [this.#d, this.#elevated, this.q, this.#rank];
    let sum = 0;
    for (let i = 0; i <= d; i++) {
      q[i] = Math.round(elevated[i]! / (d + 1));
      sum += q[i]!;
      rank[i] = 0;
    }
    for (let i = 0; i < d; i++) {
      const off = elevated[i]! - (d + 1) * q[i]!;
      for (let j = i + 1; j <= d; j++) {
        if (off < elevated[j]! - (d + 1) * q[j]!) rank[i] = rank[i]! + 1;
        else rank[j] = rank[j]! + 1;
      }
    }
    for (let i = 0; i <= d; i++) {
      let r = rank[i]! + sum;
      if (r < 0) {
        r += d + 1;
        q[i] = q[i]! + 1;
      } else if (r > d) {
        r -= d + 1;
        q[i] = q[i]! - 1;
      }
      rank[i] = r;
      this.order[r] = i;
    }
  }

  #interpolate(): void {
    const [d, elevated, q, rank, b] = [this.#d, this.#elevated, this.q, this.#rank, this.barycentric];
    b.fill(0);
    for (let i = 0; i <= d; i++) {
      const off = elevated[i]! / (d + 1) - q[i]!;
      const k = d - rank[i]!;
      b[k] = b[k]! + off;
      b[k + 1] = b[k + 1]! - off;
    }
    b[0] = b[0]! + 1 + b[d + 1]!;
  }
}
