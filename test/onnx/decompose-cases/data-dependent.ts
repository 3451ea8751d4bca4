/** Operators whose output shape depends on data, of constants. */

import { scalar, tensorOf } from "../../../src/tensor.ts";
import { float, noise } from "../support.ts";
import { standard, type DecomposeCase } from "./case.ts";

export const dataDependent: readonly DecomposeCase[] = [
  standard({ operator: "NonZero", name: "of a matrix", inputs: [float([2, 3], [0, 1, -2, 3, 0, 0])] }),
  standard({ operator: "NonZero", name: "of a scalar", inputs: [scalar("float32", 2)] }),
  standard({
    operator: "Compress",
    name: "columns, a short condition",
    inputs: [{ fed: noise([3, 4]) }, tensorOf("bool", [3], [1, 0, 1])],
    attributes: { axis: -1 },
  }),
  standard({
    operator: "Compress",
    name: "of all elements",
    inputs: [{ fed: noise([2, 3]) }, tensorOf("bool", [6], [0, 1, 1, 0, 0, 1])],
  }),
];
