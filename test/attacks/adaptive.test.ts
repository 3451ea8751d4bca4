/** PAdam, NI-FGSM and R-FGSM against their definitions, written out in float64. */

import { describe, expect, it } from "vitest";
import type { Objective } from "../../src/attacks/attack.ts";
import { makeAttack } from "../../src/attacks/catalogue.ts";
import { random } from "../../src/random.ts";
import { tensorOf } from "../../src/tensor.ts";
import { named } from "./named.ts";
import { bowl, counted, imageOf, linear } from "./objectives.ts";

const image = imageOf([50, 100, 150, 200, 120, 90]);
const gradients = [
  [4, -1, 1, 0.01, 1, 1],
  [-1, 1, -8, 2, -3, 1],
  [0.5, 3, 0, 0.1, 0, 2],
  [1, -2, 3, -4, 5, -6],
  [1, 1, 1, 1, 1, 1],
];

/** A gradient for each step, and a value that rises. */
const scripted = (): Objective => {
  let at = 0;
  return ({ shape }) => {
    const gradient = tensorOf("float32", shape, gradients[at]!);
    at += 1;
    return Promise.resolve({ gradient, value: at });
  };
};

describe("padam", () => {
  it("steps as Adam with AMSGrad does", async () => {
    const alpha = 2;
    const [m, v, most] = [0, 1, 2].map(() => Array.from({ length: 6 }, () => 0)) as [number[], number[], number[]];
    const x = [...image.data];
    for (const [k, g] of gradients.slice(0, -1).entries()) {
      const t = k + 1;
      for (let i = 0; i < 6; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * g[i]! * g[i]!;
        most[i] = Math.max(most[i]!, v[i]!);
        const denominator = Math.sqrt(most[i]!) / Math.sqrt(1 - 0.999 ** t) + 1e-8;
        x[i]! += ((alpha / (1 - 0.9 ** t)) * m[i]!) / denominator;
      }
    }
    // The result is the last image that is evaluated: the value rises.
    const settings = { epsilon: 40, alpha, steps: 4, start: 0, pixelRange: null };
    const { data } = await named("padam")(settings)(scripted(), image);
    for (const [i, expected] of x.entries()) expect(data[i]).toBeCloseTo(expected, 4);
  });

  it("on a linear objective ends at the corner of the ball, wherever it starts", async () => {
    const w = [3, -0.5, 7, 1e-2, -1e10, -7];
    const { data } = await named("padam")({ epsilon: 6, pixelRange: null, steps: 20, seed: 4 })(linear(w), image);
    expect([...data]).toEqual(w.map((g, i) => image.data[i]! + 6 * Math.sign(g)));
  });

  it("closes in on an optimum in the ball", async () => {
    const optimum = [53.3, 96, 150.7, 203, 122.2, 91];
    const { data } = await named("padam")({ epsilon: 8, pixelRange: null, alpha: 0.5 })(bowl(optimum), image);
    expect(Math.hypot(...optimum.map((c, i) => c - data[i]!))).toBeLessThan(0.05);
  });
});

describe("ni-fgsm", () => {
  it("takes the gradient at the look-ahead, and returns the iterate", async () => {
    const optimum = [53, 96, 150.3, 203, 122, 91];
    const [mu, alpha, steps, epsilon] = [0.8, 0.7, 6, 3];
    const g = Array.from({ length: 6 }, () => 0);
    let x = [...image.data];
    const evaluated: number[][] = [];
    for (let t = 0; t < steps; t++) {
      const ahead = x.map((v, i) => v + alpha * mu * g[i]!);
      evaluated.push(ahead);
      const d = ahead.map((v, i) => optimum[i]! - v);
      const mean = d.reduce((sum, v) => sum + Math.abs(v), 0) / 6;
      for (let i = 0; i < 6; i++) g[i] = mu * g[i]! + d[i]! / mean;
      x = x.map((v, i) =>
        Math.min(Math.max(v + alpha * Math.sign(g[i]!), image.data[i]! - epsilon), image.data[i]! + epsilon),
      );
    }
    const watched = counted(bowl(optimum));
    const result = await named("ni-fgsm")({ epsilon, alpha, steps, momentum: mu, pixelRange: null })(watched, image);
    for (const [i, v] of x.entries()) expect(result.data[i]).toBeCloseTo(v, 4);
    for (const [t, at] of watched.at.entries())
      for (const [i, v] of evaluated[t]!.entries()) expect(at.data[i]).toBeCloseTo(v, 3);
  });

  it("without momentum is iterative FGSM, bit by bit", async () => {
    const settings = { epsilon: 8, alpha: 0.9, steps: 12, pixelRange: [0, 255] } as const;
    const optimum = bowl([53, 96, 150.3, 203, 122, 91]);
    const plain = await named("ifgsm")(settings)(optimum, image);
    expect((await named("ni-fgsm")({ ...settings, momentum: 0 })(optimum, image)).data).toEqual(plain.data);
  });
});

describe("r-fgsm", () => {
  const wide = imageOf(Array.from({ length: 300 }, (_, i) => 20 + (i % 200)));
  const w = Array.from({ length: 300 }, (_, i) => (i % 3) - 1);

  it("takes a random step of ±α, and from there one of ε − α along the sign of the gradient", async () => {
    const [epsilon, alpha] = [8, 3];
    const watched = counted(linear(w));
    const { data } = await named("r-fgsm")({ epsilon, alpha, pixelRange: null, seed: 9 })(watched, wide);
    expect(watched.at.length).toBe(1);
    const first = Array.from(watched.at[0]!.data, (v, i) => v - wide.data[i]!);
    expect(new Set(first)).toEqual(new Set([-alpha, alpha]));
    const up = first.filter((v) => v > 0).length;
    expect(Math.abs(up - 150)).toBeLessThan(45); // five standard deviations
    expect([...data]).toEqual(first.map((v, i) => wide.data[i]! + v + (epsilon - alpha) * Math.sign(w[i]!)));
  });

  it("takes half of ε each by default", () => {
    const [{ rule }] = makeAttack("r-fgsm", { epsilon: 8, pixelRange: null, seed: 0 }).trajectories;
    expect(rule.parameters).toEqual({ alpha: 4 });
  });

  it.each([8, 9])("refuses α = %d at ε = 8", (alpha) => {
    expect(() => named("r-fgsm")({ epsilon: 8, alpha, pixelRange: null })).toThrow(/alpha must be below epsilon/);
  });
});

describe("restarts", () => {
  const settings = { epsilon: 8, pixelRange: null, steps: 3 } as const;

  it("are the attack again, with the seeds from the given one on", () => {
    const { trajectories } = makeAttack("pgd", { ...settings, seed: 5, restarts: 3 });
    expect(trajectories.map(({ seed }) => seed)).toEqual([5, 6, 7]);
  });

  it("are random where the first start is the image itself", () => {
    const { trajectories } = makeAttack("pgd", { ...settings, seed: 5, start: 0, restarts: 3 });
    const offsets = trajectories.map(({ rule, constraint, seed }) =>
      rule.begin(image, constraint, random(seed)).x.map((v, i) => v - image.data[i]!),
    );
    expect([...offsets[0]!]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(offsets.slice(1).flatMap((o) => [...o])).size).toBe(12);
  });

  it.each([0, 1.5, Number.NaN])("cannot be %d", (restarts) => {
    expect(() => makeAttack("pgd", { ...settings, seed: 5, restarts })).toThrow(/restarts/);
  });
});

it("a start within a share of ε stays in it", async () => {
  const watched = counted(bowl([...image.data]));
  const settings = { epsilon: 8, pixelRange: null, steps: 1 } as const;
  for (let seed = 0; seed < 20; seed++) await named("pgd")({ ...settings, seed, start: 0.25 })(watched, image);
  const offsets = watched.at.flatMap(({ data }) => Array.from(data, (v, i) => Math.abs(v - image.data[i]!)));
  expect(Math.max(...offsets)).toBeLessThanOrEqual(2);
  expect(Math.max(...offsets)).toBeGreaterThan(1.8);
});
