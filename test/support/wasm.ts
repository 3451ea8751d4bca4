/** onnxruntime-web's WASM backend, one thread: models in, tensors out. */

import * as ort from "onnxruntime-web/wasm";
import type { Model } from "../../src/onnx/graph.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { tensor, type DataOf, type DType, type Tensor } from "../../src/tensor.ts";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/** The model without the shapes that it declares for its outputs: onnxruntime infers them itself. */
export const undeclared = (model: Model): Model => {
  const outputs = model.graph.outputs.map(({ name, dtype }) => ({ name, dtype, shape: null }));
  return { ...model, graph: { ...model.graph, outputs } };
};

/** A model that is open to be run more than once. */
export interface Opened {
  /** Every input of the graph must be fed in its declared type. */
  readonly run: (feeds: Readonly<Record<string, Tensor>>) => Promise<Record<string, Tensor>>;
  readonly close: () => Promise<void>;
}

/** @param level of onnxruntime's optimisations. */
export const openWasm = async (model: Model, level: "all" | "disabled" = "all"): Promise<Opened> => {
  const session = await ort.InferenceSession.create(writeModel(model), { graphOptimizationLevel: level });
  return {
    run: async (feeds) => {
      const fed = model.graph.inputs.map(({ name }) => {
        const { dtype, shape, data } = feeds[name]!;
        return [name, new ort.Tensor(dtype, data as Float32Array<ArrayBuffer>, [...shape])] as const;
      });
      const outputs = await session.run(Object.fromEntries(fed));
      return Object.fromEntries(
        Object.entries(outputs).map(([name, t]) => [name, tensor(t.type as DType, t.dims, t.data as DataOf)]),
      );
    },
    close: () => session.release(),
  };
};

/** Runs a model once. Every input of its graph must be fed in its declared type. `level`: of onnxruntime's optimisations. */
export const runWasm = async (
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
  level: "all" | "disabled" = "all",
): Promise<Record<string, Tensor>> => {
  const session = await openWasm(model, level);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
};
