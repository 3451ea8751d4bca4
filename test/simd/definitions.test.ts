/** The loops that treat each value alone, against their definitions: to the bit, but for exponentials and sums. */

import { describe, expect, it } from "vitest";
import { between, random } from "../../src/random.ts";
import { loops } from "../../src/simd/loops.ts";
import { inPieces } from "../../src/simd/pieces.ts";

const round = Math.fround;
const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
const inRange = (r: number, c: number): number => (clamp(round(c + 255 * r), 0, 255) - c) / 255;
const tanh = (w: number): number => Math.tanh(w);
const above = (x: number, level: number): number => (Math.abs(x) > level ? 1 : 0);

type Numbers = readonly number[];
type Addresses = readonly number[];

interface Case {
  /** Ranges of the inputs. */
  readonly inputs: readonly (readonly [low: number, high: number])[];
  /** What the loop returns, if it does. */
  readonly run: (count: number, at: Addresses) => number | void;
  /** The outputs of one element, in the order of the slots from the first on. */
  readonly outputs: (x: Numbers) => Numbers;
  /** What one element adds to each sum. */
  readonly sums?: (x: Numbers, outputs: Numbers) => Numbers;
  /** What the maximum over the elements is of, where the loop returns one. */
  readonly largest?: (x: Numbers, outputs: Numbers) => number;
  /** Largest relative difference of an output; 0 by default. */
  readonly tolerance?: number;
}

const [grey, small, unit] = [[0, 255] as const, [-1e-3, 1e-3] as const, [-1, 1] as const];
const positive = [1e-6, 2] as const;
const L = loops();

const cases: Readonly<Record<string, Case>> = {
  plus: {
    inputs: [grey, unit],
    run: (n, [x, d]) => L.plus(n, x!, 0.7, d!, x!),
    outputs: ([x, d]) => [x! + 0.7 * d!],
  },
  scale: { inputs: [unit], run: (n, [x]) => L.scale(n, x!, 255.3, x!), outputs: ([x]) => [255.3 * x!] },
  plusDifference: {
    inputs: [small, grey, grey],
    run: (n, [g, x, c]) => L.plusDifference(n, g!, -0.3, x!, c!),
    outputs: ([g, x, c]) => [g! - 0.3 * (x! - c!)],
  },
  plusSign: {
    inputs: [grey, unit],
    run: (n, [x, g]) => L.plusSign(n, x!, 0.1, g!, x!),
    outputs: ([x, g]) => [x! + 0.1 * Math.sign(g!)],
  },
  blend: {
    inputs: [grey, grey, grey],
    run: (n, [x, z, p]) => L.blend(n, x!, 0.75, z!, 0.25, p!),
    outputs: ([x, z, p]) => [x! + 0.75 * (z! - x!) + 0.25 * (x! - p!)],
  },
  squash: {
    inputs: [[-9, 9]],
    run: (n, [w]) => L.squash(n, w!, w!, 10, 120),
    outputs: ([w]) => [10 + 120 * (tanh(w!) + 1)],
    tolerance: 2 ** -23,
  },
  unsquash: {
    inputs: [grey],
    run: (n, [x]) => L.unsquash(n, x!, 0, 127.5, 1 - 1e-6),
    outputs: ([x]) => [Math.atanh((1 - 1e-6) * (x! / 127.5 - 1))],
    tolerance: 2 ** -22,
  },
  squashAscent: {
    inputs: [[-4, 4], small, grey, grey],
    run: (n, [w, g, x, c]) => L.squashAscent(n, w!, g!, x!, c!, w!, 3, 127.5, 1, 255),
    outputs: ([w, g, x, c]) => [127.5 * (1 - tanh(w!) ** 2) * (3 * g! - (2 * (x! - c!)) / 255 ** 2)],
    tolerance: 2 ** -22,
  },
  "squashAscent without a range": {
    inputs: [[-4, 4], small, grey, grey],
    run: (n, [w, g, x, c]) => L.squashAscent(n, w!, g!, x!, c!, w!, 3, 255, 0, 255),
    outputs: ([, g, x, c]) => [255 * (3 * g! - (2 * (x! - c!)) / 255 ** 2)],
  },
  pdpgdStep: {
    inputs: [small, [0, 1e-3], small, [-0.05, 0.05], grey],
    run: (n, [m, v, g, r, c]) => L.pdpgdStep(n, m!, v!, g!, r!, c!, 0.9, 0.999, 2, 3, 0.1, 0, 255),
    outputs: ([m, v, gradient, r, c]) => {
      const g = round(255 * gradient!);
      const mean = round(0.9 * m! + (1 - 0.9) * g);
      const square = round(0.999 * v! + (1 - 0.999) * g * g);
      const metric = round(Math.sqrt(3 * square) + 1e-8);
      return [mean, square, metric, inRange(round(r! + 0.1 * round((2 * mean) / metric)), c!)];
    },
    largest: (_, [, , metric]) => metric!,
  },
  pdpgdPull: {
    inputs: [unit, unit, positive],
    run: (n, [r, to, h]) => L.pdpgdPull(n, r!, to!, h!, 2),
    outputs: ([r, to, h]) => [r! - (h! / 2) * (r! - to!)],
    sums: (_, [r]) => [Math.abs(r!), r! * r!],
  },
  sizesAbove: {
    inputs: [unit],
    run: (n, [x]) => L.sizesAbove(n, x!, 0.4),
    outputs: () => [],
    sums: ([x]) => [above(x!, 0.4), above(x!, 0.4) * Math.abs(x!)],
  },
  pdpgdShrink: {
    inputs: [unit, [40, 255], unit],
    run: (n, [x, c, before]) => L.pdpgdShrink(n, x!, c!, before!, 0.9, 0.3, 20, 255),
    outputs: ([x, c]) => {
      const r = clamp(round(0.9 * x!), -round(0.3), round(0.3));
      return [(clamp(round(c! + 255 * r), 20, 255) - c!) / 255];
    },
    sums: ([, , before], [r]) => [(r! - before!) ** 2, r! * r!],
  },
  sharesWithin: {
    inputs: [[-50, 300], grey],
    run: (n, [x, c]) => L.sharesWithin(n, x!, c!, 0.7, 0, 255),
    outputs: () => [],
    sums: ([x, c]) => {
      const d = x! - c!;
      const room = d > 0 ? 255 - c! : c!;
      return 0.7 * Math.abs(d) > room ? [room * room, 0] : [0, d * d];
    },
  },
  towards: {
    inputs: [[-50, 300], grey],
    run: (n, [x, c]) => L.towards(n, x!, c!, 0.7, 0, 255),
    outputs: ([x, c]) => [clamp(round(c! + 0.7 * (x! - c!)), 0, 255)],
  },
  rmsStep: {
    inputs: [[-0.05, 0.05], [0, 1e-3], small],
    run: (n, [d, v, g]) => L.rmsStep(n, d!, v!, g!, 0.8, 1.3, 1e-3, 0.02),
    outputs: ([d, v, g]) => {
      const square = round(0.8 * v! + (1 - 0.8) * (255 * g!) ** 2);
      const metric = round(Math.max(Math.sqrt(1.3 * square), 1e-3));
      return [d! + (0.02 * g!) / metric, square, metric];
    },
  },
  clipToBox: {
    inputs: [unit, [-0.5, 0], [0, 0.7], positive],
    run: (n, [x, low, high, h]) => L.clipToBox(n, x!, low!, high!, h!),
    outputs: ([x, low, high]) => [clamp(x!, low!, high!)],
    sums: ([x, , , h], [inside]) => [above(inside!, 0) * h! * Math.abs(x!)],
    largest: (_, [inside]) => Math.abs(inside!),
  },
  metricAbove: {
    inputs: [unit, unit, positive],
    run: (n, [inside, x, h]) => L.metricAbove(n, inside!, x!, h!, 0.3),
    outputs: () => [],
    sums: ([inside, x, h]) => [above(inside!, 0.3) * h!, above(inside!, 0.3) * h! * Math.abs(x!)],
  },
  clip: { inputs: [unit], run: (n, [x]) => L.clip(n, x!, 0.3), outputs: ([x]) => [clamp(x!, -round(0.3), round(0.3))] },
  ascend: {
    inputs: [[-30, 30], unit],
    run: (n, [dual, c]) => L.ascend(n, dual!, c!, 0.1, 27),
    outputs: ([dual, c]) => [c === 0 ? -Infinity : clamp(dual! + 0.1 * Math.sign(c!), -27, 27)],
  },
  exponentialsBelow: {
    inputs: [[-30, 5]],
    run: (n, [x]) => L.exponentialsBelow(n, x!, 5),
    outputs: ([x]) => [Math.exp(x! - 5)],
    sums: (_, [e]) => [e!],
    tolerance: 2 ** -23,
  },
  followShares: {
    inputs: [positive, positive],
    run: (n, [w, e]) => L.followShares(n, w!, e!, 0.9, 0.1, 1234.5),
    outputs: ([w, e]) => [0.9 * w! + 0.1 * round(e! / 1234.5)],
  },
  followSlopes: {
    inputs: [positive, unit, [0.01, 4], [0, 1]],
    run: (n, [mu, c, rho, kept]) => L.followSlopes(n, mu!, c!, rho!, kept!, 0.8, 1e-12, 1),
    outputs: ([mu, c, rho, kept]) => {
      const base = 1 - Math.max(rho!, 1) * c!;
      const slope = c! >= 0 ? mu! + 2 * mu! * rho! * c! + (rho! * rho! * c! * c!) / 2 : mu! / (base * base);
      return [clamp(0.8 * mu! + (1 - 0.8) * (kept! * slope), 1e-12, 1)];
    },
  },
};

/** Uniform in their ranges, with 0 among them where a range has it. */
const drawn = (length: number, [low, high]: readonly [number, number], seed: number): Float32Array => {
  const next = random(seed);
  return Float32Array.from({ length }, () => {
    const v = between(next, low, high);
    return low <= 0 && high >= 0 && next() < 0.05 ? 0 : v;
  });
};

describe.each(Object.entries(cases))("%s", (_, { inputs, run, outputs, sums, largest, tolerance = 0 }) => {
  it.each([1, 2, 3, 5, 8191, 8192, 20_003])("on %i values", (length) => {
    const given = inputs.map((range, k) => drawn(length, range, 10 * length + k));
    const expected = Array.from({ length }, (_, i) => {
      const x = given.map((values) => values[i]!);
      const made = outputs(x).map(round);
      return { made, sums: sums?.(x, made) ?? [], size: largest?.(x, made) ?? 0 };
    });
    const results = expected[0]!.made.map(() => new Float32Array(length));
    const added = expected[0]!.sums.map(() => 0);
    let top = 0;
    inPieces(given, results, (count, at, left) => {
      top = Math.max(top, run(count, at) ?? 0);
      for (const k of added.keys()) added[k]! += left[k]!;
    });
    for (const [k, result] of results.entries()) {
      const wanted = Float32Array.from(expected, ({ made }) => made[k]!);
      const far = (v: number, i: number) =>
        v !== wanted[i]! && !(Math.abs(v - wanted[i]!) <= tolerance * Math.abs(wanted[i]!));
      expect([...result].filter(far)).toEqual([]);
    }
    for (const [k, sum] of added.entries()) {
      const wanted = expected.reduce((total, { sums }) => total + sums[k]!, 0);
      expect(Math.abs(sum - wanted)).toBeLessThanOrEqual((tolerance || 1e-12) * wanted);
    }
    expect(top).toBe(Math.max(...expected.map(({ size }) => size)));
  });
});

it("what is no number stays none", () => {
  const [nan, none] = [Float32Array.of(NaN), new Float32Array(1)];
  for (const run of [
    (at: Addresses) => L.plusSign(1, at[1]!, 1, at[0]!, at[0]!),
    (at: Addresses) => L.squash(1, at[0]!, at[0]!, 0, 127.5),
    (at: Addresses) => L.clip(1, at[0]!, 1),
    (at: Addresses) => L.ascend(1, at[1]!, at[0]!, 0.1, 27),
  ]) {
    const out = new Float32Array(2);
    inPieces([nan, none], [out.subarray(0, 1), out.subarray(1)], (_, at) => run(at));
    expect(out.some(Number.isNaN)).toBe(true);
  }
});
