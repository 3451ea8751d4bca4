/** `faultline/onnx`: reads, builds, prints and writes ONNX models as plain immutable data. It does not depend on a runtime. */

export { createBuilder, type Builder } from "./build.ts";
export { OnnxError, type Graph, type Model, type ValueInfo } from "./graph.ts";
export { load } from "./load.ts";
export { printGraph } from "./print.ts";
export { readModel } from "./read.ts";
export type { Value } from "./value.ts";
export { writeModel } from "./write.ts";
export { tensor, tensorOf, type Tensor } from "../tensor.ts";
