/** MI-FGSM's recurrence, written out in float64, and what follows from it. */

import { describe, expect, it } from "vitest";
import type { Objective } from "../../src/attacks/attack.ts";
import { named } from "./named.ts";
import { tensorOf } from "../../src/tensor.ts";
import { bowl, imageOf, linear } from "./objectives.ts";

const momentum = named("mi-fgsm");
const image = imageOf([50, 100, 150, 200, 120, 90]);

/** A gradient for each step. */
const sequence = (gradients: readonly (readonly number[])[]): Objective => {
  let at = 0;
  return () => {
    const gradient = tensorOf("float32", image.shape, gradients[at]!);
    at += 1;
    return Promise.resolve({ gradient, value: 0 });
  };
};

describe("mi-fgsm", () => {
  it("steps by the sign of g ← μ·g + ∇/‖∇‖₁", async () => {
    const gradients = [
      [4, -1, 1, 0, 1, 1],
      [-1, 1, -8, 2, -3, 1],
      [0, 0, 0, 0, 0, 0],
      [1, -2, 3, -4, 5, -6],
    ];
    const mu = 0.7;
    const g = Array.from({ length: 6 }, () => 0);
    const x = [...image.data];
    for (const d of gradients) {
      const norm = d.reduce((sum, v) => sum + Math.abs(v), 0);
      for (const [i, v] of d.entries()) {
        g[i] = mu * g[i]! + (norm === 0 ? 0 : v / norm);
        x[i]! += 0.5 * Math.sign(g[i]);
      }
    }
    const settings = { epsilon: 40, alpha: 0.5, steps: 4, momentum: mu, pixelRange: null };
    expect([...(await momentum(settings)(sequence(gradients), image)).data]).toEqual(x);
  });

  it("without momentum is iterative FGSM, bit by bit", async () => {
    const settings = { epsilon: 8, alpha: 0.9, steps: 12, pixelRange: [0, 255] } as const;
    const optimum = bowl([53, 96, 150.3, 203, 122, 91]);
    const plain = await named("ifgsm")(settings)(optimum, image);
    expect((await momentum({ ...settings, momentum: 0 })(optimum, image)).data).toEqual(plain.data);
    expect((await momentum({ ...settings, momentum: 1 })(optimum, image)).data).not.toEqual(plain.data);
  });

  it("on a linear objective ends at the optimum of the ball", async () => {
    const w = [3, -0.5, 0, 1e-20, -1e10, 7];
    const { data } = await momentum({ epsilon: 6, pixelRange: null })(linear(w), image);
    expect([...data]).toEqual(w.map((v, i) => image.data[i]! + 6 * Math.sign(v)));
  });

  it("refuses a momentum below 0", () => {
    expect(() => momentum({ epsilon: 6, pixelRange: null, momentum: -1 })).toThrow(/momentum/);
  });
});
