/** On which backend a request's network runs, and why. */

import { chooseBackend, type Adapter, type Choice, type Wanted } from "../runtime/choose.ts";
import { RuntimeError, type Runtime } from "../runtime/session.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { createFronts } from "../segmenter/front.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { withCrf } from "./with-crf.ts";
import { withTransform } from "./with-transform.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { OpenModel } from "./open.ts";
import type { CrfChoice, TransformChoice } from "../contract/options.ts";

/** WebGPU as a host has it. */
export interface WebGpuHost {
  readonly runtime: Runtime;
  /** Name of the adapter. */
  readonly adapter: string;
  /** By software it is slower than WASM, and is not chosen unless it is asked for. */
  readonly software: boolean;
}

/** Opens it when it is first wanted; asked once, whatever comes of it. @throws Error, saying why, where there is none. */
export type OpenWebGpu = () => Promise<WebGpuHost>;

/** A model on the backend that was chosen for it. */
export interface PlacedModel extends OpenModel {
  readonly choice: Choice;
  /** Of the backend's sessions. */
  readonly cache: SessionCache;
}

export interface Placement extends TransformChoice {
  readonly wanted: Wanted;
  readonly crf: CrfChoice | undefined;
  /** Of the transformations' draws. */
  readonly seed?: number | undefined;
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

const noWebGpu: OpenWebGpu = () => Promise.reject(new Error("this service runs on WebAssembly alone"));

/** @param wasm sessions on WASM, where the models are open already. */
export const createBackends = (wasm: SessionCache, openWebGpu: OpenWebGpu = noWebGpu) => {
  const webgpu = once(async () => {
    const host = await openWebGpu();
    return {
      host,
      cache: new SessionCache(host.runtime, wasm.budgetBytes),
      segmenters: new WeakMap<Network, Segmenter>(),
    };
  });
  const faults = new WeakMap<Network, Map<string, readonly string[]>>();
  const faultsOf = (network: Network, { crf, defence }: Segmenter): readonly string[] => {
    const known = faults.get(network) ?? new Map<string, readonly string[]>();
    faults.set(network, known);
    const key = JSON.stringify([crf, defence?.transform, defence?.through]);
    const front = defence ? createFronts(defence).scored : undefined;
    const found = known.get(key) ?? gpuFaults(network, crf, front);
    known.set(key, found);
    return found;
  };

  /** @throws FaultlineError invalid-spec for a backend that cannot be had, a CRF or a transformation out of range. */
  return async (open: OpenModel, { wanted, crf, ...transformed }: Placement): Promise<PlacedModel> => {
    const around = (model: OpenModel): OpenModel => withTransform(withCrf(model, crf), transformed);
    const onWasm = around(open);
    const { network } = open;
    const adapter = async (): Promise<Adapter> => {
      const { host } = await webgpu();
      return { name: host.adapter, software: host.software };
    };
    const choice = await chosen(wanted, adapter, () => faultsOf(network, onWasm.segmenter));
    if (choice.backend === "wasm") return { ...onWasm, cache: wasm, choice };
    const { cache, segmenters } = await webgpu();
    const segmenter = segmenters.get(network) ?? createSegmenter(network, cache);
    segmenters.set(network, segmenter);
    return { ...around({ ...open, segmenter }), cache, choice };
  };
};

const chosen = async (
  wanted: Wanted,
  adapter: () => Promise<Adapter>,
  missing: () => readonly string[],
): Promise<Choice> => {
  try {
    return await chooseBackend(wanted, { adapter, missing });
  } catch (cause) {
    if (!(cause instanceof RuntimeError)) throw cause;
    const error = { pointer: "/spec/backend", detail: cause.message, received: wanted, accepted: ["auto", "wasm"] };
    throw new FaultlineError({ kind: "invalid-spec", errors: [error] }, { cause });
  }
};
