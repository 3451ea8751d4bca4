/** The definition, where its result is known. */

import { describe, expect, it } from "vitest";
import { marginals, messageMatrix, potts } from "../support/crf/mean-field.ts";
import { crfRnn, type CrfParameters } from "../../src/crf/parameters.ts";
import { filled, numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { largestDifference, normalTensor, pictureOf, softmaxOf } from "./support.ts";
import { denseCrf } from "../support/crf/dense-crf.ts";

const size = { height: 4, width: 5 };
const once: CrfParameters = {
  iterations: 1,
  gaussian: { weight: 2, theta: 1.5 },
  bilateral: { weight: 3, thetaAlpha: 4, thetaBeta: 10 },
};

describe("the message between pixels", () => {
  it("is a mean: each row adds up to the kernels' weights, and the pixel itself has the most", () => {
    const { shape, data } = messageMatrix(pictureOf(size), once);
    expect(shape).toEqual([20, 20]);
    for (let i = 0; i < 20; i++) {
      const row = data.subarray(20 * i, 20 * i + 20);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(5, 10);
      expect(row.indexOf(Math.max(...row))).toBe(i);
    }
  });

  it("is exp(−|Δp|²/2θ_γ²) and exp(−|Δp|²/2θ_α² − |ΔI|²/2θ_β²), divided by their sums", () => {
    const image = tensorOf("float32", [3, 1, 2], [10, 16, 20, 20, 30, 38]);
    const { data } = messageMatrix(image, once);
    const [gaussian, bilateral] = [Math.exp(-1 / 4.5), Math.exp(-1 / 32 - 100 / 200)];
    const expected = (2 * gaussian) / (1 + gaussian) + (3 * bilateral) / (1 + bilateral);
    expect(data[1]).toBeCloseTo(expected, 12);
    expect(data[2]).toBeCloseTo(expected, 12);
  });
});

describe("the mean field", () => {
  it("of one pixel adds w⁽¹⁾ + w⁽²⁾ times its own probability", () => {
    const [u, image] = [normalTensor([1, 3, 1, 1], 1), filled("float32", [3, 1, 1], 7) as Tensor<"float32">];
    const q = softmaxOf(u);
    const z = tensorOf(
      "float64",
      [1, 3, 1, 1],
      numbersOf(u).map((v, l) => v + 5 * q[l]!),
    );
    expect(largestDifference(numbersOf(marginals(image, u, once)), softmaxOf(z))).toBeLessThan(1e-12);
  });

  it("of kernels that are wide and an image of one colour adds w times the mean probability", () => {
    const [u, image] = [normalTensor([1, 3, 4, 5], 2), filled("float32", [3, 4, 5], 7) as Tensor<"float32">];
    const wide = { ...once, gaussian: { weight: 2, theta: 1e4 }, bilateral: { ...once.bilateral, thetaAlpha: 1e4 } };
    const q = softmaxOf(u);
    const mean = [0, 1, 2].map((l) => q.slice(20 * l, 20 * l + 20).reduce((a, b) => a + b, 0) / 20);
    const z = tensorOf(
      "float64",
      u.shape,
      numbersOf(u).map((v, at) => v + 5 * mean[Math.floor(at / 20)]!),
    );
    expect(largestDifference(numbersOf(marginals(image, u, wide)), softmaxOf(z))).toBeLessThan(1e-6);
  });

  it("without weights is the softmax, and with Potts' matrix what it is by that name", () => {
    const [u, image] = [normalTensor([1, 3, 4, 5], 3, 2), pictureOf(size)];
    const without = { ...once, gaussian: { weight: 0, theta: 1 }, bilateral: { ...once.bilateral, weight: 0 } };
    expect(largestDifference(numbersOf(marginals(image, u, without)), softmaxOf(u))).toBeLessThan(1e-12);
    const [named, given] = ["potts", potts(3)].map((compatibility) =>
      numbersOf(marginals(image, u, { ...crfRnn, compatibility: compatibility as "potts" })),
    );
    expect(named).toEqual(given);
  });

  it("treats labels as the compatibility has it: what costs nothing beside each other spreads alike", () => {
    const [u, image] = [normalTensor([1, 3, 4, 5], 4, 2), pictureOf(size)];
    const friends = [
      [0, 0, 1],
      [0, 0, 1],
      [1, 1, 0],
    ];
    const q = numbersOf(marginals(image, u, { ...denseCrf, compatibility: friends }));
    // Labels 0 and 1 get the same message: their odds stay those of the logits.
    for (let i = 0; i < 20; i++) {
      expect(Math.log(q[i]! / q[20 + i]!)).toBeCloseTo(numbersOf(u)[i]! - numbersOf(u)[20 + i]!, 9);
    }
  });
});
