/** The graph fragment against the definition: with exact filters, with the lattice, in float64 and in WASM. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meanField, refine } from "../../src/crf/fragment.ts";
import { latticeInputs } from "../../src/crf/lattice-filter.ts";
import { marginals, messageMatrix } from "../support/crf/mean-field.ts";
import { crfRnn, type CrfParameters } from "../../src/crf/parameters.ts";
import { spatialFilter } from "../../src/crf/spatial-filter.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { typesOf } from "../../src/onnx/types.ts";
import { footprint, predictMemory } from "../../src/runtime/memory/memory.ts";
import { filled, numbersOf, type Size, type Tensor, tensorOf } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { runWasm } from "../support/wasm.ts";
import { largestDifference, normalTensor, pictureOf, refinement, softmaxOf } from "./support.ts";
import { denseCrf } from "../support/crf/dense-crf.ts";

const small: Size = { height: 7, width: 9 };
const logitsOf = ({ height, width }: Size, classes: number, seed: number, spread = 1.5) =>
  normalTensor([1, classes, height, width], seed, spread);

const matrix = [
  [0, 1, 0.5],
  [1, 0, 2],
  [0.2, 1, 0],
];

describe("with the exact filter", () => {
  const runs: readonly (readonly [string, CrfParameters])[] = [
    ["CRF-RNN's parameters", crfRnn],
    ["DeepLab's parameters", denseCrf],
    ["a compatibility matrix", { ...crfRnn, iterations: 4, compatibility: matrix }],
    ["wide kernels", { ...crfRnn, bilateral: { weight: 4, thetaAlpha: 4, thetaBeta: 40 } }],
  ];

  it.each(runs)("and %s the marginals are those of the definition, in float64 and in WASM", async (_, parameters) => {
    const [image, logits] = [pictureOf(small), logitsOf(small, 3, 1)];
    const expected = numbersOf(marginals(image, logits, parameters));
    const op = createBuilder();
    const k = tensorOf("float32", [63, 63], messageMatrix(image, parameters).data);
    const z = meanField(
      op,
      op.input("logits", "float32", logits.shape),
      (b, q) => b.MatMul(b.tensor(k), q),
      parameters,
    );
    const model = op.model({ z });
    expect(largestDifference(softmaxOf(interpret(model.graph, { logits })["z"]!), expected)).toBeLessThan(1e-5);
    expect(largestDifference(softmaxOf((await runWasm(model, { logits }))["z"]!), expected)).toBeLessThan(1e-3);
  });
});

describe("the spatial filter", () => {
  it.each([
    [1, small],
    [3, small],
    [0.25, small],
    [1e4, small],
    [1.5, { height: 20, width: 17 }],
    [2, { height: 1, width: 30 }],
    [2, { height: 30, width: 1 }],
    [2, { height: 1, width: 1 }],
  ])("of θ_γ = %d is the Gaussian mean, but for its tails beyond 4 θ_γ: %j", async (theta, size) => {
    const n = size.height * size.width;
    const gaussian = { weight: 2, theta };
    const k = messageMatrix(filled("float32", [3, size.height, size.width], 0) as Tensor<"float32">, {
      gaussian,
      bilateral: { weight: 0, thetaAlpha: 1, thetaBeta: 1 },
    }).data;
    const q = normalTensor([n, 3], 2);
    const expected = Array.from({ length: 3 * n }, (_, at) =>
      Array.from({ length: n }, (__, j) => k[Math.floor(at / 3) * n + j]! * q.data[3 * j + (at % 3)]!).reduce(
        (a, b) => a + b,
        0,
      ),
    );
    const op = createBuilder();
    const model = op.model({ y: spatialFilter(size, gaussian)(op, op.input("q", "float32", [n, 3])) });
    expect(largestDifference(numbersOf(interpret(model.graph, { q })["y"]!), expected)).toBeLessThan(5e-4);
    expect(largestDifference(numbersOf((await runWasm(model, { q }))["y"]!), expected)).toBeLessThan(5e-4);
  });
});

describe("with the lattice", () => {
  it("WASM's float32 gives what the definition of the operators gives in float64", async () => {
    const { model, feeds } = refinement(pictureOf(small), logitsOf(small, 3, 3), crfRnn);
    const [expected, actual] = [interpret(model.graph, feeds), await runWasm(model, feeds)];
    expect(largestDifference(numbersOf(actual["refined"]!), numbersOf(expected["refined"]!))).toBeLessThan(1e-4);
  });
});

describe("whatever the image and θ", () => {
  const theta = fc.constantFrom(0.25, 1, 3, 60, 1e4);
  const cases = fc.record({
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
    noise: fc.constantFrom(0, 5, 80),
    seed: fc.integer({ min: 1, max: 1000 }),
    theta,
    thetaAlpha: theta,
    thetaBeta: theta,
  });

  it("a class that all pixels prefer stays preferred, and messages are means", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ height, width, noise, seed, theta: gamma, thetaAlpha, thetaBeta }) => {
        const parameters = {
          iterations: 2,
          gaussian: { weight: 3, theta: gamma },
          bilateral: { weight: 5, thetaAlpha, thetaBeta },
        };
        const image = pictureOf({ height, width }, seed, noise);
        // The same at every pixel: so is each mean, z = u + 8·q.
        const u = [0.3, -0.2, 1.1];
        const logits = tensorOf(
          "float32",
          [1, 3, height, width],
          u.flatMap((v) => Array.from({ length: height * width }, () => v)),
        );
        const one = (z: readonly number[]): number[] => {
          const q = softmaxOf(tensorOf("float64", [1, 3, 1, 1], z));
          return u.map((v, l) => v + 8 * q[l]!);
        };
        const expected = one(one(u)).flatMap((v) => Array.from({ length: height * width }, () => v));
        const { model, feeds } = refinement(image, logits, parameters);
        const refined = numbersOf(interpret(model.graph, feeds)["refined"]!);
        expect(largestDifference(refined, expected)).toBeLessThan(1e-4);
      }),
      { numRuns: 30 },
    );
  });

  it("one pixel, and an image of one colour under wide kernels, are as defined", async () => {
    for (const size of [{ height: 1, width: 1 }, small]) {
      const image = filled("float32", [3, size.height, size.width], 255) as Tensor<"float32">;
      const logits = logitsOf(size, 3, 5);
      const wide = { ...crfRnn, iterations: 3, bilateral: { weight: 5, thetaAlpha: 1e4, thetaBeta: 1e4 } };
      const { model, feeds } = refinement(image, logits, wide);
      const actual = softmaxOf((await runWasm(model, feeds))["refined"]!);
      expect(largestDifference(actual, numbersOf(marginals(image, logits, wide)))).toBeLessThan(1e-3);
    }
  });

  it("a kernel without weight is left out", async () => {
    const [image, logits] = [pictureOf(small), logitsOf(small, 3, 6)];
    const smooth = { ...crfRnn, bilateral: { ...crfRnn.bilateral, weight: 0 } };
    const { model, feeds } = refinement(image, logits, smooth);
    expect(model.graph.inputs.map((v) => v.name)).toEqual(["logits"]);
    const actual = softmaxOf((await runWasm(model, feeds))["refined"]!);
    expect(largestDifference(actual, numbersOf(marginals(image, logits, smooth)))).toBeLessThan(1e-3);
    const none = refinement(image, logits, { ...smooth, gaussian: { weight: 0, theta: 1 } });
    expect(numbersOf(interpret(none.model.graph, none.feeds)["refined"]!)).toEqual(numbersOf(logits));
  });
});

it("is refused where image, θ or compatibility do not fit", () => {
  const logits = logitsOf(small, 3, 7);
  expect(() => refinement(pictureOf(small), logits, { ...crfRnn, compatibility: [[0]] })).toThrow("of the 3 classes");
  expect(() => refinement(tensorOf("float32", [2, 7, 9], new Float32Array(126)), logits, crfRnn)).toThrow(
    "is not one image",
  );
});

it("fits into 96 MiB at 360×480 with 11 classes and 10 iterations, where the lattice has 70,000 vertices", () => {
  const op = createBuilder();
  const logits = op.input("logits", "float32", [1, 11, 360, 480]);
  const { graph } = op.model({ refined: refine(op, logits, latticeInputs(op, 360 * 480, 70_000), crfRnn) });
  expect(predictMemory([footprint({ ...graph, types: typesOf(graph) })])).toBeLessThan(96 * 2 ** 20);
});
