/** What attacks without gradients do on objectives whose optimum is known. They see values alone. */

import { describe, expect, it } from "vitest";
import type { Objective } from "../../src/attacks/attack.ts";
import { makeAttack } from "../../src/attacks/catalogue.ts";
import { sideAt } from "../../src/attacks/rules/square.ts";
import { follow } from "../../src/attacks/run.ts";
import { random } from "../../src/random.ts";
import { tensorOf } from "../../src/tensor.ts";
import { named, type Settings } from "./named.ts";
import { counted, linear } from "./objectives.ts";

const [height, width] = [8, 10];
const next = random(5);
const length = 3 * height * width;
const image = tensorOf(
  "float32",
  [3, height, width],
  Array.from({ length }, () => Math.round(255 * next())),
);
/** Of one sign in blocks of 4 by 5 pixels, as perturbations that matter are. */
const blocks = Array.from({ length: 12 }, () => (next() < 0.5 ? -1 : 1));
const w = Array.from({ length }, (_, i) => {
  const [channel, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
  return blocks[4 * channel + 2 * Math.floor(y / 4) + Math.floor(x / 5)]! * (0.5 + next());
});
const valueAt = (x: Float32Array): number => x.reduce((sum, v, i) => sum + w[i]! * (v - image.data[i]!), 0);
const withoutGradient: Objective = async (x, at) => {
  const { value } = await linear(w)(x, at);
  return { value };
};

const settings = { epsilon: 6, pixelRange: [0, 255], seed: 2 } as const satisfies Settings;
/** The largest value in the ball and the range. */
const most = valueAt(image.data.map((v, i) => Math.min(Math.max(v + settings.epsilon * Math.sign(w[i]!), 0), 255)));

describe.each(["square", "nes", "rays"] as const)("%s", (name) => {
  const run = (steps: number) => named(name)({ ...settings, steps })(withoutGradient, image);

  it("needs no gradient, and takes one query a step", async () => {
    const watched = counted(withoutGradient);
    const [trajectory] = makeAttack(name, { epsilon: 6, pixelRange: null, seed: 0, steps: 37 }).trajectories;
    expect(trajectory.rule.needs).not.toBe("gradient");
    await follow(trajectory, watched, image);
    expect(watched.at.length).toBe(37);
  });

  it("stays in the ball and in the range, and leaves the image alone", async () => {
    const before = image.data.slice();
    for (const steps of [1, 2, 50, 333]) {
      const { data } = await run(steps);
      for (const [i, v] of data.entries()) {
        expect(Math.abs(v - before[i]!)).toBeLessThanOrEqual(settings.epsilon);
        expect(v >= 0 && v <= 255).toBe(true);
      }
      expect(data.buffer).not.toBe(image.data.buffer);
    }
    expect(image.data).toEqual(before);
  });

  it("comes closer to the optimum with more queries", async () => {
    const reached: number[] = [];
    for (const steps of [20, 200, 2000]) reached.push(valueAt((await run(steps)).data) / most);
    expect(reached[1]).toBeGreaterThan(reached[0]!);
    expect(reached[2]).toBeGreaterThan(reached[1]!);
    expect(reached[2]).toBeGreaterThan(0.5);
  });
});

describe.each(["square", "rays"] as const)("%s", (name) => {
  it("returns the best image that it has evaluated", async () => {
    const watched = counted(withoutGradient);
    const { data } = await named(name)({ ...settings, steps: 60 })(watched, image);
    const best = watched.at.reduce((a, b) => (valueAt(b.data) > valueAt(a.data) ? b : a));
    expect(data).toEqual(best.data);
  });
});

describe("square", () => {
  it("starts with columns of x ± ε, and then changes one square of the best image at a time", async () => {
    const watched = counted(withoutGradient);
    await named("square")({ ...settings, pixelRange: null, steps: 40, window: 0.5 })(watched, image);
    const change = (x: Float32Array, i: number) => x[i]! - image.data[i]!;
    const first = watched.at[0]!.data;
    for (let i = 0; i < length; i++) {
      expect(Math.abs(change(first, i))).toBe(6);
      expect(change(first, i)).toBe(change(first, Math.floor(i / (height * width)) * height * width + (i % width)));
    }
    let best = first;
    for (const { data } of watched.at.slice(1)) {
      const moved = [...data.keys()].filter((i) => data[i] !== best[i]).map((i) => i % (height * width));
      const [rows, columns] = [moved.map((i) => Math.floor(i / width)), moved.map((i) => i % width)];
      const side = 1 + Math.max(...rows) - Math.min(...rows);
      expect(side).toBeLessThanOrEqual(6);
      expect(1 + Math.max(...columns) - Math.min(...columns)).toBeLessThanOrEqual(6);
      if (valueAt(data) > valueAt(best)) best = data;
    }
  });

  it("shrinks its windows as the paper's schedule says, in parts of 10 000 queries", () => {
    const size = { height: 1000, width: 1000 };
    const sides = [10, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001].map((query) =>
      sideAt(0.04, query, 10_000, size),
    );
    expect(sides).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((part) => Math.round(Math.sqrt(40_000 / part))));
    expect(sideAt(1, 0, 10, { height: 3, width: 7 })).toBe(3);
    expect(sideAt(1e-9, 1, 10, size)).toBe(1);
  });
});

describe("nes", () => {
  it("evaluates pairs of opposite perturbations of deviation σ, and steps by the sign of their weighted sum", async () => {
    const [samples, sigma, alpha] = [3, 0.5, 2];
    const watched = counted(withoutGradient);
    const options = { epsilon: 100, pixelRange: null, seed: 8, samples, sigma, alpha } as const;
    const { data } = await named("nes")({ ...options, steps: 4 * samples })(watched, image);
    let x = [...image.data];
    const drawn: number[] = [];
    for (let estimate = 0; estimate < 2; estimate++) {
      const sum = x.map(() => 0);
      for (let pair = 0; pair < samples; pair++) {
        const [above, below] = watched.at.slice(2 * (samples * estimate + pair)).map((at) => at.data) as [
          Float32Array,
          Float32Array,
        ];
        const u = x.map((v, i) => (above[i]! - v) / sigma);
        for (const [i, v] of x.entries()) expect(below[i]).toBeCloseTo(v - sigma * u[i]!, 3);
        for (const [i, v] of u.entries()) sum[i]! += v * (valueAt(above) - valueAt(below));
        drawn.push(...u);
      }
      x = x.map((v, i) => v + alpha * Math.sign(sum[i]!));
    }
    const agreeing = x.filter((v, i) => v === data[i]).length;
    expect(agreeing).toBeGreaterThan(0.99 * length); // u is known to float32 rounding only
    const variance = drawn.reduce((sum, v) => sum + v * v, 0) / drawn.length;
    expect(variance).toBeCloseTo(1, 0);
  });
});

describe("rays", () => {
  it("turns the whole, halves, quarters, and keeps a turn where the value is larger", async () => {
    const watched = counted(withoutGradient);
    await named("rays")({ ...settings, pixelRange: null, steps: 8 })(watched, image);
    let best = watched.at[0]!.data;
    expect([...best]).toEqual(Array.from(image.data, (v) => v + 6));
    const parts = [
      [0, 1],
      [0, 2],
      [1, 2],
      [0, 4],
      [1, 4],
      [2, 4],
      [3, 4],
    ] as const;
    for (const [k, [block, of]] of parts.entries()) {
      const { data } = watched.at[k + 1]!;
      const inside = (i: number) => Math.floor((i * of) / length) === block;
      expect([...data]).toEqual(Array.from(best, (v, i) => (inside(i) ? 2 * image.data[i]! - v : v)));
      if (valueAt(data) > valueAt(best)) best = data;
    }
  });

  it("reaches the optimum of a linear objective, sign by sign", async () => {
    const tiny = tensorOf("float32", [3, 1, 2], [10, 20, 30, 40, 50, 60]);
    const signs = [1, -2, 3, -4, -5, 6];
    const { data } = await named("rays")({ epsilon: 4, pixelRange: null, steps: 16 })(linear(signs), tiny);
    expect([...data]).toEqual(signs.map((g, i) => tiny.data[i]! + 4 * Math.sign(g)));
  });
});
