/** Runs a network on calibration images and records histograms of its activations. */

import { OnnxError, type Model, type ValueInfo } from "../onnx/graph.ts";
import { prune } from "../onnx/passes/prune.ts";
import type { Tensor } from "../tensor.ts";
import { Histogram } from "./histogram.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

/** Opens a session for a model, on a runtime that the caller chooses. */
export type Open = (model: Model) => Promise<(feeds: Feeds) => Promise<Readonly<Record<string, Tensor>>>>;

/** The part of the model that computes these values, with them as outputs. @throws OnnxError where it has no such value. */
export const withOutputs = (model: Model, names: readonly string[]): Model => {
  const { graph } = model;
  const known = new Set([...graph.inputs.map((v) => v.name), ...graph.nodes.flatMap((n) => n.outputs)]);
  const missing = names.find((name) => !known.has(name));
  if (missing !== undefined) throw new OnnxError(`has no value "${missing}"`, `graph "${graph.name}"`);
  const outputs = names.map((name): ValueInfo => ({ name, dtype: "float32", shape: null }));
  return { ...model, graph: prune({ ...graph, outputs }) };
};

/**
 * A histogram of each named value over all feeds. Memory holds the activations of one image at a time.
 *
 * @throws RangeError where an activation is not finite.
 */
export const observe = async (
  model: Model,
  names: readonly string[],
  feeds: Iterable<Feeds> | AsyncIterable<Feeds>,
  open: Open,
): Promise<Map<string, Histogram>> => {
  const { inputs } = model.graph;
  const given = new Set(inputs.map((v) => v.name));
  const inside = names.filter((name) => !given.has(name));
  const histograms = new Map(names.map((name) => [name, new Histogram()]));
  const run = inside.length > 0 ? await open(withOutputs(model, inside)) : null;
  for await (const feed of feeds) {
    const values = { ...feed, ...(await run?.(feed)) };
    for (const [name, histogram] of histograms) {
      const value = values[name];
      if (!value) throw new RangeError(`observe: the run gave no "${name}"`);
      histogram.add(value.data as Float32Array);
    }
  }
  return histograms;
};
