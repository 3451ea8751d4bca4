/** Shape inference of operators on quantised integers. */

import { required, type Infer } from "../value.ts";
import { reducing } from "./reduce.ts";
import { window } from "./window.ts";

/** As the corresponding float operator, with an int32 result. */
const summed =
  (float: Infer): Infer =>
  (node, inputs) =>
    float(node, inputs).map(({ shape }) => ({ dtype: "int32", shape }));

/** Outputs: the integers, their scale, their zero point. */
const DynamicQuantizeLinear: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [
    { dtype: "uint8", shape },
    { dtype, shape: [] },
    { dtype: "uint8", shape: [] },
  ];
};

export const integer: Readonly<Record<string, Infer>> = {
  ConvInteger: summed(window["Conv"]!),
  MatMulInteger: summed(reducing["MatMul"]!),
  DynamicQuantizeLinear,
};
