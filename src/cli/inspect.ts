/** `faultline inspect`: the operators of a network, what blocks its gradient, and its cost. */

import type { Model } from "../onnx/graph.ts";
import { command } from "./command.ts";
import type { Options } from "../node/options.ts";
import { at } from "../node/failure.ts";
import { readNetwork } from "../node/read-network.ts";
import { typed } from "../onnx/print.ts";
import type { Fault } from "../segmenter/differentiate/coverage.ts";
import { parseSizes, sizeOptions } from "./sizes.ts";
import { survey, type GradientSurvey, type SizeSurvey, type Survey } from "./survey.ts";
import { grouped, mebibytes, short, table } from "./text.ts";

const options = { ...sizeOptions } as const satisfies Options;

const about = `
Prints the operators of NET.onnx with what is known of their derivatives, whether each
float output can be differentiated by each float input and otherwise which nodes block
that, and what the network costs: parameters, multiply-adds (of convolutions and matrix
products), and the predicted WASM memory of a forward run and of a run of the file that
differentiate writes, at the sizes given or at some usual ones.`;

const gradientWords = { rule: "rule", none: "no derivative", unsupported: "NOT SUPPORTED" } as const;

const operatorTable = ({ operators }: Survey): string =>
  table(
    [
      ["operator", "nodes", "gradient"],
      ...operators.map(({ operator, nodes, gradient }) => [operator, String(nodes), gradientWords[gradient]]),
    ],
    [1],
  );

const gradientLines = ({ output, input, supported, faults, reason }: GradientSurvey): string[] => {
  const head = `gradient of "${output}" by "${input}"`;
  if (supported) return [`${head}: yes`];
  if (faults.length === 0) return [`${head}: no, ${reason}`];
  return [
    `${head}: no, ${faults.length} ${faults.length === 1 ? "node blocks" : "nodes block"} it`,
    ...groupsOf(faults).flatMap(([first, ...others]) => [
      `  ${first!.operator}: ${first!.reason}`,
      `    ${first!.advice}`,
      ...namesOf([first!, ...others]),
    ]),
  ];
};

/** Nodes that are at fault for the same reason. */
const groupsOf = (faults: readonly Fault[]): Fault[][] => {
  const groups = new Map<string, Fault[]>();
  for (const fault of faults) {
    const key = `${fault.operator}: ${fault.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), fault]);
  }
  return [...groups.values()];
};

const SHOWN = 8;

const namesOf = (faults: readonly Fault[]): string[] => [
  ...faults.slice(0, SHOWN).map((f) => `    node "${f.node}"`),
  ...(faults.length > SHOWN ? [`    and ${faults.length - SHOWN} more (all with --json)`] : []),
];

const cellsOf = (size: SizeSurvey): string[] => {
  const { macs, forwardBytes, gradientBytes } = size;
  const shapes = Object.values(size.inputs).map((shape) => shape.join("×"));
  if (size.fault !== undefined || macs === undefined || forwardBytes === undefined)
    return [shapes.join(", "), "refused"];
  return [
    shapes.join(", "),
    short(macs),
    mebibytes(forwardBytes),
    typeof gradientBytes === "number" ? mebibytes(gradientBytes) : "–",
  ];
};

const sizeLines = ({ sizes }: Survey): string[] => {
  const rows = sizes.map(cellsOf);
  const faults = new Set(sizes.flatMap((s) => (s.fault === undefined ? [] : [s.fault])));
  const measured = sizes.some((s) => s.fault === undefined);
  const header = ["inputs", "multiply-adds", "forward MiB", "gradient MiB"];
  return [...(measured ? ["", table([header, ...rows], [1, 2, 3])] : []), ...[...faults].map((f) => `refused: ${f}`)];
};

const textOf = (file: string, bytes: number, model: Model, found: Survey): string => {
  const { graph, opset, domains, producer } = model;
  const sets = [`opset ${opset}`, ...[...domains].map(([domain, version]) => `${domain} ${version}`)];
  return [
    `${file}: ${grouped(bytes)} bytes, ${sets.join(", ")}${producer === "" ? "" : `, made by ${producer}`}`,
    ...graph.inputs.map((v) => `  in   ${typed(v)}`),
    ...graph.outputs.map((v) => `  out  ${typed(v)}`),
    `${graph.nodes.length} nodes, ${grouped(found.parameters)} parameters`,
    "",
    operatorTable(found),
    "",
    ...(found.loadFault === null ? [] : ["judged by the operators' names alone:"]),
    ...found.gradients.flatMap(gradientLines),
    ...sizeLines(found),
  ].join("\n");
};

export const inspect = command({
  name: "inspect",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values) => {
    const given = parseSizes(values);
    const { bytes, model } = await readNetwork(file);
    const found = await at(file, () => survey(model, given));
    const { graph, opset, domains, producer } = model;
    const data = {
      file,
      bytes: bytes.length,
      opset,
      domains: Object.fromEntries(domains),
      producer,
      inputs: graph.inputs,
      outputs: graph.outputs,
      nodes: graph.nodes.length,
      ...found,
    };
    // A size that was chosen for the network says nothing about the network; one that was asked for is refused.
    const asked = values.size !== undefined && found.sizes.every(({ fault }) => fault !== undefined);
    const refusal = asked ? found.sizes[0]?.fault : undefined;
    return { text: textOf(file, bytes.length, model, found), data, refusal };
  },
});
