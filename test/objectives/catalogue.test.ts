/** What holds for every objective of the catalogue, whichever it is. */

import { describe, expect, it } from "vitest";
import { objectiveNamed, objectiveNames, objectives, type ObjectiveEntry } from "../../src/objectives/catalogue.ts";
import { interpret } from "../support/interpreter.ts";
import { numbersOf, tensor, tensorOf } from "../../src/tensor.ts";
import { distance, fedTo, interpreted, modelOf, sceneOf, type Scene } from "./scene.ts";

const entryOf = (name: string): ObjectiveEntry => objectives[name as keyof typeof objectives];
const scene = sceneOf([1, 6, 5, 6], [0, 1, 2, 3, 4, 5, 255], 2, 2);

/** Of sense·value where the logits move along sense·cotangent by a little. */
const gain = (name: string, targeted: boolean, from: Scene): number => {
  const objective = objectiveNamed(name, targeted);
  const [before, model] = [interpreted(objective, from), modelOf(objective, from.shape)];
  const along = numbersOf(before["cotangent"]!);
  const length = Math.hypot(...along);
  expect(length).toBeGreaterThan(0);
  const moved = numbersOf(from.logits).map((v, i) => v + (objective.sense * 1e-3 * along[i]!) / length);
  const logits = tensor("float64", from.shape, Float64Array.from(moved));
  const after = interpret(model.graph, { ...fedTo(objective, from), logits });
  return objective.sense * (numbersOf(after["value"]!)[0]! - numbersOf(before["value"]!)[0]!);
};

describe.each(objectiveNames)("%s", (name) => {
  const entry = entryOf(name);

  it("is described, and its key tells apart the graphs of other objectives", () => {
    expect(entry.title).not.toBe("");
    expect(entry.summary).toMatch(/\.$/);
    const [plain, reversed] = [objectiveNamed(name), objectiveNamed(name, true)];
    const others = objectiveNames.filter((other) => other !== name);
    const keys = others.flatMap((other) => [false, true].map((targeted) => objectiveNamed(other, targeted).key));
    expect(keys.filter((key) => key === plain.key || key === reversed.key)).toEqual([]);
    // One key, one graph: where targeting changes more than the sense, it changes the key.
    const written = [plain, reversed].map((one) => JSON.stringify(modelOf(one, scene.shape).graph.nodes));
    expect(written[0] === written[1]).toBe(plain.key === reversed.key);
  });

  it("is fed every input that it declares: by the labels, by the clock, or by who uses it, who is told", () => {
    const [plain, reversed] = [objectiveNamed(name), objectiveNamed(name, true)];
    const left = [plain, reversed].flatMap(({ inputs, feeds }) => {
      const fromClock = Object.entries(feeds?.({ step: 1, steps: 1 }) ?? {});
      for (const [input, { dtype, shape }] of fromClock) {
        expect(inputs[input]).toEqual({ dtype, per: "scalar" });
        expect(shape).toEqual([1]);
      }
      const known = new Set(["target", ...fromClock.map(([input]) => input)]);
      return Object.keys(inputs).filter((input) => !known.has(input));
    });
    expect([...new Set(left)].toSorted()).toEqual([...(entry.given ?? [])].toSorted());
    expect("target" in plain.inputs).toBe(entry.labels);
  });

  // The weight of CosPGD is held fixed, and falls where the cross-entropy that it multiplies rises.
  it.skipIf(name === "cospgd")("rises along sense·cotangent", () => {
    for (const targeted of entry.labels ? [false, true] : [false])
      expect(gain(name, targeted, scene)).toBeGreaterThan(0);
  });

  it.runIf(entry.labels)("approaches targeted labels where it leaves others", () => {
    const [away, towards] = [false, true].map((targeted) => {
      const objective = objectiveNamed(name, targeted);
      return numbersOf(interpreted(objective, scene)["cotangent"]!).map((v) => objective.sense * v);
    });
    expect(distance(towards!, away!)).toBeGreaterThan(1e-3);
    // The label's own logit: down, or up.
    const labels = numbersOf(scene.feeds["target"]!);
    const own = (direction: readonly number[]) =>
      labels.reduce((sum, y, i) => (y < scene.shape[1] ? sum + direction[y * labels.length + i]! : sum), 0);
    expect(Math.sign(own(away!))).toBe(-1);
    expect(Math.sign(own(towards!))).toBe(1);
  });
});

describe("among equal logits", () => {
  /** One pixel with classes 1 and 2 tied for the first place. */
  const at = (label: number): Scene => ({
    ...sceneOf([1, 4, 1, 1], [label], 1),
    logits: tensorOf("float64", [1, 4, 1, 1], [0, 3, 3, 1]),
  });
  const nonzero = (name: string, label: number): boolean =>
    numbersOf(interpreted(objectiveNamed(name), at(label))["cotangent"]!).some((v) => v !== 0);

  it("the first is the prediction: it is still right, and its equals are not", () => {
    for (const name of ["masked-cross-entropy", "balanced-cross-entropy", "masked-spherical"])
      expect([1, 2].map((label) => nonzero(name, label))).toEqual([true, false]);
  });

  it("a margin is 0, its cotangent is of the two classes that tie, and DAG has nothing to climb", () => {
    for (const label of [1, 2]) {
      const { perPixel, cotangent } = interpreted(objectiveNamed("margin"), at(label));
      expect(numbersOf(perPixel!)).toEqual([0]);
      expect(numbersOf(cotangent!)).toEqual(label === 1 ? [0, 1, -1, 0] : [0, -1, 1, 0]);
      expect(nonzero("dag", label)).toBe(false);
    }
  });
});

it("too few classes are refused with the number that is needed", () => {
  const built = (name: string, targeted: boolean, classes: number) => () =>
    modelOf(objectiveNamed(name, targeted), [1, classes, 2, 2]);
  for (const name of ["dlr", "penalised-dlr"]) {
    expect(built(name, false, 2)).toThrow(/at least 3 classes.*has 2/);
    expect(built(name, false, 3)).not.toThrow();
    expect(built(name, true, 3)).toThrow(/at least 4 classes.*has 3/);
    expect(built(name, true, 4)).not.toThrow();
  }
  expect(built("margin", false, 1)).toThrow(/at least 2 classes/);
});

it("an unknown name is refused with those that there are", () => {
  expect(() => objectiveNamed("toString")).toThrow(/no objective "toString"; there are cross-entropy, /);
});
