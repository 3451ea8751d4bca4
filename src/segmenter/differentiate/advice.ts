/** Advice, for whoever exports the network, on a node that blocks its gradient. */

import type { Node } from "../../onnx/graph.ts";

const control = new Set(["If", "Loop", "Scan"]);
const sequences = /^(Sequence|SplitToSequence|ConcatFromSequence|Optional)/;

export const adviceFor = ({ op, domain }: Node, reason: string): string => {
  if (domain !== "") return `${domain} is no standard operator set: export without fusions, for a plain ONNX runtime`;
  if (control.has(op)) return "export with the control flow unrolled: trace the network at a fixed size";
  if (sequences.test(op)) return "export without sequences and optional values";
  if (/float16/.test(reason)) return "convert the network to float32";
  if (/u?int16/.test(reason)) return "quantise to 8 bits, or take the float network";
  if (/depend on the image/.test(reason)) return "there is no way yet: weights must be constants";
  if (/ with /.test(reason)) return "export without this form of the operator";
  return 'replace it in the network, or add its rule: CONTRIBUTING.md, "A new gradient rule"';
};
