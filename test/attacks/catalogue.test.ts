/** What holds for every attack of the catalogue, whichever it is. */

import { describe, expect, it } from "vitest";
import {
  attackEntry,
  attackNames,
  defaultOption,
  defaultSteps,
  effectiveOptions,
  makeAttack,
  normsOf,
  objectiveOf,
  optionsOf,
  type AttackSettings,
} from "../../src/attacks/catalogue.ts";
import { optionDefinitions, optionNames } from "../../src/attacks/options.ts";
import { objectiveNames } from "../../src/objectives/catalogue.ts";
import { named } from "./named.ts";
import { bowl, imageOf } from "./objectives.ts";

const image = imageOf([0, 40, 80, 120, 160, 255]);
/** Inside the ball in some components, so that steps turn round. */
const optimum = [3.3, 31, 82.4, 117.7, 160.2, 262];
const base: AttackSettings = { epsilon: 4, alpha: 0.9, steps: 5, seed: 1, pixelRange: [0, 255] };

/** Another value that an option may have. */
const otherValue = (name: (typeof optionNames)[number], value: number): number => {
  const { minimum, maximum, integer } = optionDefinitions[name] as (typeof optionDefinitions)["steps"];
  const more = integer ? value + 1 : value * 0.7 + 0.05;
  return Math.min(Math.max(more, minimum), maximum);
};

const sameBytes = (a: Float32Array, b: Float32Array): boolean => a.every((v, i) => Object.is(v, b[i]));

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
        const value = defaultOption(name, option, { epsilon })!;
        expect(value).toBeGreaterThanOrEqual(minimum);
        expect(value).toBeLessThanOrEqual(maximum);
      }
    }
  });

  it("changes with each option that it takes, and with no other", async () => {
    const run = async (settings: AttackSettings) => (await named(name)(settings)(bowl(optimum), image)).data;
    const plain = await run(base);
    expect(await run(base)).toEqual(plain);
    const given = effectiveOptions(name, base, base);
    const changing = async (settings: AttackSettings) => !sameBytes(await run(settings), plain);
    const changed: string[] = [];
    for (const option of optionNames)
      if (await changing({ ...base, [option]: otherValue(option, given[option] ?? 1) })) changed.push(option);
    if (await changing({ ...base, seed: 2 })) changed.push("seed");
    const taken = optionNames.filter((option) => entry.options[option] && !entry.options[option].fixed);
    expect(changed).toEqual([...taken, ...(entry.random ? ["seed"] : [])]);
    expect(await run({ ...base, epsilon: 3 })).not.toEqual(plain);
    expect(await run({ ...base, pixelRange: null })).not.toEqual(plain);
    for (const norm of normsOf(name).slice(1)) expect(await run({ ...base, norm })).not.toEqual(plain);
  });

  it("refuses a radius that cannot be", () => {
    for (const epsilon of [0, -1, Number.NaN, Infinity])
      expect(() => makeAttack(name, { ...base, epsilon })).toThrow(/epsilon must be positive/);
  });
});

it("the steps of the paper: one, or n(ε)", () => {
  expect([0.25, 8].map((e) => defaultSteps("ifgsm-ii", { epsilon: e }))).toEqual([1, 10]);
  expect([0.25, 8].map((e) => defaultSteps("fgsm-ii", { epsilon: e }))).toEqual([1, 1]);
  expect(defaultSteps("pgd", { epsilon: 32 })).toBe(36);
});

it("a single step is ε itself, whatever step size and number of steps are given", () => {
  expect(effectiveOptions("fgsm", { epsilon: 8 }, { alpha: 1, steps: 10 })).toEqual({ alpha: 8, steps: 1 });
});
