/** UPerNet's other backbone: Swin (Liu et al. 2021), windows and their shift written with Slice, Concat and Reshape. */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import { add, concat, conv, dimension, gelu, layerNorm, linear, mul, reshape, resizeAs, transpose } from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

const WINDOW = 2;
const HEADS = 2;

const END = Number.MAX_SAFE_INTEGER;

const slice = (e: Exporter, x: Name, axis: number, from: number, to: number, step = 1): Name =>
  e.node("Slice", [x, ...[from, to, axis, step].map((v) => e.ints(v))]);

/** torch.roll by −n over both spatial axes of [B,H,W,C]. */
const roll = (e: Exporter, x: Name, n: number): Name =>
  [1, 2].reduce((v, axis) => concat(e, [slice(e, v, axis, n, END), slice(e, v, axis, 0, n)], axis), x);

/** [B,H,W,C] to windows [B·H/w·W/w, w·w, C] and back. */
const partition = (e: Exporter, x: Name, c: number): Name => {
  const count = (axis: number) => e.node("Div", [dimension(e, x, axis), e.ints(WINDOW)]);
  const tiled = reshape(e, x, dimension(e, x, 0), count(1), WINDOW, count(2), WINDOW, c);
  return reshape(e, transpose(e, tiled, 0, 1, 3, 2, 4, 5), -1, WINDOW * WINDOW, c);
};
const merged = (e: Exporter, windows: Name, like: Name, c: number): Name => {
  const [height, width] = [dimension(e, like, 1), dimension(e, like, 2)];
  const count = (size: Name) => e.node("Div", [size, e.ints(WINDOW)]);
  const tiled = reshape(e, windows, -1, count(height), count(width), WINDOW, WINDOW, c);
  return reshape(e, transpose(e, tiled, 0, 1, 3, 2, 4, 5), -1, height, width, c);
};

/** Of a pair of places in a window, the row of the table of biases. */
const offsets = Array.from({ length: WINDOW ** 4 }, (_, i) => {
  const [a, b] = [Math.floor(i / WINDOW ** 2), i % WINDOW ** 2];
  const [dy, dx] = [Math.floor(a / WINDOW) - Math.floor(b / WINDOW), (a % WINDOW) - (b % WINDOW)];
  return (dy + WINDOW - 1) * (2 * WINDOW - 1) + dx + WINDOW - 1;
});

/** A learned bias for each relative position: [1,heads,w·w,w·w]. */
const positionBias = (e: Exporter): Name => {
  const table = e.weight([(2 * WINDOW - 1) ** 2, HEADS], 0.5);
  const rows = e.node("Gather", [table, e.parameter(tensorOf("int64", [offsets.length], offsets))], { axis: 0 });
  const square = reshape(e, rows, WINDOW * WINDOW, WINDOW * WINDOW, -1);
  return e.node("Unsqueeze", [transpose(e, square, 2, 0, 1), e.ints(0)]);
};

/** Attention within each window; `mask` keeps apart what the shift has brought together. */
const windowAttention = (e: Exporter, x: Name, c: number, mask: Name | null): Name => {
  const tokens = WINDOW * WINDOW;
  const packed = reshape(e, linear(e, x, c, 3 * c), dimension(e, x, 0), tokens, 3, HEADS, c / HEADS);
  const parts = e.nodes("Split", [transpose(e, packed, 2, 0, 3, 1, 4), e.ints(1, 1, 1)], { axis: 0 }, 3);
  const [q, k, v] = parts.map((p) => e.node("Squeeze", [p, e.ints(0)])) as [Name, Name, Name];
  const scaled = mul(e, q, e.float(1 / Math.sqrt(c / HEADS)));
  const scores = add(e, e.node("MatMul", [scaled, transpose(e, k, 0, 1, 3, 2)]), positionBias(e));
  const weights = e.node("Softmax", [mask ? add(e, scores, mask) : scores], { axis: -1 });
  return linear(e, reshape(e, transpose(e, e.node("MatMul", [weights, v]), 0, 2, 1, 3), -1, tokens, c), c, c);
};

/** −100 between places of different regions: a picture of regions, shifted into windows, compared with itself. */
const shiftMask = (e: Exporter, x: Name): Name => {
  const shape = concat(e, [e.ints(1), dimension(e, x, 1), dimension(e, x, 2), e.ints(1)], 0);
  const zeros = e.node("ConstantOfShape", [shape], { value: tensorOf("float32", [1], [0]) });
  const region = [1, 2].reduce((v, axis) => {
    const inner = slice(e, v, axis, 0, -1);
    return concat(e, [inner, add(e, slice(e, v, axis, -1, END), e.float(axis))], axis);
  }, zeros);
  const windows = reshape(e, partition(e, region, 1), -1, WINDOW * WINDOW);
  const unsqueeze = (axis: number) => e.node("Unsqueeze", [windows, e.ints(axis)]);
  const same = e.node("Equal", [e.node("Sub", [unsqueeze(1), unsqueeze(2)]), e.float(0)]);
  return e.node("Unsqueeze", [e.node("Where", [same, e.float(0), e.float(-100)]), e.ints(1)]);
};

/** x [B,H,W,C] */
const block = (e: Exporter, x: Name, c: number, shift: number): Name => {
  const shifted = shift > 0 ? roll(e, layerNorm(e, x, c), shift) : layerNorm(e, x, c);
  const attended = windowAttention(e, partition(e, shifted, c), c, shift > 0 ? shiftMask(e, x) : null);
  const whole = merged(e, attended, x, c);
  const y = add(e, x, shift > 0 ? roll(e, whole, -shift) : whole);
  return add(e, y, linear(e, gelu(e, linear(e, layerNorm(e, y, c), c, 2 * c)), 2 * c, c));
};

/** Halves the size: each 2×2 becomes one token. */
const patchMerging = (e: Exporter, x: Name, c: number): Name => {
  const phase = (dy: number, dx: number) => slice(e, slice(e, x, 1, dy, END, 2), 2, dx, END, 2);
  const phases = concat(e, [phase(0, 0), phase(1, 0), phase(0, 1), phase(1, 1)], -1);
  return e.node("MatMul", [layerNorm(e, phases, 4 * c), e.weight([4 * c, c], 0.3)]);
};

const swin = (e: Exporter, x: Name): Name => {
  const patches = transpose(e, conv(e, x, [3, 4, 2], { stride: 2, padding: 0 }), 0, 2, 3, 1);
  const s1 = block(e, block(e, patches, 4, 0), 4, 1);
  const s2 = block(e, patchMerging(e, s1, 4), 4, 1);
  const [fine, coarse] = [s1, s2].map((s) => transpose(e, layerNorm(e, s, 4), 0, 3, 1, 2)) as [Name, Name];
  const logits = conv(e, concat(e, [fine, resizeAs(e, coarse, fine)]), [8, CLASSES, 1]);
  return resizeAs(e, logits, x);
};

export const swinTransformers: readonly Miniature[] = [miniature("mmsegmentation Swin", swin)];
