/** Shape inference of operators with a sliding window: convolution, pooling and unpooling. */

import { OnnxError, describe, intOf, intsOf, stringOf, type Node } from "../graph.ts";
import { constantInts, required, type Infer, type TensorType, type Value } from "../value.ts";

/** The window of a convolution or pooling: each attribute per spatial axis; `pads` lists all begins, then all ends. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

const checkWindow = (node: Node, rank: number, sizes: Readonly<Record<string, readonly number[]>>): void => {
  for (const [name, list] of Object.entries(sizes)) {
    if (list.length !== rank || list.some((v) => v < 1))
      throw new OnnxError(`${name} [${list.join(", ")}] does not fit ${rank} spatial axes`, describe(node));
  }
};

/** The window of a node for a given input size, with default attributes and `auto_pad` resolved. `kernel` overrides `kernel_shape`. */
export const windowOf = (node: Node, spatial: readonly number[], kernel: readonly number[]): Window => {
  const ones = spatial.map(() => 1);
  const strides = intsOf(node, "strides", ones);
  const dilations = intsOf(node, "dilations", ones);
  const autoPad = stringOf(node, "auto_pad", "NOTSET");
  const zeros = [...spatial, ...spatial].map(() => 0);
  checkWindow(node, spatial.length, { kernel, strides, dilations });
  if (autoPad === "NOTSET") {
    const pads = intsOf(node, "pads", zeros);
    if (pads.length !== zeros.length)
      throw new OnnxError(`${pads.length} pads, expected ${zeros.length}`, describe(node));
    return { kernel, strides, dilations, pads };
  }
  if (autoPad === "VALID") return { kernel, strides, dilations, pads: zeros };
  const total = spatial.map((size, i) =>
    Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1 - size),
  );
  const small = total.map((t) => Math.floor(t / 2));
  const large = total.map((t) => Math.ceil(t / 2));
  return { kernel, strides, dilations, pads: autoPad === "SAME_UPPER" ? [...small, ...large] : [...large, ...small] };
};

/** ⌊(size + pads − dilated kernel) ÷ stride⌋ + 1, or with ⌈·⌉; with ceil, a window that would start in the end padding is dropped. */
const windowOutput = (spatial: readonly number[], w: Window, ceil = false): number[] =>
  spatial.map((size, i) => {
    const stride = w.strides[i]!;
    const begin = w.pads[i]!;
    const extent = (w.kernel[i]! - 1) * w.dilations[i]! + 1;
    const steps = (size + begin + w.pads[i + spatial.length]! - extent) / stride;
    if (!ceil) return Math.floor(steps) + 1;
    const out = Math.ceil(steps) + 1;
    return (out - 1) * stride >= size + begin ? out - 1 : out;
  });

const positive = (node: Node, type: TensorType): TensorType => {
  if (type.shape.every((d) => d > 0)) return type;
  throw new OnnxError(`the input is too small: its output would be [${type.shape.join(", ")}]`, describe(node));
};

const Conv: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const w = required(node, inputs, 1);
  const group = intOf(node, "group", 1);
  if (w.shape.length !== x.shape.length || w.shape[1]! * group !== x.shape[1]) {
    throw new OnnxError(
      `weights [${w.shape.join(", ")}] with group ${group} do not fit input [${x.shape.join(", ")}]`,
      describe(node),
    );
  }
  const spatial = x.shape.slice(2);
  const window = windowOf(node, spatial, w.shape.slice(2));
  return [positive(node, { dtype: x.dtype, shape: [x.shape[0]!, w.shape[0]!, ...windowOutput(spatial, window)] })];
};

/** ConvTranspose: output = stride·(input − 1) + output_padding + dilated kernel − pads. */
export const convTransposeWindow = (
  node: Node,
  x: Value,
  w: Value,
): Window & { readonly output: readonly number[] } => {
  const spatial = x.shape.slice(2);
  const kernel = w.shape.slice(2);
  const ones = spatial.map(() => 1);
  const strides = intsOf(node, "strides", ones);
  const dilations = intsOf(node, "dilations", ones);
  const extra = intsOf(
    node,
    "output_padding",
    spatial.map(() => 0),
  );
  checkWindow(node, spatial.length, { kernel, strides, dilations });
  const full = spatial.map((size, i) => strides[i]! * (size - 1) + extra[i]! + (kernel[i]! - 1) * dilations[i]! + 1);
  const autoPad = stringOf(node, "auto_pad", "NOTSET");
  const outputShape = intsOf(node, "output_shape", undefined);
  const wanted =
    outputShape?.slice(-spatial.length) ??
    (autoPad.startsWith("SAME") ? spatial.map((s, i) => s * strides[i]!) : undefined);
  if (!wanted) {
    const pads =
      autoPad === "VALID"
        ? [...ones, ...ones].map(() => 0)
        : intsOf(
            node,
            "pads",
            [...ones, ...ones].map(() => 0),
          );
    return { kernel, strides, dilations, pads, output: full.map((f, i) => f - pads[i]! - pads[i + spatial.length]!) };
  }
  const total = full.map((f, i) => Math.max(0, f - wanted[i]!));
  const small = total.map((t) => Math.floor(t / 2));
  const large = total.map((t) => Math.ceil(t / 2));
  const pads = autoPad === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
  return { kernel, strides, dilations, pads, output: wanted };
};

const ConvTranspose: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const w = required(node, inputs, 1);
  if (w.shape.length !== x.shape.length || w.shape[0] !== x.shape[1]) {
    throw new OnnxError(`weights [${w.shape.join(", ")}] do not fit input [${x.shape.join(", ")}]`, describe(node));
  }
  const channels = w.shape[1]! * intOf(node, "group", 1);
  return [
    positive(node, { dtype: x.dtype, shape: [x.shape[0]!, channels, ...convTransposeWindow(node, x, w).output] }),
  ];
};

/** A dilated window may have at most 3 · size + MAX_EXCESS elements along an axis: small images are pooled with the windows of large ones. */
const MAX_EXCESS = 64;

/** Bounds the work by the size of the image, which a window that is mostly padding would exceed. @throws OnnxError. */
const checkExtent = (node: Node, spatial: readonly number[], { kernel, dilations }: Window): void => {
  const large = spatial.findIndex((size, i) => (kernel[i]! - 1) * dilations[i]! + 1 > 3 * size + MAX_EXCESS);
  if (large < 0) return;
  const input = `[${spatial.join(", ")}]`;
  throw new OnnxError(
    `a window of ${(kernel[large]! - 1) * dilations[large]! + 1} along axis ${large + 2} is far larger than the input ${input}`,
    describe(node),
  );
};

const pool: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  const spatial = x.shape.slice(2);
  const kernel = intsOf(node, "kernel_shape", undefined);
  if (!kernel) throw new OnnxError("has no kernel_shape", describe(node));
  const window = windowOf(node, spatial, kernel);
  checkExtent(node, spatial, window);
  const output = windowOutput(spatial, window, intOf(node, "ceil_mode", 0) === 1);
  const type = positive(node, { dtype: x.dtype, shape: [x.shape[0]!, x.shape[1]!, ...output] });
  return [type, { dtype: "int64", shape: type.shape }];
};

const globalPool: Infer = (node, inputs) => {
  const { dtype, shape } = required(node, inputs, 0);
  return [{ dtype, shape: shape.map((d, i) => (i < 2 ? d : 1)) }];
};

const MaxUnpool: Infer = (node, inputs) => {
  const x = required(node, inputs, 0);
  if (inputs[2]) return [{ dtype: x.dtype, shape: constantInts(node, inputs[2]) }];
  const spatial = x.shape.slice(2);
  const kernel = intsOf(node, "kernel_shape", undefined) ?? [];
  const strides = intsOf(
    node,
    "strides",
    spatial.map(() => 1),
  );
  const pads = intsOf(
    node,
    "pads",
    [...spatial, ...spatial].map(() => 0),
  );
  const output = spatial.map((size, i) => (size - 1) * strides[i]! - pads[i]! - pads[i + spatial.length]! + kernel[i]!);
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...output] }];
};

export const window: Readonly<Record<string, Infer>> = {
  Conv,
  ConvTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  MaxUnpool,
};
