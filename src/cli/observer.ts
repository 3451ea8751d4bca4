/** The runtime on which a network's activations are observed. */

import { offGpu } from "../lowering/webgpu/kernels.ts";
import { lowerForWebGpu } from "../lowering/webgpu/webgpu.ts";
import type { Model } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import type { Open } from "../quantize/observe.ts";
import { prepare } from "../quantize/quantize.ts";
import type { Choice } from "../runtime/choose.ts";
import { startAt, type Place } from "./backend.ts";

export interface Observer {
  readonly open: Open;
  readonly choice: Choice;
  readonly stop: () => Promise<void>;
}

/** The model lowered for WebGPU, for an input of that shape. */
const loweredAt = (model: Model, shape: readonly number[]): Model => {
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape }));
  return lowerForWebGpu({ ...model, graph: { ...model.graph, inputs } });
};

/** @throws RuntimeError where the backend that is requested is unavailable; OnnxError where the network does not take the shape. */
export const observerFor = async (model: Model, shape: readonly number[], place: Place): Promise<Observer> => {
  const missing = () => offGpu(loweredAt(prepare(model), shape).graph);
  // At the level "all" the value of a convolution is lost where it is fused with the next node.
  const { runtime, choice, stop } = await startAt(place, { missing, optimisation: "extended" });
  const open: Open = async (part) => {
    const written = choice.backend === "webgpu" ? loweredAt(part, shape) : part;
    return (await runtime.createSession(writeModel(written))).run;
  };
  return { open, choice, stop };
};
