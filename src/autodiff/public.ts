/** `faultline/autodiff`: reverse-mode differentiation of an ONNX graph into an ONNX graph. */

export { gradient } from "./gradient.ts";
export { UnsupportedOperatorError } from "./rule.ts";
