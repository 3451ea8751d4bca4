/** The slopes of PRelus' gradients in groups: the same bits with fewer nodes, on WASM, without a GPU. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../../src/autodiff/gradient.ts";
import { withJointSlopes } from "../../../src/lowering/webgpu/slopes.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { random } from "../../../src/random.ts";
import { sizeOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { runWasm } from "../../support/wasm.ts";

const next = random(11);
const drawn = (shape: readonly number[]): Tensor<"float32"> =>
  tensorOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * next() - 1),
  );

interface Chain {
  /** The channels of each convolution, behind each of which a PRelu stands. */
  readonly channels: readonly number[];
  readonly size?: readonly [number, number];
  /** The stride of the second convolution. */
  readonly stride?: number;
  /** Whether one slope is of all channels. */
  readonly shared?: boolean;
}

/** The gradient of convolutions with PRelus between them. */
const chain = ({ channels, size = [6, 8], stride = 1, shared = false }: Chain): Model => {
  const op = createBuilder();
  const x = op.input("x", "float32", [2, 3, ...size]);
  const y = channels.reduce((v: Value, c, i) => {
    const w = op.tensor(drawn([c, v.shape[1]!, 3, 3]), "w");
    const strides = i === 1 ? [stride, stride] : [1, 1];
    const z = op.Conv(v, w, null, { pads: [1, 1, 1, 1], strides });
    return op.PRelu(z, op.tensor(drawn(shared ? [1] : [c, 1, 1]), "slope"));
  }, x);
  return op.model({ dx: gradient(op, y, [x], op.input("dy", "float32", y.shape))[0]! });
};

const counted = ({ graph }: Model): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
};

const outcomes = async (model: Model) => {
  const feeds = Object.fromEntries(model.graph.inputs.map(({ name, shape }) => [name, drawn(shape as number[])]));
  return [(await runWasm(withJointSlopes(model), feeds))["dx"], (await runWasm(model, feeds))["dx"]];
};

describe("slopes in groups", () => {
  it.each([
    ["one per channel", { channels: [4, 5, 6, 7] }],
    ["one of all channels", { channels: [4, 5, 6], shared: true }],
    ["two groups", { channels: [4, 4, 4, 4, 4, 4, 4, 4, 4, 4] }],
    ["two sizes", { channels: [2, 3, 4, 5, 6], stride: 2 }],
  ] as const)("give the same bits: %s", async (_, form) => {
    const model = chain(form);
    const [actual, expected] = await outcomes(model);
    expect(actual).toEqual(expected);
    expect(counted(withJointSlopes(model))["Split"]).toBeGreaterThan(0);
  });

  it("take 4 + n nodes for n PRelus, seven at most at once", () => {
    const [plain, joint] = [10, 10].map((n, i) => {
      const model = chain({ channels: Array.from({ length: n }, () => 4) });
      return counted(i === 0 ? model : withJointSlopes(model));
    });
    expect([plain!["Greater"], plain!["Mul"], plain!["Where"]]).toEqual([10, 10, 10]);
    expect([joint!["Concat"], joint!["Greater"], joint!["Where"], joint!["Split"]]).toEqual([2, 2, 2, 2]);
    expect(joint!["Mul"]).toBe(10);
  });

  it("are left alone where a group would be of two, or where the values are large", () => {
    for (const form of [{ channels: [4, 5] }, { channels: [2, 3, 4, 5], stride: 2, size: [512, 514] as const }]) {
      const model = chain(form);
      expect(withJointSlopes(model)).toBe(model);
    }
  });

  it("are left alone where a PRelu reads what another one's gradient made", () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [1, 4, 4, 4]);
    const slope = op.tensor(drawn([4, 1, 1]), "slope");
    const dy = op.input("dy", "float32", [1, 4, 4, 4]);
    const back = (v: Value) => gradient(op, op.PRelu(v, slope), [v], dy)[0]!;
    const model = op.model({ dx: back(op.Exp(back(op.Exp(back(op.Exp(x)))))) });
    expect(counted(model)["Where"]).toBe(3);
    expect(withJointSlopes(model)).toBe(model);
  });
});
