/** A segmentation network of a known family, made so small that float64 loops can check its gradient. */

import type { Model } from "../../../src/onnx/graph.ts";
import type { TensorType } from "../../../src/onnx/value.ts";
import { Exporter, type Name } from "./exporter.ts";

/** The classes of every miniature. */
export const CLASSES = 3;

export interface Miniature {
  readonly name: string;
  readonly model: Model;
  /** Of the image that it is checked on. */
  readonly height: number;
  readonly width: number;
  /** Whether the graph leaves batch, height and width open. */
  readonly dynamic: boolean;
  /** The output that holds the logits. */
  readonly output: string;
}

export interface MiniatureOptions {
  readonly opset?: number;
  /** Default 16 × 16. */
  readonly size?: readonly [height: number, width: number];
  /** Default true. */
  readonly dynamic?: boolean;
  /** Where there are several: which holds the logits. */
  readonly output?: string;
}

/** A network of `input` [N,3,H,W] that `build` writes; what it returns is `output`, or the outputs by name. */
export const miniature = (
  name: string,
  build: (e: Exporter, x: Name) => Name | Readonly<Record<string, Name>>,
  { opset = 17, size: [height, width] = [16, 16], dynamic = true, output = "output" }: MiniatureOptions = {},
): Miniature => {
  const e = new Exporter(opset);
  const built = build(e, e.input("input", dynamic ? ["batch", 3, "height", "width"] : [1, 3, height, width]));
  const model = e.model(typeof built === "string" ? { [output]: built } : built);
  return { name, model, height, width, dynamic, output };
};

/** What the graph is fed. */
export const inputType = ({ height, width }: Miniature): TensorType => ({
  dtype: "float32",
  shape: [1, 3, height, width],
});
