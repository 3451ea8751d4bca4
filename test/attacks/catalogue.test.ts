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
  type AttackName,
  type AttackSettings,
} from "../../src/attacks/catalogue.ts";
import { follow } from "../../src/attacks/run.ts";
import { optionDefinitions, optionNames } from "../../src/attacks/options.ts";
import { objectiveNames } from "../../src/objectives/catalogue.ts";
import { random } from "../../src/random.ts";
import { tensorOf } from "../../src/tensor.ts";
import { imageOf, planes, quartic } from "./objectives.ts";

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

/** Eight pixels, of which one has to be moved further than the others. */
const crowd = imageOf(Array.from({ length: 24 }, (_, i) => (i < 3 ? 254.5 : 10 * i)));
const crossing = (scale: number) =>
  planes({
    clean: crowd,
    normals: Array.from({ length: 8 }, (_, p) => [1, p % 2 ? -0.7 : 0.4, 0.3]),
    lacks: [1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 4].map((lack) => scale * lack),
  });

/** Options with which every other one changes the result, such as steps that are too few for the smallest perturbation. */
const few: Partial<Record<AttackName, Partial<AttackSettings>>> = {
  szegedy: { steps: 30 },
  "carlini-wagner": { steps: 200 },
  dag: { alpha: 0.3, steps: 12 },
  ddn: { steps: 130 },
  fmn: { steps: 60 },
  pdpgd: { steps: 60 },
  "alma-prox": { alpha: 0.1, steps: 30 },
  "minimal-fgsm": { steps: 10 },
  "minimal-pgd": { steps: 60 },
  "minimal-segpgd": { steps: 100 },
  "minimal-cospgd": { steps: 100 },
  "minimal-apgd": { steps: 100 },
  "minimal-rays": { steps: 100 },
  // The whole range of pixels is in it, and every option moves it.
  patch: { alpha: 20, side: 0.75, jitter: 1 },
};

/** What an attack is tried on: the climb to an optimum, or pixels to be moved. */
const trial = (name: AttackName) =>
  attackEntry(name).type === "minimum-norm"
    ? {
        objective: crossing(name === "carlini-wagner" ? 10 : 1),
        image: crowd,
        settings: { ...base, epsilon: 60, success: 0.95, ...few[name] },
      }
    : { objective: quartic(optimum), image, settings: { ...base, ...few[name] } };

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
        const value = defaultOption(name, option, { epsilon })!;
        expect(value).toBeGreaterThanOrEqual(minimum);
        expect(value).toBeLessThanOrEqual(maximum);
      }
    }
  });

  it("changes with each option that it takes, and with no other", async () => {
    const { objective, image: tried, settings: own } = trial(name);
    /** The results of all trajectories, of which the best is kept. */
    const run = async (settings: AttackSettings) => {
      const results: number[] = [];
      for (const trajectory of makeAttack(name, settings).trajectories)
        results.push(...(await follow(trajectory, objective, tried)).data);
      return Float32Array.from(results);
    };
    const plain = await run(own);
    expect(await run(own)).toEqual(plain);
    const given = effectiveOptions(name, own, own);
    const changing = async (settings: AttackSettings) => !sameBytes(await run(settings), plain);
    const changed: string[] = [];
    for (const option of optionNames)
      if (await changing({ ...own, [option]: otherValue(option, given[option] ?? 1) })) changed.push(option);
    if (await changing({ ...own, seed: 2 })) changed.push("seed");
    const taken = optionNames.filter((option) => entry.options[option] && !entry.options[option].fixed);
    // Transformations before the network are drawn where there is a network.
    const drawn = entry.random && !entry.diversity;
    expect(changed).toEqual([...taken, ...(drawn ? ["seed"] : [])]);
    expect(await run({ ...own, epsilon: 1 })).not.toEqual(plain);
    expect(await run({ ...own, pixelRange: null })).not.toEqual(plain);
    for (const norm of normsOf(name).slice(1)) expect(await run({ ...own, norm })).not.toEqual(plain);
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

it("a name that no attack has is refused with those that there are", () => {
  expect(() => makeAttack("nope" as AttackName, base)).toThrow(/^no attack is called nope; there are fgsm, /);
});

it("a single step is ε itself, whatever step size and number of steps are given", () => {
  expect(effectiveOptions("fgsm", { epsilon: 8 }, { alpha: 1, steps: 10 })).toEqual({ alpha: 8, steps: 1 });
});
