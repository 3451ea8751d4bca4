/** Finds the weights of a network within the bytes of a graph that is made of it, and leaves holes in their place. */

import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { Graph } from "../../src/onnx/graph.ts";
import { scaledBy, weightsOf, type Hole, type Weight } from "../../src/segmenter/holes.ts";
import { sameBytes, sizeOf, type Tensor } from "../../src/tensor.ts";

/** Smaller ones are not worth a hole. */
const SMALLEST = 64;

const digestOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/** All that a weight of the network may be in a graph of it. */
const candidates = (graph: Graph): readonly (readonly [weight: Weight, made: Tensor])[] => {
  const weightOf = weightsOf(graph);
  return [...graph.initializers].flatMap(([name, { shape }]) => {
    const groups = shape.length > 2 ? [...new Set([1, shape[0]!])] : [];
    const forms: Weight[] = [{ name }, ...groups.map((flipped) => ({ name, flipped }))];
    const all = [...forms, ...forms.map((form) => ({ ...form, dequantized: true as const }))];
    return all.flatMap((weight) => {
      const made = weightOf(weight);
      return made && made.data.byteLength > SMALLEST ? [[weight, made] as const] : [];
    });
  });
};

/** The float32 after x, towards +∞ for `by` > 0. */
const beside = (x: number, by: number): number => {
  const bits = new Int32Array(Float32Array.of(x).buffer);
  bits[0]! += by;
  return new Float32Array(bits.buffer)[0]!;
};

/** The factors f with values = f·w along the first axis, exactly in float32; null where there are none. */
const factorsOf = (values: Float32Array, w: Tensor): Float32Array | null => {
  const [count = 1, ...rest] = w.shape;
  const part = sizeOf(rest);
  const factors = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const [own, theirs] = [values, w.data as Float32Array].map((all) => all.subarray(k * part, (k + 1) * part)) as [
      Float32Array,
      Float32Array,
    ];
    const at = theirs.reduce((best, value, i) => (Math.abs(value) > Math.abs(theirs[best]!) ? i : best), 0);
    const about = Math.fround(own[at]! / theirs[at]!);
    const found = [0, 1, -1, 2, -2]
      .map((by) => beside(about, by))
      .find((f) => theirs.every((value, i) => Math.fround(f * value) === own[i]));
    if (found === undefined) return null;
    factors[k] = found;
  }
  return factors;
};

/** @returns the holes, and the bytes with zeros in their place, or with the factors. */
export const withHoles = (
  file: Uint8Array<ArrayBuffer>,
  graph: Graph,
): { readonly holes: readonly Hole[]; readonly skeleton: Uint8Array<ArrayBuffer> } => {
  const all = candidates(graph);
  const byDigest = new Map(all.map(([weight, { data }]) => [digestOf(data), weight]));
  const skeleton = file.slice();
  const holes: Hole[] = [];
  const leave = (at: number, length: number, hole: Hole, factors?: Float32Array) => {
    skeleton.fill(0, at, at + length);
    if (factors) skeleton.set(new Uint8Array(factors.buffer), at);
    holes.push(hole);
  };
  for (const { rawData: raw, dims } of fromBinary(ModelProtoSchema, file).graph!.initializer) {
    if (raw.length <= SMALLEST) continue;
    const at = raw.byteOffset - file.byteOffset;
    const same = byDigest.get(digestOf(raw));
    if (same) {
      leave(at, raw.length, { at, weight: same });
      continue;
    }
    const values = new Float32Array(raw.slice().buffer);
    const shape = dims.map(Number).join();
    for (const [weight, made] of all) {
      if (made.dtype !== "float32" || made.shape.join() !== shape || made.data.byteLength !== raw.length) continue;
      const factors = made.shape.length > 1 ? factorsOf(values, made) : null;
      if (!factors || !sameBytes(scaledBy(factors, made), values)) continue;
      leave(at, raw.length, { at, weight, scaled: true }, factors);
      break;
    }
  }
  return { holes, skeleton };
};
