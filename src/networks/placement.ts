/** On which backend a request's network runs, and why. */

import { chooseBackend, type Adapter, type Choice, type Hosts, type Wanted } from "../runtime/choose.ts";
import { RuntimeError, type Runtime } from "../runtime/session.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import { createFronts } from "../segmenter/front.ts";
import type { Network } from "../segmenter/network.ts";
import { createSegmenter, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { withCrf } from "./with-crf.ts";
import { withTransform } from "./with-transform.ts";
import { invalidSpec } from "../contract/failure.ts";
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

/** Starts native onnxruntime when it is first wanted; asked once, whatever comes of it. @throws Error, saying why, where there is none. */
export type OpenNative = () => Promise<Runtime>;

/** What a host has beside WASM. */
export interface OtherBackends {
  readonly webgpu?: OpenWebGpu | undefined;
  readonly native?: OpenNative | undefined;
}

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

const noWebGpu: OpenWebGpu = () => Promise.reject(new Error("this service has no WebGPU"));

/** Sessions on another backend, and the segmenters of the models there. */
const elsewhere = ({ runtime }: { readonly runtime: Runtime }, budgetBytes: number) => {
  const cache = new SessionCache(runtime, budgetBytes);
  const segmenters = new WeakMap<Network, Segmenter>();
  return (open: OpenModel): OpenModel & { readonly cache: SessionCache } => {
    const segmenter = segmenters.get(open.network) ?? createSegmenter(open.network, cache);
    segmenters.set(open.network, segmenter);
    return { ...open, segmenter, cache };
  };
};

/** @param wasm sessions on WASM, where the models are open already. */
export const createBackends = (
  wasm: SessionCache,
  { webgpu: openWebGpu = noWebGpu, native: openNative }: OtherBackends = {},
) => {
  const webgpu = once(async () => {
    const host = await openWebGpu();
    return { host, place: elsewhere(host, wasm.budgetBytes) };
  });
  const native =
    openNative &&
    once(async () => {
      const runtime = await openNative();
      return { version: runtime.version, place: elsewhere({ runtime }, wasm.budgetBytes) };
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
    const choice = await chosen(wanted, {
      adapter,
      missing: () => faultsOf(network, onWasm.segmenter),
      native: native && (async () => (await native()).version),
    });
    if (choice.backend === "wasm") return { ...onWasm, cache: wasm, choice };
    const { place } = choice.backend === "native" ? await native!() : await webgpu();
    const { cache, ...placed } = place(open);
    return { ...around(placed), cache, choice };
  };
};

const chosen = async (wanted: Wanted, hosts: Hosts): Promise<Choice> => {
  try {
    return await chooseBackend(wanted, hosts);
  } catch (cause) {
    if (!(cause instanceof RuntimeError)) throw cause;
    const error = { pointer: "/spec/backend", detail: cause.message, received: wanted, accepted: ["auto", "wasm"] };
    throw invalidSpec(error, cause);
  }
};
