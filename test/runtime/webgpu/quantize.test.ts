/** `faultline quantize --backend webgpu`: activations observed on the GPU have the ranges that they have on WASM. */

import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodePng } from "../../../src/image/encode.ts";
import { readModel } from "../../../src/onnx/read.ts";
import { readBytes } from "../../../src/node/files.ts";
import { numbersOf } from "../../../src/tensor.ts";
import { jsonOf, temporaryFolder } from "../../cli/terminal.ts";
import { gpuNote, hasGpu } from "../../support/gpu.ts";
import { noiseImage } from "../../support/networks/image.ts";
import { convNetwork } from "../../support/networks/quantizable.ts";

const { path, put } = temporaryFolder();
const size = { height: 24, width: 32 };

interface Told {
  readonly backend: string;
  readonly convolutions: { readonly integer: number };
}

/** All that is not an integer: scales of activations and weights, and biases. */
const scalesOf = async (file: string): Promise<number[]> => {
  const { initializers } = readModel(await readBytes(file)).graph;
  return [...initializers.values()].filter(({ dtype }) => dtype === "float32").flatMap(numbersOf);
};

describe.skipIf(!hasGpu)(`quantize${gpuNote}`, () => {
  it("observes the same on WebGPU as on WASM, and says where", async () => {
    mkdirSync(path("pictures"));
    for (const seed of [1, 2]) put(`pictures/${seed}.png`, encodePng(noiseImage(size.height, size.width, seed)));
    const network = put("float.onnx", convNetwork(size));
    const prepared = ["--calibrate", path("pictures"), "--mean", "1,2,3", "--std", "10,20,30"];
    const on = (backend: string) =>
      jsonOf<Told>("quantize", network, ...prepared, "--backend", backend, "-o", path(`${backend}.onnx`));
    const [there, here] = [await on("webgpu"), await on("wasm")];
    expect([there.backend, here.backend]).toEqual(["webgpu", "wasm"]);
    expect(there.convolutions).toEqual(here.convolutions);
    expect(there.convolutions.integer).toBeGreaterThan(0);
    const [actual, expected] = [await scalesOf(path("webgpu.onnx")), await scalesOf(path("wasm.onnx"))];
    expect(actual).toHaveLength(expected.length);
    // Bins of the histograms are where ranges end: an activation may fall into the next one.
    for (const [i, v] of expected.entries()) expect(Math.abs(actual[i]! - v)).toBeLessThanOrEqual(2e-3 * Math.abs(v));
  });
});
