/** A survey of a network: operators, gradients, cost at some sizes. */

import { lowerForward } from "../lowering/wasm/rewrites.ts";
import { UnsupportedOperatorError } from "../autodiff/rule.ts";
import { createBuilder } from "../onnx/build.ts";
import { OnnxError, type Graph, type Model } from "../onnx/graph.ts";
import { load } from "../onnx/load.ts";
import { typesOf } from "../onnx/types.ts";
import { footprint, predictMemory } from "../runtime/memory/memory.ts";
import { type Size, sizeOf, type Tensor } from "../tensor.ts";
import { floatInputs, floatOutputs } from "../segmenter/differentiate/choice.ts";
import {
  coverageByName,
  coverageOf,
  qualified,
  verdictOf,
  type Coverage,
  type Fault,
  type Findings,
  type Verdict,
} from "../segmenter/differentiate/coverage.ts";
import { GradientError } from "../segmenter/differentiate/gradient-error.ts";
import { gradientModel, type Loss } from "../segmenter/differentiate/gradient-model.ts";
import { declareInputs, loadAt, type Loaded } from "../segmenter/differentiate/loaded.ts";
import { macsOf } from "./macs.ts";
import { hasOpenImages, inputShapes, type GivenSizes } from "../segmenter/differentiate/input-shapes.ts";
import { inFlags, refusingInFlags } from "./flags.ts";

export interface OperatorCount {
  readonly operator: string;
  readonly nodes: number;
  readonly gradient: Verdict;
}

/** Whether one output can be differentiated by one input. */
export interface GradientSurvey {
  readonly output: string;
  readonly input: string;
  readonly supported: boolean;
  readonly faults: readonly Fault[];
  /** Why there is no derivative, although no node is at fault. */
  readonly reason: string | null;
}

type Shapes = Readonly<Record<string, readonly number[]>>;

/** The cost at one size; `fault` where the network refuses the size. */
export interface SizeSurvey {
  readonly inputs: Shapes;
  readonly outputs?: Shapes;
  /** Multiply-adds of convolutions and matrix products. */
  readonly macs?: number;
  /** Predicted peak of WASM memory with this session alone. */
  readonly forwardBytes?: number;
  /** The same for the file that `differentiate` writes; null without a gradient. */
  readonly gradientBytes?: number | null;
  readonly fault?: string;
}

export interface Survey {
  readonly operators: readonly OperatorCount[];
  readonly parameters: number;
  /** Why the network could not be loaded at any size, in which case gradients are judged by the operators' names; else null. */
  readonly loadFault: string | null;
  readonly gradients: readonly GradientSurvey[];
  readonly sizes: readonly SizeSurvey[];
}

const order: Readonly<Record<Verdict, number>> = { unsupported: 0, rule: 1, none: 2 };

const operatorsOf = ({ nodes }: Graph): OperatorCount[] => {
  const counts = new Map<string, OperatorCount>();
  for (const node of nodes) {
    const operator = qualified(node);
    const before = counts.get(operator)?.nodes ?? 0;
    counts.set(operator, { operator, nodes: before + 1, gradient: verdictOf(node) });
  }
  return [...counts.values()].toSorted((a, b) => order[a.gradient] - order[b.gradient] || b.nodes - a.nodes);
};

/** Elements of the weights, in the initializers and in Constant nodes; int64 and bool are shapes, axes and flags. */
const parametersOf = ({ initializers, nodes }: Graph): number => {
  const constants = nodes.flatMap(({ op, attributes: { value } }) =>
    op === "Constant" && value?.type === "tensor" ? [value.value] : [],
  );
  const weights = [...initializers.values(), ...constants].filter(
    (t: Tensor) => t.dtype !== "int64" && t.dtype !== "bool",
  );
  return weights.reduce((sum, t) => sum + sizeOf(t.shape), 0);
};

/** Sizes at which a network with open sizes is surveyed, multiples of every common stride. */
const defaultSizes: readonly Size[] = [256, 512, 1024].map((side) => ({ height: side, width: side }));

const isFault = (cause: unknown): cause is Error =>
  cause instanceof OnnxError || cause instanceof UnsupportedOperatorError || cause instanceof GradientError;

const attempt = <T>(run: () => T): T | Error => {
  try {
    return run();
  } catch (cause) {
    if (isFault(cause)) return cause;
    throw cause;
  }
};

const predicted = (graph: Graph): number => predictMemory([footprint({ ...graph, types: typesOf(graph) })]);

const forwardOf = (model: Model, shapes: Shapes) => {
  const [plain, lowered] = [createBuilder(), createBuilder()];
  const outputs = load(plain, model, declareInputs(plain, model.graph, shapes));
  const graph = lowered.graph(load(lowered, model, declareInputs(lowered, model.graph, shapes), lowerForward));
  return {
    macs: macsOf(plain.steps),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, shape])),
    forwardBytes: predicted(graph),
  };
};

/** Memory of the first gradient that exists, of cross-entropy where the output has the shape of logits. */
const gradientBytesOf = (model: Model, { outputs }: Loaded, inputs: Shapes, gradients: readonly GradientSurvey[]) => {
  const first = gradients.find((g) => g.supported);
  if (!first) return null;
  const { dtype, shape } = outputs[first.output]!;
  const loss: Loss = shape.length === 4 && shape[1]! > 1 ? "cross-entropy" : "sum";
  const wish = { loss, output: { name: first.output, dtype, shape }, inputs: [first.input], prefix: "faultline_" };
  return predictMemory([gradientModel(model, inputs, wish).footprint]);
};

const sizeSurvey = (
  model: Model,
  inputs: Shapes | Error,
  loaded: Loaded | Error,
  gradients: readonly GradientSurvey[],
): SizeSurvey => {
  if (inputs instanceof Error) return { inputs: {}, fault: inFlags(inputs.message) };
  if (loaded instanceof Error) return { inputs, fault: loaded.message };
  const found = attempt(() => ({
    ...forwardOf(model, inputs),
    gradientBytes: gradientBytesOf(model, loaded, inputs, gradients),
  }));
  return found instanceof Error ? { inputs, fault: inFlags(found.message) } : { inputs, ...found };
};

const gradientSurvey = (output: string, input: string, { reached, faults, ends }: Coverage): GradientSurvey => {
  const end = ends.at(-1);
  const cut = end ? `node ${end.op} "${end.name}" has no derivative` : `"${output}" does not depend on "${input}"`;
  return { output, input, supported: reached && faults.length === 0, faults, reason: reached ? null : cut };
};

const gradientsOf = ({ graph }: Model, loaded: Loaded | null): GradientSurvey[] => {
  const outputs = loaded ? floatOutputs(loaded) : graph.outputs.map((v) => v.name);
  const findings: Findings = new Map();
  return outputs.flatMap((output) =>
    floatInputs(graph).map((input) => {
      const coverage = loaded ? coverageOf(loaded, output, input, findings) : coverageByName(graph, output, input);
      return gradientSurvey(output, input, coverage);
    }),
  );
};

/**
 * Surveys a network at the given sizes, or at default ones where it leaves them open.
 *
 * @throws Refusal where the given sizes do not exist in the network.
 */
export const survey = (model: Model, given: GivenSizes): Survey => {
  const { graph } = model;
  const asked = given.size !== null || given.dims.size + given.shapes.size > 0;
  const sizes = given.size === null && hasOpenImages(graph, given) ? defaultSizes : [given.size];
  const shapesAt = (size: Size | null) => inputShapes(graph, { ...given, size });
  const shapes = sizes.map((size) => (asked ? refusingInFlags(() => shapesAt(size)) : attempt(() => shapesAt(size))));
  const loads = shapes.map((s) => (s instanceof Error ? s : attempt(() => loadAt(model, s))));
  const loaded = loads.find((l) => !(l instanceof Error)) as Loaded | undefined;
  const gradients = gradientsOf(model, loaded ?? null);
  return {
    operators: operatorsOf(graph),
    parameters: parametersOf(graph),
    loadFault: loaded ? null : (loads[0] as Error).message,
    gradients,
    sizes: shapes.map((s, i) => sizeSurvey(model, s, loads[i]!, gradients)),
  };
};
