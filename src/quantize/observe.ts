/** Runs a network on calibration images and collects histograms of its activations. */

import { OnnxError, type Model, type ValueInfo } from "../onnx/graph.ts";
import { prune } from "../onnx/passes/prune.ts";
import type { Tensor } from "../tensor.ts";
import { Histogram } from "./histogram.ts";

/** The inputs of a run, by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** Opens a session for a model. The caller chooses the runtime. */
export type Open = (model: Model) => Promise<(feeds: Feeds) => Promise<Readonly<Record<string, Tensor>>>>;

/**
 * The part of the model that computes these values, with them as its outputs.
 *
 * @throws OnnxError if it has no such value.
 */
export const withOutputs = (model: Model, names: readonly string[]): Model => {
  const { graph } = model;
  const known = new Set([...graph.inputs.map((v) => v.name), ...graph.nodes.flatMap((n) => n.outputs)]);
  const missing = names.find((name) => !known.has(name));
  if (missing !== undefined) throw new OnnxError(`has no value "${missing}"`, `graph "${graph.name}"`);
  const outputs = names.map((name): ValueInfo => ({ name, dtype: "float32", shape: null }));
  return { ...model, graph: prune({ ...graph, outputs }) };
};

/**
 * A histogram of each named value over all feeds. Only the activations of one image are in memory at a time.
 *
 * @throws RangeError if an activation is not finite.
 */
export const observe = async (
  model: Model,
  names: readonly string[],
  feeds: Iterable<Feeds> | AsyncIterable<Feeds>,
  open: Open,
): Promise<Map<string, Histogram>> => {
  const { inputs } = model.graph;
  const inputNames = new Set(inputs.map((v) => v.name));
  const computed = names.filter((name) => !inputNames.has(name));
  const histograms = new Map(names.map((name) => [name, new Histogram()]));
  const run = computed.length > 0 ? await open(withOutputs(model, computed)) : null;
  for await (const feed of feeds) {
    const values = { ...feed, ...(await run?.(feed)) };
    for (const [name, histogram] of histograms) {
      const value = values[name];
      if (!value) throw new RangeError(`observe: the run returned no "${name}"`);
      histogram.add(value.data as Float32Array);
    }
  }
  return histograms;
};
