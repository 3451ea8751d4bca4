/**
 * Bounds over L∞ balls: no point of a ball leaves them, by the runtime's own forward run; on affine networks linear bounds are attained.
 */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { boundedOperators, intervals } from "../../src/certify/interval.ts";
import { linearBounds, shortfall } from "../../src/certify/linear.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { integer, normal, random } from "../../src/random.ts";
import { scalar, sizeOf, tensor, type Tensor } from "../../src/tensor.ts";
import { openWasm } from "../support/wasm.ts";
import { curvedLayers, randomNetwork, type Kind } from "../support/random-network.ts";

const SHAPE = [3, 8, 8];
const PIXELS = sizeOf(SHAPE);
/** Combinations of the output that linear bounds are of. */
const COUNT = 4;

/** Operators of the networks whose bounds were tried. */
const tried = new Set<string>();

/** The bounds of one network, opened to be run at several ε. */
const openBounds = async (seed: number, kind: Kind) => {
  const op = createBuilder();
  const image = op.input("image", "float32", [1, ...SHAPE]);
  const middle = op.input("middle", "float32", [1, ...SHAPE]);
  const epsilon = op.input("epsilon", "float32", []);
  const unit = op.input("unit", "float32", []);
  const y = randomNetwork(op, image, seed, kind);
  const around = { centre: middle, radius: op.Expand(epsilon, op.ints(image.shape)) };
  for (const { node } of op.steps) tried.add(node.op);
  const balls = intervals(op, y, image, around, unit);
  const { centre, radius } = balls.ballOf(y);
  const combinations = op.input("seed", "float32", [COUNT, ...y.shape.slice(1)]);
  const bounds = linearBounds(op, balls, y, image, combinations);
  const outputs = {
    y: op.Identity(y),
    centre: op.Identity(centre),
    radius: op.Identity(radius),
    coefficients: op.Identity(bounds.coefficients),
    short: op.Identity(shortfall(op, bounds, epsilon)),
    gradient: op.Identity(
      gradient(op, y, [image], op.Slice(combinations, op.ints([0]), op.ints([1]), op.ints([0])))[0],
    ),
  };
  return { shape: y.shape, session: await openWasm(op.model(outputs)) };
};

/** The network alone on a batch. */
const openForward = async (seed: number, batch: number, kind: Kind) => {
  const op = createBuilder();
  const y = randomNetwork(op, op.input("image", "float32", [batch, ...SHAPE]), seed, kind);
  return openWasm(op.model({ y }));
};

const valuesOf = (t: Tensor): Float32Array => t.data as Float32Array;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>, from = 0, offset = 0, length = a.length): number => {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[from + i]! * b[offset + i]!;
  return sum;
};

/** Points of the ball: uniform ones, corners, and the corners that the signs of each gradient point to, after the image itself. */
const pointsIn = (
  middle: Float32Array,
  image: Float32Array,
  epsilon: number,
  batch: number,
  slopes: readonly Float32Array[],
  seed: number,
) => {
  const next = random(seed);
  const points = new Float32Array(batch * PIXELS);
  for (let n = 0; n < batch; n++) {
    const slope = slopes[n >> 1];
    for (let i = 0; i < PIXELS; i++) {
      const sign = slope ? Math.sign(slope[i]!) * (n % 2 ? 1 : -1) : n % 2 ? Math.sign(next() - 0.5) : 2 * next() - 1;
      points[n * PIXELS + i] = middle[i]! + epsilon * sign;
    }
  }
  points.set(image, (batch - 1) * PIXELS);
  return points;
};

/** By how much the outputs of points leave the bounds, and what share of the interval's width linear bounds take; negative: inside. */
const excess = async (seed: number, epsilon: number, unit: number, batch: number, kind: Kind) => {
  const { shape, session } = await openBounds(seed, kind);
  const next = random(seed + 1000);
  // The ball need not lie around the image, as those of inner values do not.
  const middle = Float32Array.from({ length: PIXELS }, () => normal(next));
  const image = middle.map((v) => v + 0.9 * epsilon * (2 * next() - 1));
  const size = sizeOf(shape);
  const combinations = new Float32Array(COUNT * size);
  for (let k = 0; k < COUNT; k++) {
    combinations[k * size + integer(next, 0, size - 1)] = 1;
    combinations[k * size + integer(next, 0, size - 1)]! -= 1;
  }
  const feeds = {
    image: tensor("float32", [1, ...SHAPE], image),
    middle: tensor("float32", [1, ...SHAPE], middle),
    epsilon: scalar("float32", epsilon),
    unit: scalar("float32", unit),
    seed: tensor("float32", [COUNT, ...shape.slice(1)], combinations),
  };
  const { y: y0, centre, radius, coefficients, short, gradient: slope } = await session.run(feeds);
  await session.close();
  const lines = Array.from({ length: COUNT }, (_, k) => valuesOf(coefficients!).slice(k * PIXELS, (k + 1) * PIXELS));
  const away = middle.map((v, i) => v - image[i]!);
  const shifts = lines.map((line) => dot(line, away));
  const points = pointsIn(middle, image, epsilon, batch, [valuesOf(slope!), ...lines], seed);
  const forward = await openForward(seed, batch, kind);
  const y = valuesOf((await forward.run({ image: tensor("float32", [batch, ...SHAPE], points) }))["y"]!);
  await forward.close();
  const [c, r] = [valuesOf(centre!), valuesOf(radius!)];
  let [interval, crown, tightness, width] = [-Infinity, -Infinity, Infinity, 0];
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < size; i++) interval = Math.max(interval, Math.abs(y[n * size + i]! - c[i]!) - r[i]!);
    for (let k = 0; k < COUNT; k++) {
      const change =
        dot(combinations, y, k * size, n * size, size) - dot(combinations, valuesOf(y0!), k * size, 0, size);
      const bound = shifts[k]! - valuesOf(short!)[k]!;
      // Two outputs that are rounded once each: their difference is taken in float64.
      crown = Math.max(crown, bound - change);
      tightness = Math.min(tightness, Math.abs(change - bound) / Math.max(1, Math.abs(bound)));
      width = Math.max(width, -bound);
    }
  }
  return { interval, crown, tightness, width };
};

// 10⁵ points with those below.
const DEEP = { networks: 60, points: 900 };
const SHALLOW = { seeds: 4, points: 900 };

describe("no point of a ball leaves its bounds, float32 rounding included", () => {
  const brokenOf = async (seed: number, epsilon: number, points: number, kind: Kind) => {
    const { interval, crown } = await excess(seed, epsilon, 2 ** -24, points, kind);
    return interval > 0 || crown > 0 ? [{ seed, epsilon, interval, crown }] : [];
  };

  it("of deep networks of all operators, from balls within rounding to large ones", { timeout: 300_000 }, async () => {
    const broken: unknown[] = [];
    for (let seed = 0; seed < DEEP.networks; seed++)
      broken.push(...(await brokenOf(seed, 10 ** (-7 + (seed % 15) / 2), DEEP.points, "deep")));
    expect(broken).toEqual([]);
  });

  it("of one layer between two convolutions, where points come near them", { timeout: 120_000 }, async () => {
    const broken: unknown[] = [];
    for (const [index, layer] of curvedLayers.entries())
      for (let seed = 0; seed < SHALLOW.seeds; seed++)
        for (const found of await brokenOf(seed, [0.5, 0.5, 1, 2][seed]!, SHALLOW.points, layer))
          broken.push({ index, ...found });
    expect(broken).toEqual([]);
  });
});

it("every operator that has a bound rule was tried", () => {
  expect(boundedOperators.filter((name) => !tried.has(name))).toEqual([]);
});

describe("on affine networks", () => {
  it("linear bounds are attained", { timeout: 60_000 }, async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { crown, tightness, width } = await excess(seed, 0.5, 0, 2 * COUNT + 3, "affine");
      expect(crown).toBeLessThan(1e-4);
      expect(width).toBeGreaterThan(1e-3);
      expect(tightness).toBeLessThan(1e-5);
    }
  });
});
