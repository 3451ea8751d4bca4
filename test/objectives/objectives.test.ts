/**
 * Every objective of labels against its definition: in float64 by the interpreter, its cotangent by differences of the defined
 * value with what is held fixed held; in float32 by onnxruntime, as it stands and lowered for WebGPU.
 */

import { describe, expect, it } from "vitest";
import { offGpu } from "../../src/lowering/webgpu/kernels.ts";
import { lowerForWebGpu } from "../../src/lowering/webgpu/webgpu.ts";
import { objectiveNamed, objectiveNames, objectives, type ObjectiveEntry } from "../../src/objectives/catalogue.ts";
import type { Objective } from "../../src/objectives/objective.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { openWasm, runWasm } from "../support/wasm.ts";
import { definitions } from "./definitions.ts";
import { defined, distance, fedTo, interpreted, modelOf, sceneOf, single, type Scene } from "./scene.ts";

const entryOf = (name: string): ObjectiveEntry => objectives[name as keyof typeof objectives];
const ofLabels = objectiveNames.filter((name) => entryOf(name).labels);
const cases = ofLabels.flatMap((name) => [false, true].map((targeted) => [name, targeted] as const));
const titled = cases.map(([name, targeted]) => [`${name}${targeted ? ", targeted" : ""}`, name, targeted] as const);

/** Steps 1 to 4 of 4 by the seed, so that λ and q take all their values; void and labels that are no class among the others. */
const scenes: readonly Scene[] = [
  sceneOf([1, 5, 3, 7], [0, 1, 2, 3, 4], 1),
  sceneOf([2, 4, 4, 3], [0, 1, 3, 255], 2),
  sceneOf([1, 6, 5, 4], [-1, 0, 2, 5, 6, 200, 255], 3, 1),
  sceneOf([1, 12, 4, 4], [0, 4, 11, 255], 4, 6),
];

/** A row for each of these logits, a column for each of these labels: won or lost by far, all equal, ties. */
const extremes: Scene = (() => {
  const rows = [
    [1e4, -1e4, 0, 1, 5],
    [-1e4, 1e4, 0, 1, 5],
    [0, 0, 0, 0, 0],
    [-1, -1, 7, 7, 3],
    [1e4, 1e4, 1e4, 1e4, -1e4],
  ];
  const labels = [0, 2, 3, 255];
  const shape = [1, 5, rows.length, labels.length] as const;
  const scene = sceneOf(shape, labels, 6);
  const values = [0, 1, 2, 3, 4].flatMap((k) => rows.flatMap((z) => labels.map(() => z[k]!)));
  const target = tensorOf(
    "int32",
    scene.feeds["target"]!.shape,
    rows.flatMap(() => labels),
  );
  return { ...scene, logits: tensorOf("float64", shape, values), feeds: { ...scene.feeds, target } };
})();

/** How far an objective is from a definition: value, cotangent, terms, and what a rule sees. */
const farFrom = (name: string, targeted: boolean, scene: Scene, built: Readonly<Record<string, Tensor>>) => {
  const expected = defined(name, targeted, scene);
  return {
    value: distance(numbersOf(built["value"]!), [expected.value]),
    terms: distance(numbersOf(built["terms"]!), expected.terms),
    cotangent: distance(numbersOf(built["cotangent"]!), expected.cotangent),
    seen: expected.seen ? distance(numbersOf(built["perPixel"]!), expected.seen) : 0,
  };
};

it("every objective of labels has a definition", () => {
  expect(Object.keys(definitions).toSorted()).toEqual(ofLabels.toSorted());
});

describe.each(titled)("%s", (_, name, targeted) => {
  const objective = objectiveNamed(name, targeted);

  it("is its definition in float64; its cotangent is the gradient of that, by differences", () => {
    for (const scene of scenes) {
      const built = interpreted(objective, scene);
      const far = farFrom(name, targeted, scene, built);
      // Constants of the graph are float32, such as the 10⁻⁴ of the ratio.
      for (const part of ["value", "terms", "seen"] as const) expect(far[part]).toBeLessThanOrEqual(2e-7);
      expect(far.cotangent).toBeLessThanOrEqual(1e-6);
      expect("perPixel" in built).toBe(definitions[name]!(targeted).seen !== undefined);
    }
  });

  it("is the same in float32, as it stands and in the operators of WebGPU", async () => {
    for (const scene of scenes) {
      const expected = interpreted(objective, scene);
      const model = modelOf(objective, scene.shape);
      const lowered = lowerForWebGpu(model);
      expect(offGpu(lowered.graph)).toEqual([]);
      for (const each of scene === scenes[1] ? [model, lowered] : [model]) {
        const actual = await runWasm(each, single(fedTo(objective, scene)));
        for (const [output, t] of Object.entries(expected)) {
          expect(actual[output]!.shape).toEqual(t.shape);
          expect(distance(numbersOf(actual[output]!), numbersOf(t))).toBeLessThanOrEqual(2e-5);
        }
      }
    }
  });

  it("gives nothing where every pixel is void", () => {
    const scene = sceneOf([1, 5, 4, 4], [255], 5);
    for (const [output, t] of Object.entries(interpreted(objective, scene)))
      expect([output, numbersOf(t).every((v) => v === 0)]).toEqual([output, true]);
  });

  it("stays finite in float32 at extreme logits and at ties", async () => {
    const session = await openWasm(modelOf(objective, extremes.shape));
    for (const step of [1, 2, 4]) {
      const built = await session.run(single(fedTo(objective, { ...extremes, at: { step, steps: 4 } })));
      for (const [output, t] of Object.entries(built))
        expect([step, output, numbersOf(t).every(Number.isFinite)]).toEqual([step, output, true]);
    }
    await session.close();
  });

  it("is found out where its cotangent, or its value, is wrong by 0.1 %", () => {
    const wrong: Objective = {
      ...objective,
      build: (op, logits, given) => {
        const { value, cotangent, ...rest } = objective.build(op, logits, given);
        const off = op.constant(1.001);
        return { ...rest, value: op.Mul(value, off), cotangent: op.Mul(cotangent, off) };
      },
    };
    const far = scenes.map((scene) => farFrom(name, targeted, scene, interpreted(wrong, scene)));
    expect(Math.max(...far.map(({ value }) => value))).toBeGreaterThan(1e-4);
    expect(Math.max(...far.map(({ cotangent }) => cotangent))).toBeGreaterThan(1e-5);
  });
});
