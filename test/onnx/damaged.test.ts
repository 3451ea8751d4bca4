/** Files that are cut off, or in which bytes are wrong. */

import { describe, expect, it } from "vitest";
import { OnnxError } from "../../src/onnx/graph.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { fuseBatchNormalization } from "../../src/onnx/passes/fuse-batch-norm.ts";
import { readModel } from "../../src/onnx/read.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { integer, random } from "../../src/random.ts";
import { scalar } from "../../src/tensor.ts";
import { float, ints, modelOf, node, noise } from "./support.ts";

const small = writeModel({
  ...modelOf({
    opset: 11,
    inputs: { x: noise([1, 2, 6, 6]) },
    initializers: {
      w: noise([3, 2, 3, 3]),
      gamma: noise([3]),
      variance: float([3], [1, 2, 3]),
      zero: scalar("int64", 0),
      rest: ints(-1),
      factors: float([4], [1, 1, 2, 0.5]),
      starts: ints(1, 1),
      ends: ints(5, 4),
      axes: ints(2, 3),
    },
    nodes: [
      node("Conv", ["x", "w"], ["c"], { pads: [1, 1, 1, 1], strides: [1, 2] }),
      node("BatchNormalization", ["c", "gamma", "gamma", "gamma", "variance"], ["b"], { epsilon: 0.1 }),
      node("MaxPool", ["b"], ["p", "i"], { kernel_shape: [2, 2], ceil_mode: 1 }),
      node("Resize", ["p", "", "factors"], ["r"], { mode: "linear" }),
      node("Slice", ["x", "starts", "ends", "axes"], ["s"]),
      node("Split", ["s"], ["s1", "s2"], { axis: 1 }),
      node("Concat", ["s1", "s2", "s1"], ["k"], { axis: 1 }),
      node("Transpose", ["k"], ["t"], { perm: [0, 1, 3, 2] }),
      node("Softmax", ["t"], ["m"], { axis: 1 }),
      node("Shape", ["m"], ["shape"]),
      node("Gather", ["shape", "zero"], ["n"]),
      node("Unsqueeze", ["n"], ["n1"], { axes: [0] }),
      node("Concat", ["n1", "rest"], ["target"], { axis: 0 }),
      node("Reshape", ["m", "target"], ["f"]),
      node("ReduceMean", ["r"], ["g"], { axes: [1, 2, 3], keepdims: 0 }),
      node("Unsqueeze", ["g"], ["g1"], { axes: [1] }),
      node("Mul", ["f", "g1"], ["y"]),
    ],
    outputs: ["y"],
  }),
  metadata: new Map([["task", "segmentation"]]),
});

/** Reads, fuses and folds: "ok", or the message of an OnnxError. Any other error goes through. */
const outcome = (bytes: Uint8Array): string => {
  try {
    fold(fuseBatchNormalization(readModel(bytes)));
    return "ok";
  } catch (error) {
    if (error instanceof OnnxError) return error.message;
    throw error;
  }
};

describe("a damaged file", () => {
  it("is refused with an OnnxError wherever it is cut off", () => {
    expect(outcome(small)).toBe("ok");
    const outcomes = Array.from({ length: small.length }, (_, length) => outcome(small.subarray(0, length)));
    const graphEnd = outcomes.findLastIndex((o) => o !== "ok");
    expect(outcomes[0]).toBe("model: the file is empty");
    // Only the metadata at the end can be missing entirely without notice.
    expect(outcomes.filter((o) => o === "ok").length).toBeLessThanOrEqual(2);
    expect(graphEnd).toBeGreaterThan(small.length - 30);
  });

  it("is a valid model or an OnnxError wherever a byte is wrong", () => {
    const next = random(5);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const bytes = small.slice();
      for (let flips = integer(next, 1, 3); flips > 0; flips--) {
        bytes[integer(next, 0, bytes.length - 1)] = integer(next, 0, 255);
      }
      const kind = outcome(bytes) === "ok" ? "ok" : "refused";
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    expect([...outcomes.keys()].toSorted()).toEqual(["ok", "refused"]);
  });

  it("is refused where it is no ONNX at all", () => {
    expect(() => readModel(new TextEncoder().encode("<html><body>404</body></html>"))).toThrow(OnnxError);
    expect(() => readModel(new Uint8Array(1000))).toThrow(OnnxError);
  });

  it("keeps the cause", () => {
    const error = (() => {
      try {
        return readModel(small.subarray(0, 100));
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ name: "OnnxError", place: "model", cause: expect.any(Error) as Error });
  });
});
