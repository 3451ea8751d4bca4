/** The cost of a network of models/ at CamVid's size, in Node-WASM with one thread. */

import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import { fastest, timed } from "../../bench/fastest.ts";
import { macsOf } from "../../src/cli/macs.ts";
import type { Step } from "../../src/onnx/step.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { typesOf } from "../../src/onnx/types.ts";
import { writeModel } from "../../src/onnx/write.ts";
import type { Runtime, Session } from "../../src/runtime/session.ts";
import { compileForward, compileGradient } from "../../src/segmenter/compile.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { type Size, sizeOf, tensor } from "../../src/tensor.ts";

export const size: Size = { height: 360, width: 480 };

export interface Cost {
  /** Numbers of floating-point and of int8 weights in the file. */
  readonly parameters: number;
  /** Multiply-adds of a forward run. */
  readonly macs: number;
  readonly forwardMs: number;
  readonly gradientMs: number;
}

/** The nodes with their types, from which multiply-adds are counted. */
const stepsOf = (graph: Graph): Step[] => {
  const types = typesOf(graph);
  const value = (name: string) => ({ name, ...types.get(name)! });
  return graph.nodes.map((node) => ({
    node,
    inputs: node.inputs.map((name) => (name === "" ? null : value(name))),
    outputs: node.outputs.filter((name) => name !== "").map(value),
  }));
};

const parametersOf = ({ model }: Network): number => {
  const constants = model.graph.nodes.flatMap(({ op, attributes: { value } }) =>
    op === "Constant" && value?.type === "tensor" ? [value.value] : [],
  );
  return [...model.graph.initializers.values(), ...constants]
    .filter(({ dtype }) => dtype === "float32" || dtype === "int8")
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
};

const feeds = {
  image: tensor(
    "float32",
    [1, 3, size.height, size.width],
    Float32Array.from({ length: 3 * size.height * size.width }, (_, i) => (i * 2654435761) % 256),
  ),
  target: tensor("int32", [1, size.height, size.width], new Int32Array(size.height * size.width)),
};

export const costOf = async (network: Network, runtime: Runtime): Promise<Cost> => {
  const graphs = [compileForward(network, size), compileGradient(network, size, crossEntropyObjective(false))];
  const sessions: Session[] = [];
  for (const { model } of graphs) sessions.push(await runtime.createSession(writeModel(model)));
  const [forwardMs = 0, gradientMs = 0] = await fastest(
    5,
    sessions.map((session) => timed(() => session.run(feeds))),
  );
  for (const session of sessions) await session.release();
  return {
    parameters: parametersOf(network),
    macs: macsOf(stepsOf(graphs[0]!.model.graph)),
    forwardMs: Math.round(forwardMs),
    gradientMs: Math.round(gradientMs),
  };
};
