/**
 * Sums and differences of images, computed in float64 and rounded once. They are loops, as are the rules' own steps: a call of `map`'s
 * callback for each value takes ten times as long, which counts beside the gradient of a small network.
 */

/** x + scale·d, value by value; `out` may be x or d itself. */
export const plus = (
  x: Float32Array,
  scale: number,
  d: Float32Array | Float64Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(x.length),
): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < out.length; i++) out[i] = x[i]! + scale * d[i]!;
  return out;
};

/** decay·m + scale·g: a running sum. */
export const accumulated = (
  m: Float32Array,
  decay: number,
  g: Float32Array,
  scale: number,
): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(m.length);
  for (let i = 0; i < out.length; i++) out[i] = decay * m[i]! + scale * g[i]!;
  return out;
};

/** scale·x. */
export const scaled = (x: Float32Array, scale: number): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = scale * x[i]!;
  return out;
};

/** a − b, exactly: differences of float32 values. */
export const minus = (a: Float32Array, b: Float32Array): Float64Array<ArrayBuffer> => {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i]! - b[i]!;
  return out;
};
