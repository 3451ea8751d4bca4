/** Scales and their fusion, on networks whose logits can be written down. */

import { given } from "../support/aims.ts";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import type { Value } from "../../src/onnx/value.ts";
import { compileForward, compileGradient } from "../../src/segmenter/compile.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { logitsOf, type Purpose } from "../../src/segmenter/scales.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { greyLevels } from "../support/networks/grey-levels.ts";
import { tinyNetwork, type ManifestChanges } from "../support/networks/tiny.ts";
import { runWasm } from "../support/wasm.ts";

const logits = (network: Network, image: Tensor, purpose: Purpose): number[] => {
  const op = createBuilder();
  const build = (x: Value) => logitsOf(op, network, x, purpose);
  const graph = op.graph({ z: build(op.input("image", "float32", image.shape)) });
  return numbersOf(interpret(graph, { image })["z"]!);
};

/** Two rows of two pixels. Of half the size it is one pixel, their mean: 6, 20, 5. */
const image = tensorOf("float64", [1, 3, 2, 2], [1, 5, 8, 10, 20, 20, 20, 20, 0, 0, 0, 20]);

describe.each(["forward", "gradient"] as const)("written for the %s", (purpose) => {
  it.each<[string, ManifestChanges, readonly number[]]>([
    ["one", { scales: [1] }, [1, 5, 8, 10, 20, 20, 20, 20, 0, 0, 0, 20]],
    ["a half", { scales: [0.5] }, [6, 6, 6, 6, 20, 20, 20, 20, 5, 5, 5, 5]],
    ["the larger", { scales: [0.5, 1] }, [6, 6, 8, 10, 20, 20, 20, 20, 5, 5, 5, 20]],
    ["the mean", { scales: [0.5, 1], fusion: "mean" }, [3.5, 5.5, 7, 8, 20, 20, 20, 20, 2.5, 2.5, 2.5, 12.5]],
    // Of a quarter the size it is one pixel still.
    ["one pixel at least", { scales: [0.25, 0.5], fusion: "mean" }, [6, 6, 6, 6, 20, 20, 20, 20, 5, 5, 5, 5]],
  ])("%s", (_, changes, expected) => {
    expect(logits(greyLevels(changes), image, purpose)).toEqual(expected);
  });
});

const size = { height: 24, width: 32 };
const three = [0.5, 0.75, 1];

describe("the weights of several views", () => {
  const fileOf = (scales?: number[]) => {
    const network = tinyNetwork({}, scales ? { scales } : {});
    return [compileForward(network, size), compileGradient(network, size, given)].map(({ model }) => model.graph);
  };

  it.each([0, 1])("are in the file once (%i)", (which) => {
    const [once, shared] = [fileOf()[which]!, fileOf(three)[which]!];
    // What resizes the views is no weight.
    const weightsOf = ({ initializers }: typeof once) =>
      [...initializers].flatMap(([name, t]) => (t.shape.length === 4 && !name.startsWith("stencil") ? [t] : []));
    expect(weightsOf(shared)).toEqual(weightsOf(once));
    expect(weightsOf(once).length).toBeGreaterThan(2);
  });
});

describe("the compiled graphs of three scales", () => {
  it.each(["max", "mean"] as const)(
    "run, and predict the same labels forward and with the gradient: %s",
    async (fusion) => {
      const network = tinyNetwork({}, { scales: three, fusion });
      const { data } = tensorOf(
        "float32",
        [1, 3, 24, 32],
        Float32Array.from({ length: 2304 }, (_, i) => (i * 7919) % 256),
      );
      const feeds = {
        image: tensorOf("float32", [1, 3, 24, 32], data),
        target: tensorOf("int32", [1, 24, 32], new Int32Array(768)),
      };
      const forward = await runWasm(compileForward(network, size).model, feeds);
      const backward = await runWasm(compileGradient(network, size, given).model, feeds);
      expect(backward["labels"]).toEqual(forward["labels"]);
      expect(new Set(numbersOf(forward["labels"]!)).size).toBeGreaterThan(1);
    },
  );
});

describe("runs without end", () => {
  const tile = { fit: "tile", height: 8, width: 8, overlap: 7 } as const;

  it("are refused before they are built, by the field at fault", () => {
    const large = { height: 300, width: 300 };
    const attempt = (changes: ManifestChanges) => () => compileForward(tinyNetwork({}, changes), large);
    expect(attempt({ input: tile })).toThrow(OnnxError);
    expect(attempt({ input: tile })).toThrow(
      /^input\.fit: an image of 300×300 takes 85849 runs of the network; at most /,
    );
    expect(attempt({ input: { ...tile, overlap: 0 }, scales: [1, 4] })).toThrow(/takes 23944 runs/);
  });
});
