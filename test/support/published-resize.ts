/**
 * The numeric examples of Resize that ONNX publishes with the operator (onnx/backend/test/case/node/resize.py, ONNX 1.23,
 * Apache-2.0), those with antialiasing left out: node, inputs and the expected output, to seven digits.
 */

import type { PublishedResize } from "./published-resize/case.ts";
import { cubicResizes } from "./published-resize/cubic.ts";
import { linearResizes } from "./published-resize/linear.ts";
import { nearestResizes } from "./published-resize/nearest.ts";

export type { PublishedResize } from "./published-resize/case.ts";

export const publishedResizes: readonly PublishedResize[] = [...nearestResizes, ...linearResizes, ...cubicResizes];
