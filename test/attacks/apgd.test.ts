/** APGD against its definition, written out in float64, and against what it promises. */

import { describe, expect, it } from "vitest";
import type { Evaluation, Objective } from "../../src/attacks/attack.ts";
import { checkpoints, stepsOfStages } from "../../src/attacks/rules/apgd-pace.ts";
import { distanceOf, type Norm } from "../../src/attacks/norms.ts";
import { apgdRule, shrinking as stages } from "../../src/attacks/rules/apgd.ts";
import { follow } from "../../src/attacks/run.ts";
import { random } from "../../src/random.ts";
import { tensorOf } from "../../src/tensor.ts";
import { named } from "./named.ts";
import { bowl, counted, imageOf, linear } from "./objectives.ts";

const next = random(3);
const clean = Array.from({ length: 60 }, () => Math.round(255 * next()));
const optimum = clean.map((v) => v + 16 * (next() - 0.5));
const image = imageOf(clean);
/** Some components matter a thousand times more than others, so that signs of gradients turn round at different steps. */
const weights = clean.map(() => 10 ** (3 * next()));

const gradientAt = (x: ArrayLike<number>): number[] => optimum.map((c, i) => weights[i]! * (c - x[i]!));
const valueAt = (x: ArrayLike<number>): number =>
  optimum.reduce((sum, c, i) => sum - (weights[i]! * (c - x[i]!) ** 2) / 2, 0);

const objective: Objective = (at) =>
  Promise.resolve({ gradient: tensorOf("float32", at.shape, gradientAt(at.data)), value: valueAt(at.data) });

/** The projection, and the direction of a step. */
interface Geometry {
  readonly project: (x: readonly number[], epsilon: number) => readonly number[];
  readonly direction: (gradient: readonly number[]) => readonly number[];
}

/** In L∞ within 0..255; in L2 without a range. */
const geometries: Readonly<Record<Norm, Geometry>> = {
  linf: {
    project: (x, epsilon) => x.map((v, i) => Math.min(Math.max(v, clean[i]! - epsilon, 0), clean[i]! + epsilon, 255)),
    direction: (gradient) => gradient.map(Math.sign),
  },
  l2: {
    project: (x, epsilon) => {
      const share = Math.min(epsilon / Math.hypot(...x.map((v, i) => v - clean[i]!)), 1);
      return x.map((v, i) => clean[i]! + share * (v - clean[i]!));
    },
    direction: (gradient) => gradient.map((g) => g / Math.hypot(...gradient)),
  },
};

/** Algorithm 1 of Croce and Hein (2020) in float64: the point of the largest value, and η at each step. */
const algorithm = ({ project, direction }: Geometry, epsilon: number, steps: number) => {
  const clamp = (x: readonly number[]) => project(x, epsilon);
  const w = [0];
  for (let p = 0.22, last = 0; w.at(-1)! < steps;) {
    w.push(w.at(-1)! + Math.max(Math.floor(p * steps + 1e-9), 1));
    [last, p] = [p, Math.max(p - 0.03, 0.06)];
    expect(last).toBeGreaterThan(0);
  }
  const values = [valueAt(clean)];
  const sizes: number[] = [];
  let [x, before, largest]: [readonly number[], readonly number[], readonly number[]] = [clean, clean, clean];
  let [eta, halvedAtLast, largestAtLast] = [2 * epsilon, true, valueAt(clean)];
  for (let k = 0; k < steps; k++) {
    sizes.push(eta);
    const d = direction(gradientAt(x));
    const z = clamp(x.map((v, i) => v + eta * d[i]!));
    const on = k === 0 ? z : clamp(x.map((v, i) => v + 0.75 * (z[i]! - v) + 0.25 * (v - before[i]!)));
    [before, x] = [x, on];
    values.push(valueAt(x));
    if (valueAt(x) > valueAt(largest)) largest = x;
    const j = w.indexOf(k + 1);
    if (j < 1) continue;
    let improved = 0;
    for (let i = w[j - 1]!; i < w[j]!; i++) if (values[i + 1]! > values[i]!) improved += 1;
    const few = improved <= 0.75 * (w[j]! - w[j - 1]!);
    const halved = few || (!halvedAtLast && largestAtLast === valueAt(largest));
    [halvedAtLast, largestAtLast] = [halved, valueAt(largest)];
    if (halved) [eta, x] = [eta / 2, largest];
  }
  return { largest, sizes };
};

describe("the schedule of checkpoints", () => {
  it.each([
    [90, [19, 36, 51, 64, 75, 84]],
    [100, [22, 41, 57, 70, 80, 87, 93, 99]],
    [120, [26, 49, 69, 86, 100, 111, 119]],
    [300, [66, 123, 171, 210, 240, 261, 279, 297]],
    [1, [1]],
    [3, [1, 2, 3]],
  ])("of %d steps", (steps, expected) => {
    expect(checkpoints(steps)).toEqual(expected);
  });
});

describe("apgd", () => {
  it.each([
    ["linf", 4],
    ["linf", 8],
    ["l2", 24],
    ["l2", 30],
  ] as const)("ends where the algorithm does, with its step sizes, in %s at ε = %d", async (norm, epsilon) => {
    const steps = 100;
    const { largest, sizes } = algorithm(geometries[norm], epsilon, steps);
    expect(new Set(sizes).size).toBeGreaterThan(3);
    const seen: number[] = [];
    const trajectory = {
      rule: apgdRule({ norm }),
      objective: "",
      constraint: { epsilon, norm, pixelRange: norm === "l2" ? null : ([0, 255] as const) },
      steps: steps + 1,
      seed: 0,
    };
    const { data } = await follow(trajectory, objective, image, {
      onStep: ({ checkpoint, step }) => {
        const { pace } = checkpoint.state as { readonly pace: { readonly climb: { readonly size: number } } };
        if (step <= steps) seen.push(pace.climb.size);
      },
    });
    expect(seen).toEqual(sizes);
    for (const [i, v] of largest.entries()) expect(Math.abs(data[i]! - v)).toBeLessThan(1e-3);
  });

  it("on a linear objective ends at the corner of the ball", async () => {
    const w = clean.map((_, i) => (i % 5 === 0 ? 0 : i % 2 === 0 ? 10 ** -(i / 2) : -3));
    const { data } = await named("apgd")({ epsilon: 6, pixelRange: null, start: 0, steps: 10 })(linear(w), image);
    expect([...data]).toEqual(w.map((v, i) => clean[i]! + 6 * Math.sign(v)));
  });

  it.each([0.5, 60])("in L2 ends at the maximum of a linear objective, on the sphere: ε = %d", async (epsilon) => {
    const w = clean.map((_, i) => Math.sin(i));
    const ball = { epsilon, norm: "l2", pixelRange: null } as const;
    const { data } = await named("apgd")({ ...ball, steps: 20 })(linear(w), image);
    const gain = w.reduce((sum, v, i) => sum + v * (data[i]! - clean[i]!), 0);
    expect(gain).toBeGreaterThan((1 - 1e-4) * epsilon * Math.hypot(...w));
    expect(distanceOf(data, image.data, "l2")).toBeLessThanOrEqual(epsilon);
  });

  it("comes closer to an optimum in the ball than PGD with as many gradients", async () => {
    const ball = { epsilon: 8, pixelRange: [0, 255], start: 0 } as const;
    const inside = clean.map((v, i) => Math.min(Math.max(v + [3.3, -2.1, 5.7][i % 3]!, 0), 255));
    const gap = (data: Float32Array) => Math.hypot(...inside.map((c, i) => data[i]! - c));
    const steps = 60;
    const watched = counted(bowl(inside));
    const adaptive = await named("apgd")({ ...ball, steps: steps - 1 })(watched, image);
    expect(watched.at.length).toBe(steps);
    for (const alpha of [0.3, 1, 2])
      expect(gap(adaptive.data)).toBeLessThan(
        gap((await named("pgd")({ ...ball, steps, alpha })(bowl(inside), image)).data) / 2,
      );
    expect(gap(adaptive.data)).toBeLessThan(1);
  });

  it("returns the image with the fewest pixels left, the later of equals, and not that of the largest value", async () => {
    const remaining = [0.5, 0.2, 0.4, 0.2, 0.3];
    const values = [0, 1, 2, 3, 9];
    const at: Float32Array[] = [];
    const scripted = (x: typeof image): Promise<Evaluation> => {
      const k = at.push(x.data) - 1;
      const gradient = tensorOf("float32", x.shape, gradientAt(x.data));
      return Promise.resolve({ gradient, value: values[k]!, remaining: remaining[k]! });
    };
    const result = await named("apgd")({ epsilon: 4, pixelRange: null, steps: 4 })(scripted, image);
    expect(at.length).toBe(5);
    expect(result.data).toEqual(at[3]);
  });

  it("after a checkpoint without progress goes on from the largest value, with the gradient there and half the step", async () => {
    // Four steps: a checkpoint after each. The value falls at the first one.
    const values = [5, 1, 6, 7, 8];
    const at: Float32Array[] = [];
    const scripted = (x: typeof image): Promise<Evaluation> => {
      const k = at.push(x.data) - 1;
      return Promise.resolve({
        gradient: tensorOf(
          "float32",
          x.shape,
          clean.map((_, i) => (k === 0 ? 1 : -i)),
        ),
        value: values[k]!,
      });
    };
    await named("apgd")({ epsilon: 4, pixelRange: null, steps: 4, start: 0 })(scripted, image);
    expect([...at[1]!]).toEqual(clean.map((v) => v + 4));
    // From the clean image: z = x + 4·1, then 0.75·4, and no change before it.
    expect([...at[2]!]).toEqual(clean.map((v) => v + 3));
  });
});

describe("apgd in stages", () => {
  it.each([
    [300, [90, 90, 120]],
    [100, [30, 30, 40]],
    [7, [2, 2, 3]],
    [1, [0, 0, 1]],
  ])("splits %d steps", (steps, expected) => {
    expect(stepsOfStages(stages, steps)).toEqual(expected);
  });

  it.each([20, 2])("starts each stage from the projection of the last one's best image: %d steps", async (steps) => {
    const epsilon = 4;
    const rule = apgdRule({ stages });
    const watched = counted(objective);
    const trajectory = { rule, objective: "", constraint: { epsilon, pixelRange: null }, steps: steps + 3, seed: 0 };
    const result = await follow(trajectory, watched, image);
    const distance = (x: Float32Array) => Math.max(...clean.map((v, i) => Math.abs(x[i]! - v)));
    let from = 0;
    let start = image.data;
    const reached: number[] = [];
    for (const [s, count] of stepsOfStages(stages, steps).entries()) {
      const radius = stages[s]!.radius * epsilon;
      const images = watched.at.slice(from, from + count + 1).map(({ data }) => data);
      from += count + 1;
      expect([...images[0]!]).toEqual(clean.map((v, i) => Math.min(Math.max(start[i]!, v - radius), v + radius)));
      // A stage without steps evaluates where it starts, and the first step of another reaches the ball's surface.
      if (count > 0) reached.push(distance(images[1]!) / radius);
      for (const x of images) expect(distance(x)).toBeLessThanOrEqual(radius);
      start = images.reduce((best, x) => (valueAt(x) >= valueAt(best) ? x : best));
    }
    expect(from).toBe(watched.at.length);
    for (const share of reached) expect(share).toBeCloseTo(1, 5);
    expect(result.data).toEqual(start);
    expect(distance(result.data)).toBeLessThanOrEqual(epsilon);
  });

  it("gives the objective the clock of its stage", async () => {
    const clocks: string[] = [];
    const timed: Objective = (at, { step, steps }) => {
      clocks.push(`${step}/${steps}`);
      return objective(at, { step, steps });
    };
    const rule = apgdRule({ stages });
    await follow(
      { rule, objective: "", constraint: { epsilon: 4, pixelRange: null }, steps: 10, seed: 0 },
      timed,
      image,
    );
    expect(clocks.slice(1)).toEqual(["2/3", "3/3", "1/3", "2/3", "3/3", "1/4", "2/4", "3/4", "4/4"]);
  });
});
