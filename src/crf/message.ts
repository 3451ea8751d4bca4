/** The message passing of mean-field inference. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";

/** What the other pixels tell each pixel about each class: probabilities [N,C] to [N,C]. Linear. */
export type Message = (op: Builder, probabilities: Value) => Value;
