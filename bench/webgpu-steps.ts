/** Time and bytes read back of an attack's step on the GPU, compared with WASM. Part of `bench -- webgpu`. */

import { makeAttack } from "../src/attacks/catalogue.ts";
import { project } from "../src/attacks/constraint.ts";
import { follow } from "../src/attacks/run.ts";
import { leastLikelyObjective } from "../src/objectives/least-likely.ts";
import { capturable } from "../src/lowering/webgpu/kernels.ts";
import { writeModel } from "../src/onnx/write.ts";
import { startGpuRuntime } from "../src/runtime/gpu/runtime.ts";
import type { AscentEnd, AscentRequest } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { openNodeDevice } from "../src/runtime/webgpu/node.ts";
import { compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { createSegmenter, type Image } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { type Size, tensor } from "../src/tensor.ts";
import { street } from "./feeds.ts";
import { networks } from "./networks.ts";
import { torchSteps } from "./webgpu-torch.ts";

export interface StepsCase {
  readonly network: string;
  readonly size: Size;
  readonly steps: number;
}

const ball = { epsilon: 8, pixelRange: [0, 255] } as const;
const budget = 16 * 2 ** 30;

/** Counts the bytes that are read back from a device, by its mappable buffers: each is created for one reading. */
const readThrough = (device: GPUDevice): (() => number) => {
  let bytes = 0;
  const create = device.createBuffer.bind(device);
  const value = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    if ((descriptor.usage & 1) !== 0) bytes += descriptor.size; // GPUBufferUsage.MAP_READ
    return create(descriptor);
  };
  Object.defineProperty(device, "createBuffer", { configurable: true, writable: true, value });
  return () => bytes;
};

/** Counts the dispatches of compute passes on a device. */
const dispatchesThrough = (device: GPUDevice): (() => number) => {
  let dispatches = 0;
  const encode = device.createCommandEncoder.bind(device);
  const counted = (pass: GPUComputePassEncoder): GPUComputePassEncoder => {
    const dispatch = pass.dispatchWorkgroups.bind(pass);
    const value = (...groups: Parameters<typeof dispatch>): undefined => {
      dispatches += 1;
      dispatch(...groups);
    };
    return Object.defineProperty(pass, "dispatchWorkgroups", { configurable: true, value });
  };
  const value = (descriptor?: GPUCommandEncoderDescriptor): GPUCommandEncoder => {
    const encoder = encode(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    const opened = (pass?: GPUComputePassDescriptor): GPUComputePassEncoder => counted(begin(pass));
    return Object.defineProperty(encoder, "beginComputePass", { configurable: true, value: opened });
  };
  Object.defineProperty(device, "createCommandEncoder", { configurable: true, writable: true, value });
  return () => dispatches;
};

const milliseconds = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await run();
  return performance.now() - start;
};

/** Milliseconds per step of an ascent, without the creation of the session and after a short ascent as a warm-up. */
const perStep = async (run: (steps: number) => Promise<unknown>, steps: number): Promise<number> => {
  await run(2);
  return (await milliseconds(() => run(steps))) / steps;
};

interface Row {
  readonly name: string;
  /** Milliseconds of a step. */
  readonly ms: number;
  /** Bytes read back from the device in a step; null where they are not counted. */
  readonly bytes: number | null;
  /** Dispatches of a step; absent where they are not counted. */
  readonly dispatches?: number;
  /** The adversarial image. */
  readonly image: Float32Array;
}

const residentRows = async (network: Network, image: Image, { size, steps }: StepsCase): Promise<Row[]> => {
  const { model } = compileGradient(network, size, leastLikelyObjective(), { target: "webgpu" });
  const end = (bound: number) =>
    project(
      image.data.map(() => bound),
      image.data,
      ball,
    );
  const [low, high] = [end(-Infinity), end(Infinity)];
  const reference = { labels: new Uint8Array(size.height * size.width), classes: network.manifest.classes.length };
  const rows: Row[] = [];
  const modes = [
    { name: "WebGPU, on the device, captured", capture: true, told: false },
    { name: "WebGPU, on the device, captured, scores read", capture: true, told: true },
    { name: "WebGPU, on the device", capture: false, told: false },
  ].filter(({ capture }) => !capture || capturable(model.graph));
  for (const { name, capture, told } of modes) {
    const device = await openNodeDevice();
    const session = await (
      await startGpuRuntime(() => Promise.resolve(device))
    ).createAscent!(writeModel(model), { capture });
    const request = (n: number): AscentRequest => ({
      feeds: { image: tensor("float32", [1, ...image.shape], image.data) },
      walk: { kind: "sign", low, high, alpha: 1 },
      sense: -1,
      steps: n,
      ...(told && { reference }),
    });
    const run = async (n: number) => {
      const [end] = await session.ascend([request(n)], told ? { onSteps: () => Promise.resolve([]) } : {});
      return (end as Extract<AscentEnd, { kind: "done" }>).image;
    };
    const counters = [readThrough(device.gpu.device), dispatchesThrough(device.gpu.device)];
    const ms = await perStep(run, steps);
    const counts = () => counters.map((count) => count());
    const before = counts();
    await run(1);
    const once = counts();
    const adversarial = await run(steps);
    const all = counts();
    // What a step more takes: an ascent of one step has what stands before and after its steps.
    const [bytes = 0, dispatches = 0] = all.map((n, i) => (n - 2 * once[i]! + before[i]!) / (steps - 1));
    rows.push({ name, ms, bytes, dispatches, image: adversarial });
    device.gpu.device.destroy();
  }
  return rows;
};

/** Gradients are read back, and images written, at every step. */
const plainRows = async (network: Network, image: Image, { steps }: StepsCase): Promise<Row[]> => {
  const device = await openNodeDevice();
  const bytes = readThrough(device.gpu.device);
  const [attack] = makeAttack("ifgsm-ii", { ...ball, seed: 0 }).trajectories;
  const over = (runtime: typeof device.runtime | ReturnType<typeof startWasm>) => {
    const objective = createSegmenter(network, new SessionCache(runtime, budget)).objective({
      objective: leastLikelyObjective(),
    });
    return (n: number) => follow({ ...attack, steps: n }, objective, image);
  };
  const there = over(device.runtime);
  const ms = await perStep(there, steps);
  const before = bytes();
  const { data } = await there(steps);
  const read = (bytes() - before) / steps;
  device.gpu.device.destroy();
  const here = over(startWasm());
  const wasm = { ms: await perStep(here, steps), bytes: null, image: (await here(steps)).data };
  return [
    { name: "WebGPU, step by step from the host", ms, bytes: read, image: data },
    { name: "WASM, one thread", ...wasm },
  ];
};

/** PyTorch on the same GPU, without and with a CUDA graph. */
const torchRows = (network: Network, picture: Image, steps: number): Row[] => {
  const found = torchSteps(network, picture, { ...ball, alpha: 1 }, steps);
  if ("missing" in found) {
    console.log(`PyTorch: skipped, ${found.missing}\n`);
    return [];
  }
  const { device, ms, capturedMs, image } = found;
  return [
    { name: `PyTorch, ${device}`, ms, bytes: null, image },
    { name: `PyTorch, ${device}, as a CUDA graph`, ms: capturedMs, bytes: null, image },
  ];
};

/** Percentage of the values that two attacks have moved in different directions from the clean image `from`. */
const apart = (a: Float32Array, b: Float32Array, from: Float32Array): number => {
  const way = (v: number, i: number) => Math.sign(v - from[i]!);
  return (100 * a.reduce((count, v, i) => count + Number(way(v, i) !== way(b[i]!, i)), 0)) / a.length;
};

export const benchSteps = async (of: StepsCase): Promise<void> => {
  const network = networks().find(({ manifest }) => manifest.name === of.network)!;
  const image = await street(of.size);
  console.log(`\n${of.network}, ${of.size.height}×${of.size.width}, ${of.steps} steps of ifgsm-ii\n`);
  const plain = await plainRows(network, image, of);
  const rows = [...(await residentRows(network, image, of)), ...plain, ...torchRows(network, image, of.steps)];
  const wasm = plain.at(-1)!.image;
  console.log("| | ms a step | dispatches a step | bytes read back a step | moved otherwise than on WASM |");
  console.log("|---|---|---|---|---|");
  for (const { name, ms, bytes, dispatches, image: adversarial } of rows)
    console.log(
      `| ${name} | ${ms.toPrecision(3)} | ${dispatches ?? "–"} | ${bytes ?? "–"} | ${apart(adversarial, wasm, image.data).toPrecision(2)} % |`,
    );
};
