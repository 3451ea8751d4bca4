/** Which networks are refused when a manifest is made of the file alone, and with what words. */

import { describe, expect, it } from "vitest";
import type { Model } from "../../src/onnx/graph.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { describeNetwork } from "../../src/segmenter/describe/describe.ts";
import { describeInput } from "../../src/segmenter/describe/input.ts";
import { describeOutput } from "../../src/segmenter/describe/output.ts";
import { ManifestError } from "../../src/segmenter/manifest.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import type { Size } from "../../src/tensor.ts";
import { modelOf, node, noise } from "../onnx/support.ts";

const size = { height: 32, width: 48 };
const refusal = (shapes: Readonly<Record<string, readonly number[]>>) => () =>
  describeOutput(
    Object.entries(shapes).map(([name, shape]) => [name, noise(shape)] as const),
    size,
  );

describe("outputs that say that a map's channels are no classes", () => {
  it.each([
    ["YOLO's boxes and prototypes", { output0: [1, 116, 105], output1: [1, 32, 8, 12] }, /"output1" looks like 32 prototypes.*"output0" \[1, 116, 105\]/], // prettier-ignore
    ["boxes, one a row", { boxes: [1, 300, 38], protos: [1, 32, 8, 12] }, /"protos" looks like 32 prototypes/],
    ["MaskFormer's queries", { scores: [1, 20, 4], masks: [1, 20, 8, 12] }, /"masks" looks like masks of 20 queries, whose classes it scores, by "scores" \[1, 20, 4\]/], // prettier-ignore
  ] as const)("%s", (_, shapes, message) => {
    expect(refusal(shapes)).toThrow(ManifestError);
    expect(refusal(shapes)).toThrow(message);
    expect(refusal(shapes)).toThrow(
      /instances, not a class of each pixel; export .* or, if it is one, name it in a manifest/,
    );
  });

  it.each([
    ["the scores of whole pictures", { map: [1, 6, 32, 48], picture: [1, 6] }],
    ["features of few channels", { map: [1, 6, 32, 48], tokens: [1, 96, 8] }],
    ["a scalar for each class", { map: [1, 6, 32, 48], weight: [1, 6, 1] }],
    ["one channel", { map: [1, 1, 32, 48], tokens: [1, 96, 8] }],
  ] as const)("are not %s", (_, shapes) => {
    expect(refusal(shapes)().found.output.name).toBe("map");
  });

  it("and of equal maps the first in the file is taken, also where another has a number for its name", async () => {
    const two = modelOf({
      inputs: { x: noise([1, 3, 32, 48]) },
      nodes: [node("Relu", ["x"], ["logits"]), node("Neg", ["x"], ["626"])],
      outputs: ["logits", "626"],
    });
    const cache = new SessionCache(startWasm(), 2 ** 30);
    const picture = (planes: number, { height, width }: Size) => noise([planes, height, width]);
    const { found, assumed } = await describeNetwork(two, { name: "two" }, picture, cache);
    expect(found.output.name).toBe("logits");
    expect(assumed.at(-1)).toBe('Of several outputs "logits" is taken for the segmentation; there are also "626".');
  });

  it("and outputs that are no map are listed with their types", () => {
    expect(refusal({ flat: [1, 1536, 5] })).toThrow(
      `output.name: none is a map of scores [1, classes, H, W] or of labels [1, H, W] in the picture's shape (48×32): "flat" float32 [1, 1536, 5]`,
    );
  });
});

describe("inputs that are not one picture", () => {
  const model = (shapes: Readonly<Record<string, readonly number[]>>): Model =>
    modelOf({
      inputs: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, noise(shape)])),
      nodes: [node("Relu", ["x"], ["y"])],
      outputs: ["y"],
    });

  it("are refused for a fixed batch", () => {
    expect(() => describeInput(model({ x: [2, 3, 32, 48] }), undefined)).toThrow(
      "input.name: takes 2 images at a time; export the network for one, or any number",
    );
  });

  it("are refused for what is wanted beside it", () => {
    expect(() => describeInput(model({ x: [1, 3, 32, 48], size: [2] }), undefined)).toThrow(
      'input.name: is all that is given; the network needs "size" too; export the network with its other inputs fixed',
    );
  });

  it("are refused for what remains at the coarsest multiple, not for what a finer one alone has wrong", () => {
    // Blocks of two by two, which odd sizes do not divide into, and then a sum of 12 channels and 5, which no size helps.
    const { graph, ...rest } = modelOf({
      inputs: { x: noise([1, 3, 32, 48]) },
      initializers: { five: noise([1, 5, 1, 1]) },
      nodes: [node("SpaceToDepth", ["x"], ["z"], { blocksize: 2 }), node("Add", ["z", "five"], ["y"])],
      outputs: ["y"],
    });
    const inputs = graph.inputs.map((v) => ({ ...v, shape: [1, 3, "h", "w"] }));
    expect(() => describeInput({ ...rest, graph: { ...graph, inputs } }, undefined)).toThrow(
      /takes no open size that is a multiple of 128: node Add /,
    );
  });
});
