/** Networks written for WebGPU give on WASM what they give when they are written for WASM, and leave nothing to the CPU. */

import { given } from "../support/aims.ts";
import { expect, test } from "vitest";
import { networks } from "../../bench/networks.ts";
import { capturable } from "../../src/lowering/webgpu/kernels.ts";
import { compileGradient, gpuFaults } from "../../src/segmenter/compile.ts";
import { networkSize } from "../../src/segmenter/size.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { describeBackend } from "../support/backend.ts";

describeBackend("WASM, written for WebGPU", () => Promise.resolve(startWasm()), {
  target: "webgpu",
  size: { height: 64, width: 96 },
});

test.each(networks().map((n) => [n.manifest.name, n] as const))(
  "%s lowers wholly, and can be captured",
  (_, network) => {
    const { crf } = network.manifest;
    expect(gpuFaults(network, crf ? { parameters: crf, attacked: true } : null)).toEqual([]);
    const size = networkSize(network.manifest, { height: 32, width: 64 });
    expect(capturable(compileGradient(network, size, given, { target: "webgpu" }).model.graph)).toBe(true);
  },
);
