/** `faultline/runtime/wasm`: runs ONNX models by onnxruntime-web in WebAssembly: in Node, browsers and Workers. */

export { RuntimeCrash, RuntimeError, type Runtime, type Session } from "../session.ts";
export { startWasm } from "./wasm.ts";
