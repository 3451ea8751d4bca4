/** The registry of rules: the rule of an operator is exported under the operator's name. */

export * from "./activation.ts";
export * from "./constant.ts";
export * from "./elementwise.ts";
export { Conv, ConvTranspose } from "./conv.ts";
export { Einsum } from "./einsum.ts";
export { GridSample } from "./grid-sample.ts";
export { Gemm, MatMul } from "./linear.ts";
export * from "./pool.ts";
export { Resize } from "./resize.ts";
export * from "./normalization.ts";
export * from "./quantize.ts";
export * from "./reduce.ts";
export * from "./shape.ts";
export * from "./softmax.ts";
export * from "./trigonometry.ts";
