/** Networks written for WebGPU give on WASM what they give when they are written for WASM. */

import { startWasm } from "../../src/runtime/wasm.ts";
import { describeBackend } from "../support/backend.ts";

describeBackend("WASM, written for WebGPU", () => Promise.resolve(startWasm()), {
  target: "webgpu",
  gradientError: 1e-5,
  labels: 1,
  most: { height: 64, width: 96 },
});
