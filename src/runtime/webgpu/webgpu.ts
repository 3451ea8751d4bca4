/**
 * onnxruntime-web's native WebGPU backend, in Node (`node.ts`) and browsers. Its sessions share a device with our kernels
 * (`runtime/gpu`); the inputs and outputs of a resident session stay on it.
 */

import * as ort from "onnxruntime-web/webgpu";
import { reasonOf } from "../../reason.ts";
import { sizeOf } from "../../tensor.ts";
import { oneAtATime } from "../../turns.ts";
import { DeviceLostError } from "../gpu/error.ts";
import { arrayOf, type GpuArray } from "../gpu/gpu.ts";
import type { ElementType } from "../gpu/shader.ts";
import { requireFeeds, runOnHost } from "../onnxruntime.ts";
import { RuntimeCrash, RuntimeError, type AscentOptions, type Runtime, type Session } from "../session.ts";
import { meterOf } from "./memory.ts";

/** A tensor on the device. */
export interface GpuTensor<D extends ElementType = ElementType> extends GpuArray<D> {
  readonly shape: readonly number[];
}

/** A session whose inputs and outputs are buffers of the device. */
export interface ResidentSession {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Submits the run. Resolves before the GPU has finished it; commands that are submitted to the device later see its results.
   *
   * @param feeds a tensor for each input; where the graph is captured, in the same buffers each time.
   * @returns a tensor for each output, which the session owns; valid until the next run.
   */
  readonly run: (feeds: Readonly<Record<string, GpuTensor>>) => Promise<Record<string, GpuTensor>>;
  readonly release: () => Promise<void>;
}

/** A runtime on a WebGPU device; its resident sessions read and write buffers of that device. */
export interface WebGpuRuntime extends Runtime {
  readonly backend: "webgpu";
  readonly device: GPUDevice;
  /** @throws RuntimeError for a model that the backend refuses, or does not run wholly on the GPU. */
  readonly createResidentSession: (model: Uint8Array, options?: AscentOptions) => Promise<ResidentSession>;
}

export interface WebGpuOptions {
  readonly adapter: GPUAdapter;
  /** A device of that adapter. All calls reject with DeviceLostError once it is lost. */
  readonly device: GPUDevice;
  /** Whether nodes without a kernel may run on the CPU, at the cost of copies; default false: such models are refused. */
  readonly cpuFallback?: boolean;
  /** URLs of onnxruntime's files; default: next to the script. */
  readonly files?: { readonly wasm: string; readonly mjs?: string };
}

/** Serialises the calls into onnxruntime on all devices: two at the same time hang or throw. */
const inTurn = oneAtATime();

/** One call at a time, with its errors as RuntimeErrors; rejects with DeviceLostError once the device is lost, also calls in progress. */
type Guard = <T>(what: string, call: () => Promise<T>) => Promise<T>;

const guardOf = (device: GPUDevice): Guard => {
  let lost: DeviceLostError | undefined;
  const loss = device.lost.then((info) => {
    lost = new DeviceLostError(info);
    throw lost;
  });
  loss.catch(() => undefined);
  return (what, call) =>
    inTurn(async () => {
      if (lost) throw lost;
      try {
        return await Promise.race([call(), loss]);
      } catch (cause) {
        // The loss may be reported after the failure that it causes.
        await new Promise((resolve) => setTimeout(resolve));
        if (lost) throw lost;
        const message = `${what}: ${reasonOf(cause)}`;
        throw cause instanceof WebAssembly.RuntimeError
          ? new RuntimeCrash(message, { cause })
          : new RuntimeError(message, { cause });
      }
    });
};

/** onnxruntime's messages for a model that does not run wholly on the GPU, captured or not. */
const leftToCpu = /assigned to the default CPU EP|have not been partitioned/;

/** Starts onnxruntime on a WebGPU device. There is one instance of it in a process: files and adapter are the first call's. */
export const startWebGpu = ({ adapter, device, cpuFallback = false, files }: WebGpuOptions): WebGpuRuntime => {
  ort.env.logLevel = "fatal"; // Errors are thrown.
  ort.env.wasm.numThreads = 1;
  if (files) ort.env.wasm.wasmPaths = files;
  // The type is read-only since sessions take a device, but the backend still reads the adapter when it starts.
  Object.assign(ort.env.webgpu, { adapter });
  const guard = guardOf(device);
  const meter = meterOf(device);

  type Own = ort.InferenceSession.SessionOptions;
  const createIn = (preferredLayout: "NHWC" | "NCHW", model: Uint8Array, own: Own, fallback: boolean) =>
    ort.InferenceSession.create(model, {
      // The plain string "webgpu" would ignore the capture and the device.
      executionProviders: [{ name: "webgpu", device, preferredLayout }],
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
      ...(fallback ? {} : { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
      ...own,
    });

  /**
   * Channels last, in which convolutions are faster. onnxruntime may move a change of layout past a comparison, and has no kernel
   * that transposes Booleans: such a model is refused, and is created again in its own layout.
   */
  const create = (model: Uint8Array, own: Own, fallback: boolean) =>
    guard("the model was refused", () =>
      createIn("NHWC", model, own, fallback).catch((cause: unknown) => {
        if (!leftToCpu.test(reasonOf(cause))) throw cause;
        return createIn("NCHW", model, own, fallback);
      }),
    );

  return {
    backend: "webgpu",
    version: `onnxruntime-web ${ort.env.versions.common}`,
    device,
    memoryBytes: meter,
    createSession: async (model) => {
      const session = await create(model, {}, cpuFallback);
      return {
        inputs: session.inputNames,
        outputs: session.outputNames,
        run: (feeds) => guard("the run failed", () => runOnHost(ort.Tensor, session, feeds)),
        release: () => guard("the release failed", () => session.release()),
      } satisfies Session;
    },
    createResidentSession: async (model, { capture = false } = {}) => {
      const own = { preferredOutputLocation: "gpu-buffer", enableGraphCapture: capture } as const;
      return residentOver(await create(model, own, false), guard, capture);
    },
  };
};

const residentOver = (session: ort.InferenceSession, guard: Guard, capture: boolean): ResidentSession => {
  let held: readonly ort.Tensor[] = [];
  /** Frees the outputs of the last run; those of a captured graph belong to the session and are overwritten by each run. */
  const disposeHeld = (): void => {
    if (!capture) for (const t of held) t.dispose();
    held = [];
  };
  const submit = async (feeds: Readonly<Record<string, GpuTensor>>): Promise<Record<string, GpuTensor>> => {
    const given = requireFeeds(session.inputNames, feeds).map(([name, { buffer, dtype, shape }]) => {
      const options = { dataType: dtype as "float32", dims: [...shape] };
      return [name, ort.Tensor.fromGpuBuffer(buffer, options)] as const;
    });
    disposeHeld();
    const results = await session.run(Object.fromEntries(given));
    held = Object.values(results);
    return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, fromOrt(t)]));
  };
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: (feeds) => guard("the run failed", () => submit(feeds)),
    release: () =>
      guard("the release failed", async () => {
        disposeHeld();
        await session.release();
      }),
  };
};

const fromOrt = (t: ort.Tensor): GpuTensor => {
  return { ...arrayOf(t.gpuBuffer, t.type as ElementType, sizeOf(t.dims)), shape: [...t.dims] };
};
