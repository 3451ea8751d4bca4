/** Scaled dot-product attention and rotary position embedding (ONNX opset 23 to 25). */

import { numbersOf, tensorOf } from "../../tensor.ts";
import type { Builder } from "../build.ts";
import { OnnxError, describe, floatOf, intOf, type Node } from "../graph.ts";
import { required, type Value } from "../value.ts";
import type { Decompose } from "./rule.ts";

/** Added to the score of a masked key. Its softmax is exactly 0, and stays finite if all keys are masked. */
const MASKED = -1e30;

/** [B, S, heads · D] as [B, heads, S, D]; a tensor with four axes is returned unchanged. */
const withHeads = ({ op, node }: { op: Builder; node: Node }, x: Value, heads: number): Value => {
  if (x.shape.length === 4) return x;
  const [b = 0, s = 0, hidden = 0] = x.shape;
  if (x.shape.length !== 3 || heads < 1 || hidden % heads !== 0)
    throw new OnnxError(`[${x.shape.join(", ")}] does not divide into ${heads} heads`, describe(node));
  return op.Transpose(op.Reshape(x, op.ints([b, s, heads, hidden / heads])), { perm: [0, 2, 1, 3] });
};

/** Repeats each head of keys or values for the query heads that share it (grouped-query attention). */
const repeated = (op: Builder, x: Value, heads: number): Value => {
  const [b = 0, own = 0, s = 0, d = 0] = x.shape;
  if (own === heads) return x;
  const each = op.Expand(op.Unsqueeze(x, op.ints([2])), op.ints([b, own, heads / own, s, d]));
  return op.Reshape(each, op.ints([b, heads, s, d]));
};

/** The keys that a query may attend by is_causal and the window sizes: −before ≤ key − query − offset ≤ after. */
interface Window {
  readonly before: number;
  readonly after: number;
}

const windowOf = (node: Node): Window | null => {
  const [left, right] = ["left_window_size", "right_window_size"].map((name) => intOf(node, name, -1)) as [
    number,
    number,
  ];
  const before = left < 0 ? Infinity : left;
  const after = Math.min(right < 0 ? Infinity : right, intOf(node, "is_causal", 0) === 1 ? 0 : Infinity);
  return before === Infinity && after === Infinity ? null : { before, after };
};

/**
 * The bias that masks keys outside the window. Query i has position i + offset: after the past keys, or at the end of the keys of
 * each sample that are not padding.
 */
const outside = (
  op: Builder,
  { before, after }: Window,
  q: Value,
  keys: number,
  past: number,
  valid: Value | null,
): Value => {
  const queries = q.shape[2] ?? 0;
  const distances = Array.from({ length: queries * keys }, (_, k) => (k % keys) - Math.floor(k / keys));
  if (!valid) {
    const data = distances.map((d) => (d - past > after || past - d > before ? MASKED : 0));
    return op.tensor(tensorOf(q.dtype, [queries, keys], data), "attention_mask");
  }
  const start = op.Sub(perSample(op, valid), op.constant(queries, "int64"));
  const distance = op.Sub(op.tensor(tensorOf("int64", [queries, keys], distances), "distances"), start);
  const hidden = [
    ...(after < Infinity ? [op.Greater(distance, op.constant(after, "int64"))] : []),
    ...(before < Infinity ? [op.Less(distance, op.constant(-before, "int64"))] : []),
  ].reduce((a, b) => op.Or(a, b));
  return op.Where(hidden, op.constant(MASKED, q.dtype), op.constant(0, q.dtype));
};

/** [B] as [B, 1, 1, 1] */
const perSample = (op: Builder, v: Value): Value => op.Reshape(op.cast(v, "int64"), op.ints([v.shape[0]!, 1, 1, 1]));

/** The input attn_mask as a bias; keys beyond its end are masked. */
const given = (op: Builder, mask: Value, dtype: Value["dtype"], keys: number): Value => {
  const [none, hidden] = [op.constant(0, dtype), op.constant(MASKED, dtype)];
  const bias = mask.dtype === "bool" ? op.Where(mask, none, hidden) : op.Max(mask, hidden);
  const missing = keys - (bias.shape.at(-1) ?? 1);
  if (missing <= 0 || bias.shape.at(-1) === 1) return bias;
  const before = bias.shape.map(() => 0);
  return op.Pad(bias, op.ints([...before, ...before.map((_, i) => (i === before.length - 1 ? missing : 0))]), hidden);
};

/** The bias that masks the keys of sample b from nonpad[b] on. */
const padding = (op: Builder, valid: Value, dtype: Value["dtype"], keys: number): Value => {
  const places = op.tensor(
    tensorOf(
      "int64",
      [keys],
      Array.from({ length: keys }, (_, j) => j),
    ),
    "keys",
  );
  const isValid = op.Less(places, perSample(op, valid));
  return op.Where(isValid, op.constant(0, dtype), op.constant(MASKED, dtype));
};

/** softmax(scores + bias); 0 for a query that may attend no key. */
const attended = (op: Builder, biased: Value, bias: Value | null): Value => {
  const weights = op.Softmax(biased, { axis: -1 });
  const known = bias?.constant && numbersOf(bias.constant);
  const keys = biased.shape.at(-1)!;
  const hasEmptyRow = known?.some((_, i) => i % keys === 0 && known.slice(i, i + keys).every((v) => v <= MASKED / 2));
  if (!bias || (known && !hasEmptyRow)) return weights;
  const best = op.ReduceMax(bias, op.ints([bias.shape.length - 1]), { keepdims: 1 });
  const isAlive = op.Greater(best, op.constant(MASKED / 2, biased.dtype));
  return op.Mul(weights, op.cast(isAlive, biased.dtype));
};

/**
 * Y = softmax(softcap(s · Q·Kᵀ) + bias)·V per head. Inputs: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen. Outputs: Y,
 * present_key, present_value, and the scores at the stage that qk_matmul_output_mode names.
 */
export const Attention: Decompose = (context) => {
  const { op, node, inputs } = context;
  const [q3, k3, v3] = [0, 1, 2].map((i) => required(node, inputs, i)) as [Value, Value, Value];
  const [, , , mask, pastKey, pastValue, valid] = inputs;
  const heads = { q: intOf(node, "q_num_heads", 0), kv: intOf(node, "kv_num_heads", 0) };
  const q = withHeads(context, q3, heads.q);
  const [k, v] = [[k3, pastKey] as const, [v3, pastValue] as const].map(([x, past]) => {
    const own = withHeads(context, x, heads.kv);
    return past ? op.Concat(past, own, { axis: 2 }) : own;
  }) as [Value, Value];
  const [count = 0, queries = 0, depth = 0] = q.shape.slice(1);
  const keys = k.shape[2] ?? 0;
  if (k.shape.length !== 4 || count % (k.shape[1] || 1) !== 0)
    throw new OnnxError(`${k.shape[1]} heads of keys do not serve ${count} heads of queries`, describe(node));
  const scale = floatOf(node, "scale", 0) || 1 / Math.sqrt(depth);
  const scores = op.MatMul(
    op.Mul(q, op.constant(scale, q.dtype)),
    op.Transpose(repeated(op, k, count), { perm: [0, 1, 3, 2] }),
  );
  const cap = floatOf(node, "softcap", 0);
  const limit = op.constant(cap, q.dtype);
  const capped = cap === 0 ? scores : op.Mul(op.Tanh(op.Div(scores, limit)), limit);
  const window = windowOf(node);
  const past = pastKey?.shape[2] ?? 0;
  const biases = [
    mask && given(op, mask, q.dtype, keys),
    window && outside(op, window, q, keys, past, valid ?? null),
    valid && padding(op, valid, q.dtype, keys),
  ].filter((v): v is Value => Boolean(v));
  const bias = biases.length === 0 ? null : biases.reduce((a, b) => op.Add(a, b));
  const biased = bias ? op.Add(capped, bias) : capped;
  const weights = attended(op, biased, bias);
  const y = op.MatMul(weights, repeated(op, v, count));
  const [b = 0, , , width = 0] = y.shape;
  const flat =
    q3.shape.length === 4
      ? y
      : op.Reshape(op.Transpose(y, { perm: [0, 2, 1, 3] }), op.ints([b, queries, count * width]));
  return [flat, k, v, [scores, capped, biased, weights][intOf(node, "qk_matmul_output_mode", 0)] ?? null];
};

/**
 * Rotates pairs of elements by an angle: (a, b) ↦ (a·cos − b·sin, a·sin + b·cos). If `interleaved`, a pair consists of two
 * neighbours, otherwise of two elements half the width apart. Inputs: X, cos_cache, sin_cache, position_ids.
 */
export const RotaryEmbedding: Decompose = (context) => {
  const { op, node, inputs } = context;
  const [x3, cosines, sines] = [0, 1, 2].map((i) => required(node, inputs, i)) as [Value, Value, Value];
  const x = withHeads(context, x3, intOf(node, "num_heads", 0));
  const width = x.shape[3] ?? 0;
  const turned = intOf(node, "rotary_embedding_dim", 0) || width;
  const half = Math.floor(turned / 2);
  const last = op.ints([3]);
  const slice = (from: number, to: number, step = 1) =>
    op.Slice(x, op.ints([from]), op.ints([to]), last, op.ints([step]));
  const interleaved = intOf(node, "interleaved", 0) === 1;
  const [a, b] = interleaved ? [slice(0, turned, 2), slice(1, turned, 2)] : [slice(0, half), slice(half, 2 * half)];
  /** [B, 1, S, half] */
  const angle = (cache: Value): Value => {
    const at = inputs[3] ? op.Gather(cache, inputs[3], { axis: 0 }) : cache;
    return op.Slice(op.Unsqueeze(at, op.ints([1])), op.ints([0]), op.ints([half]), last);
  };
  const [cos, sin] = [angle(cosines), angle(sines)];
  const first = op.Sub(op.Mul(a, cos), op.Mul(b, sin));
  const second = op.Add(op.Mul(a, sin), op.Mul(b, cos));
  const pairs = op.Concat(op.Unsqueeze(first, op.ints([4])), op.Unsqueeze(second, op.ints([4])), { axis: 4 });
  const mixed = interleaved
    ? op.Reshape(pairs, op.ints([...x.shape.slice(0, 3), turned]))
    : op.Concat(first, second, { axis: 3 });
  const y = turned === width ? mixed : op.Concat(mixed, slice(turned, width), { axis: 3 });
  return [x3.shape.length === 4 ? y : op.Reshape(op.Transpose(y, { perm: [0, 2, 1, 3] }), op.ints(x3.shape))];
};
