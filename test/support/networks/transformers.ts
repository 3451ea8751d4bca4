/** transformers: SegFormer (Xie et al. 2021), and a plain vision transformer with a mask decoder (Strudel et al. 2021). */

import { tensorOf } from "../../../src/tensor.ts";
import type { Exporter, Name } from "./exporter.ts";
import {
  add,
  batchNorm,
  concat,
  conv,
  dimension,
  gelu,
  layerNorm,
  linear,
  mul,
  relu,
  reshape,
  resizeAs,
  transpose,
} from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

const HEADS = 2;

const matmul = (e: Exporter, a: Name, b: Name): Name => e.node("MatMul", [a, b]);

/** [B,C,H,W] to [B,H·W,C] */
const tokens = (e: Exporter, x: Name): Name => {
  const lead = e.node("Slice", [e.node("Shape", [x]), e.ints(0), e.ints(2), e.ints(0)]);
  return transpose(e, e.node("Reshape", [x, concat(e, [lead, e.ints(-1)], 0)]), 0, 2, 1);
};

/** [B,H·W,C] to [B,C,H,W], the size of `like`. */
const planes = (e: Exporter, x: Name, like: Name): Name => {
  const [batch, channels] = [dimension(e, x, 0), dimension(e, x, 2)];
  return reshape(e, transpose(e, x, 0, 2, 1), batch, channels, dimension(e, like, 2), dimension(e, like, 3));
};

/** [B,N,C] to [B,heads,N,C/heads] */
const heads = (e: Exporter, x: Name, features: number): Name =>
  transpose(e, reshape(e, x, dimension(e, x, 0), dimension(e, x, 1), HEADS, features / HEADS), 0, 2, 1, 3);

/** [B,heads,N,C/heads] to [B,N,C] */
const joined = (e: Exporter, x: Name, features: number): Name => {
  const rows = transpose(e, x, 0, 2, 1, 3);
  return reshape(e, rows, dimension(e, rows, 0), dimension(e, rows, 1), features);
};

/** softmax(q·kᵀ/√d)·v */
const attention = (e: Exporter, q: Name, k: Name, v: Name, features: number): Name => {
  const scores = matmul(e, q, transpose(e, k, 0, 1, 3, 2));
  const scaled = e.node("Div", [scores, e.float(Math.sqrt(features / HEADS))]);
  return matmul(e, e.node("Softmax", [scaled], { axis: -1 }), v);
};

/** Attention whose keys and values are reduced by a strided convolution. */
const reducedAttention = (e: Exporter, x: Name, like: Name, c: number, reduction: number): Name => {
  const query = heads(e, linear(e, x, c, c), c);
  const reduced =
    reduction === 1
      ? x
      : layerNorm(e, tokens(e, conv(e, planes(e, x, like), [c, c, reduction], { stride: reduction, padding: 0 })), c);
  const [key, value] = [heads(e, linear(e, reduced, c, c), c), heads(e, linear(e, reduced, c, c), c)];
  return linear(e, joined(e, attention(e, query, key, value, c), c), c, c);
};

/** Linear, a depthwise convolution that brings in the neighbours, GELU, linear. */
const mixFfn = (e: Exporter, x: Name, like: Name, c: number): Name => {
  const wide = linear(e, x, c, 2 * c);
  const mixed = tokens(e, conv(e, planes(e, wide, like), [2 * c, 2 * c, 3], { groups: 2 * c }));
  return linear(e, gelu(e, mixed), 2 * c, c);
};

/** A stage: overlapping patches, a block, LayerNorm; as planes. */
const stage = (
  e: Exporter,
  x: Name,
  [from, to, kernel, stride]: readonly [number, number, number, number],
  reduction: number,
): Name => {
  const embedded = conv(e, x, [from, to, kernel], { stride });
  const t = layerNorm(e, tokens(e, embedded), to);
  const attended = add(e, reducedAttention(e, layerNorm(e, t, to), embedded, to, reduction), t);
  const out = add(e, mixFfn(e, layerNorm(e, attended, to), embedded, to), attended);
  return planes(e, layerNorm(e, out, to), embedded);
};

/** The logits come at a quarter of the picture's size, as the library leaves them. */
const segFormer = (e: Exporter, x: Name): Name => {
  const s1 = stage(e, x, [3, 4, 7, 4], 2);
  const s2 = stage(e, s1, [4, 6, 3, 2], 1);
  const projected = ([s, c]: readonly [Name, number]) => planes(e, linear(e, tokens(e, s), c, 4), s);
  const levels = ([[s2, 6], [s1, 4]] as const).map((level) => resizeAs(e, projected(level), s1)); // prettier-ignore
  const fused = relu(e, batchNorm(e, conv(e, concat(e, levels), [8, 4, 1], { bias: false }), 4));
  return conv(e, fused, [4, CLASSES, 1]);
};

/** timm's block: query, key and value from one linear layer, taken apart by Gather; products by Einsum. */
const vitBlock = (e: Exporter, x: Name, c: number): Name => {
  const packed = linear(e, layerNorm(e, x, c), c, 3 * c);
  const split = reshape(e, packed, dimension(e, packed, 0), dimension(e, packed, 1), 3, HEADS, c / HEADS);
  const qkv = transpose(e, split, 2, 0, 3, 1, 4);
  const [q, k, v] = [0, 1, 2].map((i) =>
    e.node("Gather", [qkv, e.constant(tensorOf("int64", [], [i]))], { axis: 0 }),
  ) as [Name, Name, Name];
  const scores = e.node("Einsum", [mul(e, q, e.float(1 / Math.sqrt(c / HEADS))), k], { equation: "bhid,bhjd->bhij" });
  const weights = e.node("Softmax", [scores], { axis: -1 });
  const read = e.node("Einsum", [weights, v], { equation: "bhij,bhjd->bhid" });
  const attended = add(e, x, linear(e, joined(e, read, c), c, c));
  return add(e, attended, linear(e, gelu(e, linear(e, layerNorm(e, attended, c), c, 2 * c)), 2 * c, c));
};

/** x[:, from:to] */
const rows = (e: Exporter, x: Name, from: number, to: number): Name =>
  e.node("Slice", [x, e.ints(from), e.ints(to), e.ints(1), e.ints(1)]);

/** The class token, repeated over the batch, before the patches; a table of positions, looked up. */
const embedded = (e: Exporter, patches: Name, c: number): Name => {
  const shape = concat(e, [dimension(e, patches, 0), e.ints(-1), e.ints(-1)], 0);
  const minusOne = e.constant(tensorOf("int64", [3], [-1, -1, -1]));
  const ones = e.node("ConstantOfShape", [e.ints(3)], { value: tensorOf("int64", [1], [1]) });
  const wanted = e.node("Where", [e.node("Equal", [shape, minusOne]), ones, shape]);
  const token = e.node("Expand", [e.weight([1, 1, c], 0.5), wanted]);
  const sequence = concat(e, [token, patches]);
  const places = e.parameter(tensorOf("int64", [17], Array.from({ length: 17 }, (_, i) => i))); // prettier-ignore
  return add(e, sequence, e.node("Gather", [e.weight([20, c], 0.5), places], { axis: 0 }));
};

const normalised = (e: Exporter, x: Name): Name => {
  const norm =
    e.opset < 18 ? e.node("ReduceL2", [x], { axes: [-1], keepdims: 1 }) : e.node("ReduceL2", [x, e.ints(-1)]);
  return e.node("Div", [x, norm]);
};

/** Segmenter: class embeddings go through a block with the patches; masks are their cosines with the patches. */
const maskTransformer = (e: Exporter, x: Name): Name => {
  const c = 4;
  const map = conv(e, x, [3, c, 4], { stride: 4, padding: 0 });
  const sequence = vitBlock(e, embedded(e, tokens(e, map), c), c);
  const patches = linear(e, rows(e, layerNorm(e, sequence, c), 1, 2 ** 31 - 1), c, c);
  const shape = concat(e, [dimension(e, patches, 0), e.ints(CLASSES, c)], 0);
  const classes = e.node("Expand", [e.weight([1, CLASSES, c], 0.5), shape]);
  const decoded = layerNorm(e, vitBlock(e, concat(e, [patches, classes]), c), c);
  const [pixels, queries] = [rows(e, decoded, 0, -CLASSES), rows(e, decoded, -CLASSES, 2 ** 31 - 1)];
  const masks = matmul(e, normalised(e, pixels), transpose(e, normalised(e, queries), 0, 2, 1));
  return resizeAs(e, planes(e, layerNorm(e, masks, CLASSES), map), x);
};

/** BEiT and DPT: the token is dropped and what is left made planes, after each block; a transposed convolution on top. */
const readout = (e: Exporter, x: Name): Name => {
  const c = 4;
  const map = conv(e, x, [3, c, 4], { stride: 4, padding: 0 });
  const first = vitBlock(e, embedded(e, tokens(e, map), c), c);
  const levels = [first, vitBlock(e, first, c)].map((t) => planes(e, rows(e, t, 1, Number.MAX_SAFE_INTEGER), map));
  const up = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
  const [fine, coarse] = levels.map((v) => e.node("ConvTranspose", [v, e.weight([c, c, 2, 2], 0.5)], up)) as [
    Name,
    Name,
  ];
  return resizeAs(e, conv(e, relu(e, add(e, fine, coarse)), [c, CLASSES, 3]), x);
};

export const transformers: readonly Miniature[] = [
  miniature("transformers SegFormer", segFormer, { size: [32, 24] }),
  miniature("transformers SegFormer, opset 13", segFormer, { size: [16, 16], opset: 13 }),
  miniature("transformers DPT", readout),
  miniature("Segmenter on a vision transformer", maskTransformer),
  miniature("Segmenter on a vision transformer, opset 21", maskTransformer, { opset: 21 }),
];
