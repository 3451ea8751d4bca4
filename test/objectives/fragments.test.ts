/** The graph fragments of objectives, run by WASM, against their definitions in float64. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { crossEntropy, crossEntropyWithGradient } from "../../src/objectives/cross-entropy.ts";
import { leastLikely } from "../../src/objectives/least-likely.ts";
import { createBuilder, type Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { runWasm } from "../support/wasm.ts";

type Shape = readonly [batch: number, classes: number, height: number, width: number];

const logitsOf = (shape: Shape, seed: number, spread = 3): Tensor<"float32"> => {
  const next = random(seed);
  return tensorOf(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => spread * normal(next)),
  );
};

/** Labels drawn from `values`. */
const labelsOf = ([n, , h, w]: Shape, values: readonly number[], seed: number): Tensor<"int32"> => {
  const next = random(seed);
  const draw = () => values[Math.floor(next() * values.length)]!;
  return tensorOf("int32", [n, h, w], Array.from({ length: n * h * w }, draw));
};

/** Softmax over the classes of one pixel, by its definition (shifted by the maximum, which cancels). */
const softmax = (z: readonly number[]): number[] => {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
};

/** Each pixel's logits, and where they stand in the tensor. */
const pixelsOf = (logits: Tensor, [n, c, h, w]: Shape) =>
  Array.from({ length: n * h * w }, (_, i) => {
    const [batch, place] = [Math.floor(i / (h * w)), i % (h * w)];
    const at = Array.from({ length: c }, (_x, k) => (batch * c + k) * h * w + place);
    return { at, z: at.map((j) => Number(logits.data[j])) };
  });

/** Loss and gradient by definition: −Σ ln p[y] and p − onehot(y) over the pixels whose label is a class. */
const defined = (logits: Tensor, labels: Tensor, shape: Shape) => {
  const dz = new Float64Array(sizeOf(shape));
  let loss = 0;
  for (const [i, { at, z }] of pixelsOf(logits, shape).entries()) {
    const y = Number(labels.data[i]);
    if (y < 0 || y >= shape[1]) continue;
    const p = softmax(z);
    loss -= Math.log(p[y]!);
    for (const [k, j] of at.entries()) dz[j] = p[k]! - Number(k === y);
  }
  return { loss, dz };
};

type Fragment = (op: Builder, logits: Value, labels: Value) => { loss: Value; gradient: Value };

/** The loss with its gradient in closed form, and differentiated. */
const fragments: readonly (readonly [string, Fragment])[] = [
  ["in closed form", crossEntropyWithGradient],
  [
    "differentiated",
    (op, z, y) => {
      const loss = crossEntropy(op, z, y);
      return { loss, gradient: gradient(op, loss, [z])[0]! };
    },
  ],
];

const run = (fragment: Fragment, logits: Tensor<"float32">, labels: Tensor<"int32">, shape: Shape) => {
  const op = createBuilder();
  const { loss, gradient: dz } = fragment(op, op.input("z", "float32", shape), op.input("y", "int32", labels.shape));
  return runWasm(op.model({ loss, dz }), { z: logits, y: labels });
};

const shapes: readonly Shape[] = [
  [1, 5, 6, 7],
  [2, 3, 4, 4],
  [1, 2, 1, 1],
  [1, 21, 5, 3],
];

describe.each(fragments)("cross-entropy %s", (_, fragment) => {
  it.each(shapes)(
    "of [%d,%d,%d,%d] and its gradient softmax − onehot; void and what is no class count nothing",
    async (...shape) => {
      for (const [seed, labels] of [
        [1, [0, 1]],
        [2, [0, 1, 255]],
        [3, [-1, 0, 1, shape[1], 200, 255]],
      ] as const) {
        const [logits, y] = [logitsOf(shape, seed), labelsOf(shape, labels, seed)];
        const actual = await run(fragment, logits, y, shape);
        const expected = defined(logits, y, shape);
        expect(actual["loss"]!.shape).toEqual([]);
        expect(Math.abs(numbersOf(actual["loss"]!)[0]! - expected.loss)).toBeLessThanOrEqual(
          1e-5 * (1 + expected.loss),
        );
        const dz = numbersOf(actual["dz"]!);
        for (const [i, v] of expected.dz.entries()) expect(Math.abs(dz[i]! - v)).toBeLessThanOrEqual(2e-6);
      }
    },
  );

  it("is zero, and so is its gradient, where every pixel is void", async () => {
    const shape: Shape = [1, 4, 3, 3];
    const { loss, dz } = await run(fragment, logitsOf(shape, 1), labelsOf(shape, [255], 1), shape);
    expect(Math.abs(numbersOf(loss!)[0]!)).toBe(0);
    expect(numbersOf(dz!).every((v) => v === 0)).toBe(true);
  });

  it("stays finite and right where a probability underflows", async () => {
    const shape: Shape = [1, 3, 1, 1];
    const logits = tensorOf("float32", shape, [400, -400, 0]);
    const { loss, dz } = await run(fragment, logits, tensorOf("int32", [1, 1, 1], [1]), shape);
    expect(numbersOf(loss!)).toEqual([800]);
    expect(numbersOf(dz!)).toEqual([1, -1, 0]);
  });
});

describe("the least-likely class", () => {
  const found = async (logits: Tensor<"float32">, shape: Shape, scored: number) => {
    const op = createBuilder();
    const labels = leastLikely(op, op.input("z", "float32", shape), scored);
    return (await runWasm(op.model({ labels }), { z: logits }))["labels"]!;
  };

  it.each(shapes)("of [%d,%d,%d,%d] is that of the smallest logit", async (...shape) => {
    const logits = logitsOf(shape, 7);
    const labels = await found(logits, shape, shape[1]);
    expect([labels.dtype, labels.shape]).toEqual(["int32", [shape[0], shape[2], shape[3]]]);
    expect(numbersOf(labels)).toEqual(pixelsOf(logits, shape).map(({ z }) => z.indexOf(Math.min(...z))));
  });

  it("is never an output that is not scored", async () => {
    const shape: Shape = [1, 6, 8, 8];
    const logits = logitsOf(shape, 9);
    const labels = numbersOf(await found(logits, shape, 4));
    const pixels = pixelsOf(logits, shape);
    expect(labels).toEqual(pixels.map(({ z }) => z.indexOf(Math.min(...z.slice(0, 4)))));
    expect(pixels.some(({ z }) => z.indexOf(Math.min(...z)) >= 4)).toBe(true);
  });

  it("is the first of equals", async () => {
    const logits = tensorOf("float32", [1, 3, 1, 2], [1, 5, 0, 2, 0, 2]);
    expect(numbersOf(await found(logits, [1, 3, 1, 2], 3))).toEqual([1, 1]);
  });
});
