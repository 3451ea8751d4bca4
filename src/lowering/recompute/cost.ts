/** The cost of executing a node again, in multiply-adds. */

import type { Node } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/value.ts";
import { bytesPerElement, sizeOf } from "../../tensor.ts";

type Types = ReadonlyMap<string, TensorType>;

/** In WASM, reading or writing a byte takes about as long as this many multiply-adds of a convolution. */
const PER_BYTE = 4;

export const bytesOf = ({ dtype, shape }: TensorType): number => bytesPerElement(dtype) * sizeOf(shape);

/** √(mk·kn·mn) = mkn */
const product = (x: TensorType, w: TensorType, y: TensorType): number =>
  Math.sqrt(sizeOf(x.shape) * sizeOf(w.shape) * sizeOf(y.shape));

const products: Readonly<Record<string, (x: TensorType, w: TensorType, y: TensorType) => number>> = {
  Conv: (_, w, y) => sizeOf(y.shape) * sizeOf(w.shape.slice(1)),
  ConvTranspose: (x, w) => sizeOf(x.shape) * sizeOf(w.shape.slice(1)),
  MatMul: (x, _, y) => sizeOf(y.shape) * (x.shape.at(-1) ?? 1),
  Gemm: product,
  Einsum: product,
};

/** Whether the node is memory-bound. */
export const isCheap = ({ op, domain }: Node): boolean => domain === "" && !Object.hasOwn(products, op);

export const costOf = ({ op, inputs, outputs }: Node, types: Types): number => {
  const [x, w, y] = [inputs[0], inputs[1], outputs[0]].map((name) => types.get(name ?? ""));
  const macs = x && w && y && Object.hasOwn(products, op) ? products[op]!(x, w, y) : 0;
  const bytes = [...inputs, ...outputs].reduce((sum, name) => {
    const type = types.get(name);
    return sum + (type ? bytesOf(type) : 0);
  }, 0);
  return macs + PER_BYTE * bytes;
};
