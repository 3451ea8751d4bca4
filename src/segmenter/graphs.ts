/** The graphs of a network by what they are for, compiled once and remembered. */

import { OnnxError, type Model } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import { needOf } from "../runtime/memory/memory.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Size } from "../tensor.ts";
import { compileForward, compileGradient, compileValue, type Compiled } from "./compile.ts";
import type { Front } from "./front.ts";
import { ManifestError } from "./manifest.ts";
import { identityOf, type Network } from "./network.ts";
import { RecentlyUsed } from "./recently-used.ts";
import type { Refinement } from "./refinement.ts";
import type { SessionCache } from "./session-cache.ts";
import type { SessionSource } from "./session-source.ts";
import type { ReadyGraph } from "./stored-graphs.ts";

/** What an attack evaluates: an objective with its gradient, or its value alone. */
export type Evaluated = Objective | { readonly scored: Objective };

/** Which graph: predictions, or what an attack evaluates. */
export type Kind = "forward" | Evaluated;

/** The key of a graph's purpose. */
export const keyOf = (kind: Kind): string =>
  kind === "forward" ? kind : "scored" in kind ? `value of ${kind.scored.key}` : kind.key;

/** What stands around the network in a graph, of how many images, and what its session may take. */
export interface GraphOptions {
  readonly refinement?: Refinement | undefined;
  readonly front?: Front | undefined;
  readonly batch?: number;
  /** Bytes for a gradient, which is recomputed within them. */
  readonly room?: () => number;
}

/** Compiled graphs are a few megabytes each outside the WASM memory; those of batches are of small images. */
const [REMEMBERED, REMEMBERED_BATCHES] = [4, 8];

/** Graphs by their keys, shared by the segmenters that are made of one; null where there is no batch. */
export interface Remembered {
  readonly single: RecentlyUsed<Graph>;
  readonly batches: RecentlyUsed<{ readonly graph: Graph | null }>;
}

export const createRemembered = (): Remembered => ({
  single: new RecentlyUsed(REMEMBERED),
  batches: new RecentlyUsed(REMEMBERED_BATCHES),
});

export interface Graph extends SessionSource {
  /** The ONNX model; a stored graph is compiled for it. */
  readonly model: () => Model;
}

export interface Graphs {
  /** Of one image. */
  readonly of: (kind: Kind, size: Size, options: GraphOptions) => Graph;
  /** Of several; null where the network may mix them, or where something stands around it. */
  readonly ofBatch: (kind: Kind, size: Size, batch: number) => Graph | null;
}

export const createGraphs = (network: Network, { runtime }: SessionCache, remembered: Remembered): Graphs => {
  const { backend: target, version } = runtime;
  const identity = identityOf(network);
  const compile = (kind: Kind, size: Size, { refinement, front, batch = 1, room }: GraphOptions): Compiled => {
    const whole = { ...network, front, ...(refinement && { refinement }) };
    if (kind === "forward") return compileForward(whole, size, target, batch);
    if ("scored" in kind) return compileValue(whole, size, kind.scored, { target, batch });
    return compileGradient(whole, size, kind, { room: room?.(), target, batch });
  };
  const keyFor = (kind: Kind, { height, width }: Size, { refinement, front, batch = 1 }: GraphOptions): string => {
    const before = front && `${front.through} ${front.pipeline.key}`;
    const images = batch === 1 ? "" : `${batch} × `;
    return `${images}${identity} ${height}×${width} ${keyOf(kind)} ${JSON.stringify(refinement)} ${before}`;
  };
  /** What is stored for this onnxruntime, and of this network rather than of one that it was made of. */
  const stored = target === "wasm" && network.stored?.runtime === version && network.stored.of === identity;
  const ready = stored ? network.stored.graphs : [];
  /** The graph that is stored of what is asked for, where nothing stands around the network and nothing need be recomputed. */
  const storedOf = (kind: Kind, size: Size, options: GraphOptions): ReadyGraph | undefined => {
    const { refinement, front, batch = 1, room } = options;
    if (refinement || front || batch > 1) return undefined;
    const found = ready.find((graph) => graph.kind === keyOf(kind) && sameSize(graph.size, size));
    const fits = found && (kind === "forward" || needOf(found.footprint) <= (room?.() ?? Infinity));
    return fits ? found : undefined;
  };
  const graphOf = (kind: Kind, size: Size, options: GraphOptions): Graph => {
    const key = keyFor(kind, size, options);
    const found = storedOf(kind, size, options);
    let made: Compiled | undefined;
    const compiled = (): Compiled => (made ??= compile(kind, size, options));
    return {
      key,
      footprint: found?.footprint ?? compiled().footprint,
      model: () => compiled().model,
      bytes: () => writeModel(compiled().model),
      optimised: found?.file,
    };
  };
  return {
    of: (kind, size, options) => {
      const key = keyFor(kind, size, options);
      const graph = remembered.single.get(key) ?? graphOf(kind, size, options);
      remembered.single.set(key, graph);
      return graph;
    },
    ofBatch: (kind, size, batch) => {
      const key = keyFor(kind, size, { batch });
      const known = remembered.batches.get(key) ?? { graph: orNull(() => graphOf(kind, size, { batch })) };
      remembered.batches.set(key, known);
      return known.graph;
    },
  };
};

const sameSize = (a: Size, b: Size): boolean => a.height === b.height && a.width === b.width;

/** A network that may mix images, or is written for one, has no graph of several. */
const orNull = (compile: () => Graph): Graph | null => {
  try {
    return compile();
  } catch (cause) {
    if (cause instanceof OnnxError || cause instanceof ManifestError) return null;
    throw cause;
  }
};
