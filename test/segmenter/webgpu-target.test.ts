/** Networks written for WebGPU give on WASM what they give when they are written for WASM. */

import { startWasm } from "../../src/runtime/wasm.ts";
import { describeBackend } from "../support/backend.ts";

describeBackend("WASM, written for WebGPU", () => Promise.resolve(startWasm()), {
  target: "webgpu",
  // Where WASM has integer kernels, an activation between two levels may be rounded to the other one.
  gradientError: 5e-3,
  labels: 0.99,
  most: { height: 64, width: 96 },
});
