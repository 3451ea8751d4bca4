/** The work of a network's gradient, counted on its graphs without a clock. */

import { usual } from "../../bench/feeds.ts";
import { networks } from "../../bench/networks.ts";
import { macsOf, type TypedNode } from "../../src/cli/macs.ts";
import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { typesOf } from "../../src/onnx/types.ts";
import type { TensorType } from "../../src/onnx/value.ts";
import { needOf } from "../../src/runtime/memory/memory.ts";
import { compileForward, compileGradient } from "../../src/segmenter/compile.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { networkSize } from "../../src/segmenter/size.ts";
import { bytesPerElement, sizeOf } from "../../src/tensor.ts";

/** Of the cross-entropy's gradient at 480×360, or at the network's own size. */
export interface Work {
  /** Nodes of the gradient's graph as WASM and native onnxruntime run it. */
  readonly nodes: number;
  /** Multiply-adds of its convolutions and matrix products, in thousands. */
  readonly kiloMacs: number;
  /** The same of the forward pass. */
  readonly forwardKiloMacs: number;
  /** What its nodes write, in KiB: the traffic of elementwise operators, which have no multiply-adds here. */
  readonly writtenKib: number;
  /** Predicted memory of its session, in KiB. */
  readonly memoryKib: number;
  /** Nodes of the graph for WebGPU. Most are one dispatch; views are none, and a transposed convolution is two (docs/measured.md). */
  readonly webgpuNodes: number;
  /** What those nodes write, in KiB. */
  readonly webgpuWrittenKib: number;
}

const typedNodes = ({ graph }: Model): readonly TypedNode[] => {
  const types = typesOf(graph);
  return graph.nodes.map((node) => ({
    node,
    inputs: node.inputs.map((name) => types.get(name) ?? null),
    outputs: node.outputs.flatMap((name) => types.get(name) ?? []),
  }));
};

const kiloMacsOf = (nodes: readonly TypedNode[]): number => Math.round(macsOf(nodes) / 1000);

const bytesOf = ({ dtype, shape }: TensorType): number => bytesPerElement(dtype) * sizeOf(shape);

const writtenKibOf = (nodes: readonly TypedNode[]): number =>
  Math.round(nodes.flatMap(({ outputs }) => outputs.map(bytesOf)).reduce((sum, bytes) => sum + bytes, 0) / 1024);

export const workOf = (network: Network): Work => {
  const size = networkSize(network.manifest, usual);
  const objective = crossEntropyObjective(false);
  const { model, footprint } = compileGradient(network, size, objective);
  const nodes = typedNodes(model);
  const onGpu = typedNodes(compileGradient(network, size, objective, { target: "webgpu" }).model);
  return {
    nodes: nodes.length,
    kiloMacs: kiloMacsOf(nodes),
    forwardKiloMacs: kiloMacsOf(typedNodes(compileForward(network, size).model)),
    writtenKib: writtenKibOf(nodes),
    memoryKib: Math.round(needOf(footprint) / 1024),
    webgpuNodes: onGpu.length,
    webgpuWrittenKib: writtenKibOf(onGpu),
  };
};

/** Networks that ship with a file of their own, by name. Variants run the graphs of another network's file. */
export const shippedNetworks = (): ReadonlyMap<string, Network> =>
  new Map(
    networks().flatMap((network) => {
      const { name, sha256, network: owner } = network.manifest;
      const isReference = /^0+$/.test(sha256);
      return owner === undefined && !isReference ? [[name, network] as const] : [];
    }),
  );
