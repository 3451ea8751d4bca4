/** What keeps a gradient from being built is found when a network is opened, not when somebody attacks it. */

import { describe, expect, it } from "vitest";
import type { Builder } from "../../src/onnx/build.ts";
import type { Value } from "../../src/onnx/value.ts";
import { gradientFaults } from "../../src/segmenter/compile.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const faultsOf = (head: (op: Builder, logits: Value) => Value) => gradientFaults(tinyNetwork({ head }));

describe("gradientFaults", () => {
  it("finds none in a network that has a gradient", () => {
    expect(gradientFaults(tinyNetwork())).toEqual([]);
  });

  it("names an operator without a rule", () => {
    expect(faultsOf((op, z) => op.append("Mod", [z, op.constant(7)], { fmod: 1 })[0]!)).toEqual(["Mod"]);
  });

  it("does not mind one that is off every path to the image", () => {
    const constant = (op: Builder) => op.append("Mod", [op.constant(9), op.constant(7)], { fmod: 1 })[0]!;
    expect(faultsOf((op, z) => op.Add(z, constant(op)))).toEqual([]);
  });

  it("finds none in half precision, which runs in single precision", () => {
    expect(faultsOf((op, z) => op.cast(op.cast(z, "float16"), "float32"))).toEqual([]);
  });

  it("refuses convolutions whose weights depend on the image", () => {
    const faults = faultsOf((op, z) => {
      const pooled = op.ReduceMean(z, op.ints([2, 3]), { keepdims: 1 });
      return op.Conv(
        z,
        op.Mul(pooled, op.tensor({ dtype: "float32", shape: [4, 1, 1, 1], data: new Float32Array(4).fill(1) })),
      );
    });
    expect(faults).toEqual(["Conv with weights that depend on the image"]);
  });

  it("refuses resizing with antialiasing, by name", () => {
    const faults = faultsOf((op, z) => {
      const sizes = op.ints([1, 4, z.shape[2]! / 2, z.shape[3]! / 2]);
      return op.Resize(z, null, null, sizes, { mode: "linear", antialias: 1 });
    });
    expect(faults).toEqual(["Resize with antialias"]);
  });
});
