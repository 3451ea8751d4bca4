/** `faultline differentiate`: writes a network with its gradient. */

import type { Graph } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import { predictMemory, roomWithin } from "../runtime/memory/memory.ts";
import { chooseInputs, chooseOutput } from "./choice.ts";
import { command, needed, type Io, type Report } from "./command.ts";
import { budgetBytes, type Options } from "../node/options.ts";
import { at, Refusal, UsageError } from "../node/failure.ts";
import { checkWritable, readNetwork, writeFiles } from "../node/files.ts";
import { gradientModel, losses, type Loss, type Wish } from "./gradient-model.ts";
import { loadAt, type Loaded } from "./loaded.ts";
import { requireGradient } from "./require-gradient.ts";
import { inputShapes, parseSizes, sizeOptions } from "./sizes.ts";
import { grouped, mebibytes, typed } from "./text.ts";

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

/** Warns of an output that is already a softmax, which cross-entropy applies itself. */
const warnOfProbabilities = ({ op, outputs }: Loaded, { loss, output }: Wish, io: Io): void => {
  const made = op.producer(outputs[output.name]!)?.node.op;
  if (loss === "cross-entropy" && made === "Softmax")
    io.stderr(`warning: "${output.name}" is made by Softmax; cross-entropy is of logits, not of probabilities\n`);
};

const requireWithin = (predictedBytes: number, budgetBytes: number): void => {
  if (predictedBytes <= budgetBytes) return;
  throw new Refusal(
    `no way is found to run the gradient in ${mebibytes(budgetBytes)} MiB; keeping all it needs it is predicted to take ` +
      `${mebibytes(predictedBytes)} MiB: give a larger --budget-mib or a smaller --size`,
  );
};

const reportOf = (file: string, bytes: number, graph: Graph, predictedBytes: number): Report => {
  const text = [
    `${file}: ${grouped(bytes)} bytes, ${graph.nodes.length} nodes, predicted to run in ${mebibytes(predictedBytes)} MiB`,
    ...graph.inputs.map((v) => `  in   ${typed(v)}`),
    ...graph.outputs.map((v) => `  out  ${typed(v)}`),
  ];
  const data = {
    file,
    bytes,
    nodes: graph.nodes.length,
    predictedBytes,
    inputs: graph.inputs,
    outputs: graph.outputs,
  };
  return { text: text.join("\n"), data };
};

export const differentiate = command({
  name: "differentiate",
  summary: "write a network with its gradient as one ONNX file",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values, io) => {
    const out = needed(values.out, "differentiate", "-o FILE");
    const { "budget-mib": mebi } = values;
    const [loss, given, budget] = [
      lossOf(values.loss),
      parseSizes(values),
      mebi === undefined ? Infinity : budgetBytes(mebi),
    ];
    const { model } = await readNetwork(file);
    await checkWritable(out, [file]);
    const { written, predictedBytes } = await at(file, () => {
      const shapes = inputShapes(model.graph, given);
      const loaded = loadAt(model, shapes);
      const inputs = chooseInputs(model.graph, values.input);
      const name = chooseOutput(loaded, values.output);
      const { dtype, shape } = loaded.outputs[name]!;
      const wish: Wish = { loss, output: { name, dtype, shape }, inputs, prefix: values.prefix };
      requireGradient(loaded, name, inputs, (text) => io.stderr(`warning: ${text}\n`));
      warnOfProbabilities(loaded, wish, io);
      const { model: written, footprint } = gradientModel(
        model,
        shapes,
        wish,
        budget === Infinity ? budget : roomWithin(budget),
      );
      const predictedBytes = predictMemory([footprint]);
      requireWithin(predictedBytes, budget);
      return { written, predictedBytes };
    });
    const bytes = writeModel(written);
    await writeFiles([[out, bytes]]);
    return reportOf(out, bytes.length, written.graph, predictedBytes);
  },
});
