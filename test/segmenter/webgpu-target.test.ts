/** Networks written for WebGPU give on WASM what they give when they are written for WASM. */

import { startWasm } from "../../src/runtime/wasm.ts";
import { describeBackend } from "../support/backend.ts";

describeBackend("WASM, written for WebGPU", () => Promise.resolve(startWasm()), {
  target: "webgpu",
  // Where WASM has integer kernels, an activation between two levels may be rounded to the other one; SegNet's pooling indices amplify that.
  gradientError: 3e-2,
  labels: 0.99,
  most: { height: 64, width: 96 },
});
