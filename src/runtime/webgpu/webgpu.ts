/**
 * onnxruntime-web's native WebGPU backend, in Node (`node.ts`) and browsers. Its sessions share a device with our kernels
 * (`runtime/gpu`): what a resident session is given and gives stays there.
 */

import * as ort from "onnxruntime-web/webgpu";
import { reasonOf } from "../../reason.ts";
import { sizeOf } from "../../tensor.ts";
import { DeviceLostError } from "../gpu/error.ts";
import { arrayOf, type GpuArray } from "../gpu/gpu.ts";
import type { ElementType } from "../gpu/shader.ts";
import { oneAtATime, requireFeeds, runOnHost } from "../onnxruntime.ts";
import { RuntimeCrash, RuntimeError, type AscentOptions, type Runtime, type Session } from "../session.ts";
import { meterOf } from "./memory.ts";

/** A tensor on the device. */
export interface GpuTensor<D extends ElementType = ElementType> extends GpuArray<D> {
  readonly shape: readonly number[];
}

/** As Session, but nothing leaves the device. */
export interface ResidentSession {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Submits the run; resolves before the GPU is done, but what is submitted to the device later sees its results.
   *
   * @param feeds a tensor for each input; where the graph is captured, in the same buffers each time.
   * @returns a tensor for each output, the session's own: it holds until the next run.
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

/** The device that models run on, and how. */
export interface WebGpuOptions {
  readonly adapter: GPUAdapter;
  /** Of that adapter. All calls reject with DeviceLostError once it is lost. */
  readonly device: GPUDevice;
  /** Whether nodes without a kernel may run on the CPU, at the cost of copies; default no: such models are refused. */
  readonly cpuFallback?: boolean;
  /** Where onnxruntime's files are, if not beside the script. */
  readonly files?: { readonly wasm: string; readonly mjs?: string };
}

/** Of calls into onnxruntime, whatever their device: two at once hang or throw. */
const inTurn = oneAtATime();

/** One call, in turn, on a device that is not lost; a call that the loss leaves unanswered is given up. */
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
        // The news of a loss may come after what fails by it.
        await new Promise((resolve) => setTimeout(resolve));
        if (lost) throw lost;
        const message = `${what}: ${reasonOf(cause)}`;
        throw cause instanceof WebAssembly.RuntimeError
          ? new RuntimeCrash(message, { cause })
          : new RuntimeError(message, { cause });
      }
    });
};

/** What onnxruntime says of a model that is not wholly on the GPU, captured or not. */
const leftToCpu = /assigned to the default CPU EP|have not been partitioned/;

/** Starts onnxruntime on a WebGPU device. There is one instance of it in a process: files and adapter are the first call's. */
export const startWebGpu = ({ adapter, device, cpuFallback = false, files }: WebGpuOptions): WebGpuRuntime => {
  ort.env.logLevel = "fatal"; // what is wrong is thrown
  ort.env.wasm.numThreads = 1;
  if (files) ort.env.wasm.wasmPaths = files;
  // Typed as read-only since sessions take a device; asked for all the same where the backend is set up.
  Object.assign(ort.env.webgpu, { adapter });
  const guard = guardOf(device);
  const meter = meterOf(device);

  type Own = ort.InferenceSession.SessionOptions;
  const createIn = (preferredLayout: "NHWC" | "NCHW", model: Uint8Array, own: Own, fallback: boolean) =>
    ort.InferenceSession.create(model, {
      // As a string, "webgpu" would leave out the capture, and the device.
      executionProviders: [{ name: "webgpu", device, preferredLayout }],
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
      ...(fallback ? {} : { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
      ...own,
    });

  /**
   * Channels last, which convolutions are faster in. onnxruntime may move what changes the layout past comparisons, and has no
   * kernel for Booleans then: such a model is refused, and keeps its own layout.
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
  /** The buffers of a captured run are the session's, and every later run writes them again. */
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
