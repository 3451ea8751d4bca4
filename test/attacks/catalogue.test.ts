/** What holds for every attack of the catalogue, whichever it is. */

import { describe, expect, it } from "vitest";
import {
  attackEntry,
  attackNames,
  defaultOption,
  defaultSteps,
  effectiveOptions,
  makeAttack,
  objectiveOf,
  optionsOf,
  type AttackSettings,
} from "../../src/attacks/catalogue.ts";
import { follow } from "../../src/attacks/run.ts";
import { optionDefinitions, optionNames } from "../../src/attacks/options.ts";
import { objectiveNames } from "../../src/objectives/catalogue.ts";
import { random } from "../../src/random.ts";
import { tensorOf } from "../../src/tensor.ts";
import { quartic } from "./objectives.ts";

/** Large enough for random searches to have something to find at each of their steps. */
const shape = [3, 8, 8];
const between0And1 = random(11);
const image = tensorOf(
  "float32",
  shape,
  Array.from({ length: 192 }, () => Math.round(255 * between0And1())),
);
/** Inside the ball in some components, so that steps turn round. */
const optimum = Array.from(image.data, (v) => v + 12 * (between0And1() - 0.5));
const base: AttackSettings = {
  epsilon: 4,
  alpha: 0.9,
  steps: 24,
  seed: 1,
  pixelRange: [0, 255],
  window: 0.5,
  sigma: 2,
};

/** Another value that an option may have. */
const otherValue = (name: (typeof optionNames)[number], value: number): number => {
  const { minimum, maximum, integer } = optionDefinitions[name] as (typeof optionDefinitions)["steps"];
  const more = integer ? 2 * value + 1 : value * 0.3 + 0.05;
  return Math.min(Math.max(more, minimum), maximum);
};

const sameBytes = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((v, i) => Object.is(v, b[i]));

describe.each(attackNames)("%s", (name) => {
  const entry = attackEntry(name);

  it("is described: title, sentence, formula, paper with its arXiv number, ATLAS technique", () => {
    expect(entry.title).not.toBe("");
    expect(entry.summary).toMatch(/^[A-Z].*\.$/);
    expect(entry.formula).not.toBe("");
    expect(entry.paper.arxiv).toMatch(/^\d{4}\.\d{4,5}$/);
    expect(entry.paper.title).not.toBe("");
    expect(entry.atlas).toMatch(/^AML\.T\d{4}(\.\d{3})?$/);
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it("names objectives that there are, and defaults within their ranges", () => {
    for (const targeted of [false, true]) expect(objectiveNames).toContain(objectiveOf(name, targeted));
    for (const option of optionsOf(name)) {
      const { minimum, maximum } = optionDefinitions[option];
      for (const epsilon of [0.25, 8, 32]) {
        const value = defaultOption(name, option, epsilon)!;
        expect(value).toBeGreaterThanOrEqual(minimum);
        expect(value).toBeLessThanOrEqual(maximum);
      }
    }
  });

  it("changes with each option that it takes, and with no other", async () => {
    /** The results of all trajectories, of which the best is kept. */
    const run = async (settings: AttackSettings) => {
      const results: number[] = [];
      for (const trajectory of makeAttack(name, settings).trajectories)
        results.push(...(await follow(trajectory, quartic(optimum), image)).data);
      return Float32Array.from(results);
    };
    const plain = await run(base);
    expect(await run(base)).toEqual(plain);
    const given = effectiveOptions(name, base.epsilon, base);
    const changing = async (settings: AttackSettings) => !sameBytes(await run(settings), plain);
    const changed: string[] = [];
    for (const option of optionNames)
      if (await changing({ ...base, [option]: otherValue(option, given[option] ?? 1) })) changed.push(option);
    if (await changing({ ...base, seed: 2 })) changed.push("seed");
    const taken = optionNames.filter((option) => entry.options[option] && !entry.options[option].fixed);
    expect(changed).toEqual([...taken, ...(entry.random ? ["seed"] : [])]);
    expect(await run({ ...base, epsilon: 1 })).not.toEqual(plain);
    expect(await run({ ...base, pixelRange: null })).not.toEqual(plain);
  });

  it("refuses a radius that cannot be", () => {
    for (const epsilon of [0, -1, Number.NaN, Infinity])
      expect(() => makeAttack(name, { ...base, epsilon })).toThrow(/epsilon must be positive/);
  });
});

it("the steps of the paper: one, or n(ε)", () => {
  expect([0.25, 8].map((e) => defaultSteps("ifgsm-ii", e))).toEqual([1, 10]);
  expect([0.25, 8].map((e) => defaultSteps("fgsm-ii", e))).toEqual([1, 1]);
  expect(defaultSteps("pgd", 32)).toBe(36);
});

it("a single step is ε itself, whatever step size and number of steps are given", () => {
  expect(effectiveOptions("fgsm", 8, { alpha: 1, steps: 10 })).toEqual({ alpha: 8, steps: 1 });
});
