/** A manifest from a network's file alone: by its shapes and first operators, and by what it gives on a picture. */

import { createBuilder } from "../../onnx/build.ts";
import type { Model } from "../../onnx/graph.ts";
import { load } from "../../onnx/load.ts";
import { writeModel } from "../../onnx/write.ts";
import { fitToBudget } from "../../lowering/wasm/fit-to-budget.ts";
import { lowerForward } from "../../lowering/wasm/rewrites.ts";
import { RuntimeError } from "../../runtime/session.ts";
import { type Size, type Tensor, tensor } from "../../tensor.ts";
import { asInput } from "../adapt.ts";
import { channelCount, type Manifest } from "../manifest.ts";
import { preprocess } from "../preprocess.ts";
import type { SessionCache } from "../session-cache.ts";
import { exposing, sourceOf } from "../source.ts";
import { classesFor, classesStated, type NamedClass } from "./classes.ts";
import { describeInput, nextMultiple, trialSize, type Described } from "./input.ts";
import type { Like } from "./likes.ts";
import { describeOutput } from "./output.ts";

/** What is known beyond the file. */
export interface Hints {
  readonly name: string;
  readonly like?: Like | undefined;
  /** How many classes, or which. */
  readonly classes?: number | readonly NamedClass[] | undefined;
}

type Draft = Omit<Manifest, "sha256" | "file">;

/** float32 [P,H,W] for a size: a picture, or noise. */
export type Picture = (planes: number, size: Size) => Tensor<"float32">;

/** All outputs of the network on a picture. @throws MemoryBudgetError, RuntimeError. */
export const outputsOn = async (
  model: Model,
  manifest: Pick<Manifest, "input">,
  picture: Tensor<"float32">,
  cache: SessionCache,
): Promise<Readonly<Record<string, Tensor>>> => {
  const op = createBuilder("outputs");
  const { name } = manifest.input;
  const image = op.input("image", "float32", [1, ...picture.shape]);
  const [, height, width] = picture.shape as readonly [number, number, number];
  const { dtype } = model.graph.inputs.find((v) => v.name === name)!;
  const x = asInput(op, preprocess(op, image, manifest, { height, width }), manifest, dtype);
  const whole = op.model(load(op, model, { [name]: x }, lowerForward));
  const { graph, footprint } = fitToBudget(whole.graph, [], Infinity);
  const key = `outputs ${crypto.randomUUID()}`;
  const session = await cache.session({ key, footprint, bytes: () => writeModel({ ...whole, graph }) });
  return session.run({ image: tensor("float32", image.shape, picture.data) });
};

/** The model with the scores before each ArgMax that gives an output as outputs too: they tell how many classes there are. */
const withScores = (model: Model): Model => {
  const sources = model.graph.outputs.map(({ name }) =>
    sourceOf(model.graph, model.opset, { output: { name, kind: "labels", stride: 1 } }),
  );
  const scores = sources.filter(({ axis }) => axis !== undefined);
  return { ...model, graph: scores.reduce(exposing, model.graph) };
};

const isQuantized = ({ graph }: Model): boolean =>
  graph.nodes.some((n) => n.op === "DequantizeLinear" || n.op === "QLinearConv" || n.op === "ConvInteger");

/** "int8" where the file has quantised arithmetic or weights. */
export const precisionOf = (model: Model): Manifest["precision"] => (isQuantized(model) ? "int8" : "fp32");

/** The outputs on a picture; with coarser multiples where the runtime refuses sizes that fit by their shapes. */
const firstRun = async (
  model: Model,
  input: Manifest["input"],
  picture: Picture,
  cache: SessionCache,
): Promise<{ readonly input: Manifest["input"]; readonly shown: Readonly<Record<string, Tensor>> }> => {
  try {
    const seen = picture(channelCount(input.channels), trialSize(input));
    return { input, shown: await outputsOn(model, { input }, seen, cache) };
  } catch (cause) {
    const multipleOf = cause instanceof RuntimeError ? nextMultiple(input) : undefined;
    if (multipleOf === undefined) throw cause;
    return firstRun(model, { ...input, multipleOf }, picture, cache);
  }
};

/**
 * A manifest for the network, and what was taken for granted in it.
 *
 * @throws ManifestError where the file is no segmentation network of pictures; MemoryBudgetError, RuntimeError where it does not run.
 */
export const describeNetwork = async (
  model: Model,
  hints: Hints,
  picture: Picture,
  cache: SessionCache,
): Promise<Described<Draft>> => {
  const described = describeInput(model, hints.like);
  const { input, shown } = await firstRun(withScores(model), described.found, picture, cache);
  const size = trialSize(input);
  const own = model.graph.outputs.map(({ name }) => [name, shown[name]!] as const);
  const wanted = typeof hints.classes === "object" ? hints.classes.length : hints.classes;
  const { found, assumed } = describeOutput(own, size, wanted);
  const { output } = found;
  const source = sourceOf(model.graph, model.opset, { output });
  const scores = output.kind === "labels" && source.axis !== undefined ? shown[source.name] : undefined;
  const count = scores?.shape.at(source.axis!) ?? found.count;
  const isCertain = output.kind !== "labels" || scores !== undefined;
  const named = hints.classes === undefined ? classesStated(model, output, count, isCertain) : undefined;
  const classes = named ?? classesFor(output, count, hints.classes, isCertain);
  return {
    found: {
      name: hints.name,
      classes: [...classes.found],
      void: 255,
      precision: precisionOf(model),
      input,
      output,
      metrics: {},
    },
    assumed: [
      ...(model.notes ?? []),
      ...described.assumed,
      ...assumed,
      ...(source.note === undefined ? [] : [source.note]),
      ...classes.assumed,
    ],
  };
};
