/** `faultline differentiate`: writes a network with its gradient. */

import { typed } from "../onnx/print.ts";
import { losses, type Loss } from "../segmenter/differentiate/gradient-model.ts";
import { lossGradient, type LossGradient } from "../segmenter/differentiate/loss-gradient.ts";
import { at, UsageError } from "../node/failure.ts";
import { budgetBytes, type Options } from "../node/options.ts";
import { command, needed, type Report } from "./command.ts";
import { checkWritable, writeFiles } from "../node/files.ts";
import { readNetwork } from "../node/read-network.ts";
import { refusingInFlags } from "./flags.ts";
import { parseSizes, sizeOptions } from "./sizes.ts";
import { grouped, mebibytes } from "./text.ts";

const options = {
  out: { type: "string", short: "o", value: "FILE", help: "the file to write" },
  loss: {
    type: "string",
    value: "LOSS",
    default: "cross-entropy",
    help: `what is differentiated: ${losses.join(", ")}`,
  },
  output: { type: "string", value: "NAME", help: "of which output, where there are several" },
  input: { type: "string", multiple: true, value: "NAME", help: "by which input; all that are float unless given" },
  "ignore-label": {
    type: "string",
    value: "N",
    help: "a class that cross-entropy ignores, beside all labels that are no class",
  },
  prefix: { type: "string", value: "P", default: "", help: "put before the names that are added" },
  "budget-mib": {
    type: "string",
    value: "N",
    help: "WASM memory that a run may take; what does not fit is recomputed in the backward pass",
  },
  ...sizeOptions,
} as const satisfies Options;

const about = `
Writes NET.onnx with its gradient as one ONNX file: standard operators of opset 21 (20 with int8 activations), in
topological order. It has the network's own inputs and outputs, and for each float
input an output INPUT_grad. What is differentiated (--loss):

  cross-entropy  of the output as logits [N, classes, H, W], the mean over the pixels that are
                 not void; adds an input "labels", int32 [N, H, W], 255 is void, and an
                 output "loss"
  sum            the sum of the output's elements
  seed           the output times an input OUTPUT_seed of its shape: any loss of your own`;

const lossOf = (text: string): Loss => {
  const found = losses.find((loss) => loss === text);
  if (!found) throw new UsageError(`--loss: "${text}" is not one of ${losses.join(", ")}`);
  return found;
};

/** @throws UsageError for what is no whole number. */
const ignoredLabelOf = (text: string | undefined): number | undefined => {
  if (text === undefined || /^-?\d{1,9}$/.test(text)) return text === undefined ? text : Number(text);
  throw new UsageError(`--ignore-label: "${text}" is not a label, a whole number`);
};

const reportOf = (file: string, { bytes, nodes, predictedBytes, inputs, outputs }: LossGradient): Report => {
  const text = [
    `${file}: ${grouped(bytes.length)} bytes, ${nodes} nodes, predicted to run in ${mebibytes(predictedBytes)} MiB`,
    ...inputs.map((v) => `  in   ${typed(v)}`),
    ...outputs.map((v) => `  out  ${typed(v)}`),
  ];
  return { text: text.join("\n"), data: { file, bytes: bytes.length, nodes, predictedBytes, inputs, outputs } };
};

export const differentiate = command({
  name: "differentiate",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values, io) => {
    const out = needed(values.out, "differentiate", "-o FILE");
    const { "budget-mib": mebi } = values;
    const { dims, shapes, size } = parseSizes(values);
    const wish = {
      loss: lossOf(values.loss),
      size: size ?? undefined,
      dimensions: Object.fromEntries(dims),
      shapes: Object.fromEntries(shapes),
      output: values.output,
      inputs: values.input,
      ignoredLabel: ignoredLabelOf(values["ignore-label"]),
      prefix: values.prefix,
      budgetBytes: mebi === undefined ? Infinity : budgetBytes(mebi),
    };
    const { model } = await readNetwork(file);
    await checkWritable(out, [file]);
    const written = await at(file, () => refusingInFlags(() => lossGradient(model, wish)));
    for (const warning of written.warnings) io.stderr(`warning: ${warning}\n`);
    await writeFiles([[out, written.bytes]]);
    return reportOf(out, written);
  },
});
