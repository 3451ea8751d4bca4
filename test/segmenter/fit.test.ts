/** What a manifest promises, against what its network does. */

import { describe, expect, it } from "vitest";
import { OnnxError } from "../../src/onnx/graph.ts";
import { requireFit } from "../../src/segmenter/fit.ts";
import { ManifestError } from "../../src/segmenter/manifest.ts";
import { tensorOf } from "../../src/tensor.ts";
import { tinyNetwork, type ManifestChanges, type TinyOptions } from "../support/networks/tiny.ts";

const faultOf = (model: TinyOptions, manifest: ManifestChanges): unknown => {
  try {
    return requireFit(tinyNetwork(model, manifest));
  } catch (cause) {
    return cause instanceof ManifestError ? [cause.field, cause.detail] : cause;
  }
};

describe("a network that fits its manifest", () => {
  it.each<[string, TinyOptions, ManifestChanges, object]>([
    ["of open size", {}, {}, { height: 128, width: 128 }],
    ["of a coarse multiple", {}, { input: { multipleOf: 96 } }, { height: 192, width: 192 }],
    ["of fixed size", {}, { input: { width: 64, height: 48 } }, { height: 48, width: 64 }],
    ["of one fixed side", {}, { input: { width: 64 } }, { height: 128, width: 64 }],
    ["of tiles", {}, { input: { fit: "tile", width: 64, height: 48, overlap: 8 } }, { height: 48, width: 64 }],
    ["that pads", {}, { input: { fit: "pad", multipleOf: 96 } }, { height: 192, width: 192 }],
    ["with outputs beyond its classes", { outputs: 7 }, {}, { height: 128, width: 128 }],
    ["of a stride", { head: (op, z) => op.MaxPool(z, { kernel_shape: [2, 2], strides: [2, 2] }) }, { output: { stride: 2 } }, { height: 128, width: 128 }], // prettier-ignore
  ])("%s gives a size to try it on", (_, model, manifest, size) => {
    expect(faultOf(model, manifest)).toEqual(size);
  });
});

/** Takes sizes of multiples of four only. */
const byFour: TinyOptions = {
  head: (op, z) => op.DepthToSpace(op.SpaceToDepth(z, { blocksize: 4 }), { blocksize: 4 }),
};

describe("a network that does not", () => {
  it.each<[string, TinyOptions, ManifestChanges, string, RegExp]>([
    ["too few outputs", { outputs: 3 }, { classes: 4 }, "classes", /^are 4, but "output" has 3 channels$/],
    ["another stride", {}, { output: { stride: 8 } }, "output.stride", /^is 8, but an image of 128×128 gives 128×128$/],
    ["no image for output", { head: (op, z) => op.Squeeze(z, op.ints([0])) }, {}, "output.name", /is \[4, 128, 128\], not \[1, classes, H, W\]/], // prettier-ignore
    ["sizes refused", byFour, {}, "input.multipleOf", /^is 2, but the network refuses 130×130: /],
    ["sizes refused, none told", byFour, { input: { multipleOf: undefined } }, "input.multipleOf", /^is absent, but the network refuses 129×129: /], // prettier-ignore
  ])("%s is refused by the field", (_, model, manifest, field, detail) => {
    expect(faultOf(model, manifest)).toEqual([field, expect.stringMatching(detail)]);
  });

  it("a network of fixed size whose manifest says otherwise", () => {
    const network = tinyNetwork();
    const inputs = network.model.graph.inputs.map((v) => ({ ...v, shape: [1, 3, 32, 48] }));
    const fixed = { ...network, model: { ...network.model, graph: { ...network.model.graph, inputs } } };
    expect(() => requireFit(fixed)).toThrow(/^input\.height: is "dynamic", but the network's is 32$/);
  });

  it("a network that takes no such image", () => {
    const rows = tensorOf("float32", [1, 1, 32, 1], new Float32Array(32));
    expect(faultOf({ head: (op, z) => op.Add(z, op.tensor(rows)) }, {})).toBeInstanceOf(OnnxError);
  });
});
