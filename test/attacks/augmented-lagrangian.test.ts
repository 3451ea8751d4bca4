/** The multipliers and penalties of ALMA prox against their definition by plain numbers; their maps are the same arrays from step to step. */

import { expect, it } from "vitest";
import { advanced, firstLagrangian, type Lagrangian } from "../../src/attacks/augmented-lagrangian.ts";
import { random } from "../../src/random.ts";

const round = Math.fround;
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** ∂P/∂c of the penalty at a constraint, for a multiplier and a penalty. */
const slopeOf = (mu: number, rho: number, c: number): number =>
  c >= 0 ? mu + 2 * mu * rho * c + (rho * rho * c * c) / 2 : mu / (1 - Math.max(rho, 1) * c) ** 2;

interface Defined {
  readonly mu: readonly number[];
  readonly rho: readonly number[];
  readonly kept: readonly number[];
  readonly scale: number;
  readonly checked: readonly number[] | null;
  readonly moved: readonly boolean[];
}

const defined = (
  { mu, rho, kept, scale, checked, moved }: Defined,
  ratios: readonly number[],
  succeeded: boolean,
  success: number,
  { step, steps }: { readonly step: number; readonly steps: number },
): Defined => {
  const constraints = ratios.map((ratio) => round(ratio * scale));
  const everMoved = moved.map((was, i) => was || ratios[i]! < 0);
  const checks = step % 10 === 0 && checked !== null;
  const counted = constraints.filter((c) => c !== 0).toSorted((a, b) => b - a);
  const dropped = Math.floor(((1 - success) * counted.length * step) / (steps - 1));
  const limit = dropped > 0 && dropped <= counted.length ? counted[dropped - 1]! : Infinity;
  return {
    mu: mu.map((m, i) =>
      checked === null
        ? m
        : round(clamp(0.8 * m + (1 - 0.8) * kept[i]! * slopeOf(m, rho[i]!, constraints[i]!), 1e-12, 1)),
    ),
    rho: rho.map((p, i) => (checks && !everMoved[i] && kept[i]! * constraints[i]! > 0.95 * checked[i]! ? 2 * p : p)),
    kept: constraints.map((c) => (c <= limit ? 1 : 0)),
    scale: clamp(scale / (succeeded ? 1.02 : 0.98), 0.1, 1),
    checked: checks || checked === null ? constraints : checked,
    moved: checks ? moved.map(() => false) : everMoved,
  };
};

const mapsOf = ({ mu, rho, kept, moved }: Lagrangian) => [mu, rho, kept, moved];

it.each([
  [1, 0.99],
  [2, 0.9],
  [3, 1],
  [4, 0.5],
])("each step of the drawn run %i is as it is defined, at a success of %d", (seed, success) => {
  const next = random(seed);
  const [pixels, steps] = [1 + Math.floor(next() * 300), 45];
  let lagrangian = firstLagrangian(pixels);
  const first = mapsOf(lagrangian);
  let checked: Float32Array | undefined;
  const ofEach = (value: number) => Array.from({ length: pixels }, () => value);
  let expected: Defined = {
    mu: ofEach(1),
    rho: ofEach(round(0.01)),
    kept: ofEach(1),
    scale: 1,
    checked: null,
    moved: ofEach(0).map(() => false),
  };
  const rooms = [new Float32Array(pixels), new Float32Array(pixels)] as const;
  for (let step = 1; step <= steps; step++) {
    const ratios = Float32Array.from({ length: pixels }, () => (next() < 0.1 ? 0 : next() - 0.05));
    const [given, succeeded] = [[...ratios], next() < 0.5];
    lagrangian = advanced(lagrangian, { ratios, succeeded }, success, { step, steps }, rooms);
    expected = defined(expected, given, succeeded, success, { step, steps });
    expect([...ratios]).toEqual(given);
    const { mu, rho, kept, scale, moved } = lagrangian;
    expect([[...rho], [...kept], scale, Array.from(moved, (each) => each === 1)]).toEqual([
      expected.rho,
      expected.kept,
      expected.scale,
      expected.moved,
    ]);
    expect([...lagrangian.checked]).toEqual(expected.checked);
    for (const [i, m] of mu.entries()) expect(m).toBeCloseTo(expected.mu[i]!, 5);
    for (const [i, map] of mapsOf(lagrangian).entries()) expect(map).toBe(first[i]);
    expect(lagrangian.checked).toBe((checked ??= lagrangian.checked));
  }
  expect(Math.max(...lagrangian.rho)).toBeGreaterThan(0.03);
});
