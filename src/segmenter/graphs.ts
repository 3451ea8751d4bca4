/** The graphs of a network by what they are for, compiled once and remembered. */

import { OnnxError } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Size } from "../tensor.ts";
import { compileForward, compileGradient, compileValue, type Compiled } from "./compile.ts";
import type { Front } from "./front.ts";
import { ManifestError } from "./manifest.ts";
import { membersOf, type Network } from "./network.ts";
import { RecentlyUsed } from "./recently-used.ts";
import type { Refinement } from "./refinement.ts";
import type { SessionCache } from "./session-cache.ts";
import type { SessionSource } from "./session-source.ts";

/** What an attack evaluates: an objective with its gradient, or its value alone. */
export type Evaluated = Objective | { readonly scored: Objective };

/** Which graph: predictions, or what an attack evaluates. */
export type Kind = "forward" | Evaluated;

const keyOf = (kind: Kind): string =>
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
  readonly single: RecentlyUsed<Compiled>;
  readonly batches: RecentlyUsed<{ readonly compiled: Compiled | null }>;
}

export const createRemembered = (): Remembered => ({
  single: new RecentlyUsed(REMEMBERED),
  batches: new RecentlyUsed(REMEMBERED_BATCHES),
});

export type Graph = Compiled & SessionSource;

export interface Graphs {
  /** Of one image. */
  readonly of: (kind: Kind, size: Size, options: GraphOptions) => Graph;
  /** Of several; null where the network may mix them, or where something stands around it. */
  readonly ofBatch: (kind: Kind, size: Size, batch: number) => Graph | null;
}

export const createGraphs = (network: Network, { runtime }: SessionCache, remembered: Remembered): Graphs => {
  const { backend: target } = runtime;
  // Preprocessing is part of a graph: networks of one name and file may differ in it.
  const identity = JSON.stringify(membersOf(network).map((member) => member.manifest));
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
  const graphOf = (compiled: Compiled, key: string): Graph => ({
    ...compiled,
    key,
    bytes: () => writeModel(compiled.model),
  });
  return {
    of: (kind, size, options) => {
      const key = keyFor(kind, size, options);
      const compiled = remembered.single.get(key) ?? compile(kind, size, options);
      remembered.single.set(key, compiled);
      return graphOf(compiled, key);
    },
    ofBatch: (kind, size, batch) => {
      const key = keyFor(kind, size, { batch });
      const known = remembered.batches.get(key) ?? { compiled: orNull(() => compile(kind, size, { batch })) };
      remembered.batches.set(key, known);
      return known.compiled && graphOf(known.compiled, key);
    },
  };
};

/** A network that may mix images, or is written for one, has no graph of several. */
const orNull = (compile: () => Compiled): Compiled | null => {
  try {
    return compile();
  } catch (cause) {
    if (cause instanceof OnnxError || cause instanceof ManifestError) return null;
    throw cause;
  }
};
