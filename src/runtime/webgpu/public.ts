/** `faultline/runtime/webgpu`: runs ONNX models by onnxruntime-web on a WebGPU device that the caller has opened. */

export { RuntimeCrash, RuntimeError } from "../session.ts";
export { startWebGpu, type WebGpuRuntime } from "./webgpu.ts";
