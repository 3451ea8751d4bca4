/** The message passing of mean-field inference. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";

/** The message to each pixel about each class: a linear function of all probabilities, [N,C] to [N,C]. */
export type Message = (op: Builder, probabilities: Value) => Value;
