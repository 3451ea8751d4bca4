/** A numeric example of Resize: node, inputs and the expected output. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";

type Elements = readonly [shape: readonly number[], values: readonly number[]];

export interface PublishedResize {
  readonly name: string;
  readonly x: Elements;
  readonly roi?: readonly number[];
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
  readonly attributes: PlainAttributes;
  readonly y: Elements;
}
