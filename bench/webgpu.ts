/**
 * On this machine's GPU: a step of an attack compared with WASM, and the kernels' bandwidth compared with a copy of as many bytes:
 * `npm run bench -- webgpu [HEIGHT WIDTH]`; or only a step with one image and with eight together, compared with PyTorch's:
 * `npm run bench -- webgpu batches [HEIGHT WIDTH]`; or the two builds of onnxruntime's provider: `npm run bench -- webgpu providers`. Where the
 * only adapter is software, sizes are small and the numbers show only that the kernels run.
 */

import { spawnSync } from "node:child_process";
import { random } from "../src/random.ts";
import { adapterOf, openDevice } from "../src/runtime/gpu/device.ts";
import { confusion, confusionLength } from "../src/runtime/gpu/labels.ts";
import { openAdapter, readKernels } from "../src/runtime/gpu/node.ts";
import { ballRounds, l2Step } from "../src/runtime/gpu/l2.ts";
import { perturbationStats, signStep } from "../src/runtime/gpu/steps.ts";
import { openGpu, type Gpu, type Launch } from "../src/runtime/gpu/gpu.ts";
import { softwareVulkan } from "../scripts/software-vulkan.ts";
import { benchProviders } from "./webgpu-providers.ts";
import { benchBatches, benchSteps } from "./webgpu-steps.ts";

const SOFTWARE = "FAULTLINE_BENCH_SOFTWARE";
const classes = 21;
const [roundMs, rounds] = [50, 4];

interface Case {
  readonly name: string;
  readonly launch: Launch;
  /** Bytes read and written, each counted once. */
  readonly bytes: number;
}

/** Milliseconds of one launch: the fastest of some rounds, each of so many launches that the overhead of submitting is negligible. */
const fastest = async (gpu: Gpu, launch: Launch): Promise<number> => {
  const round = async (times: number): Promise<number> => {
    const start = performance.now();
    await gpu.run(...Array.from({ length: times }, () => launch));
    await gpu.device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / times;
  };
  await round(1); // The first round compiles.
  let best = await round(1);
  const times = Math.ceil(Math.min(roundMs / best, 1000));
  for (let i = 0; i < rounds; i++) best = Math.min(best, await round(times));
  return best;
};

/** Labels in runs, as segmentations have them: patches of 32×32 pixels. */
const patches = (height: number, width: number, seed: number): Uint8Array<ArrayBuffer> => {
  const next = random(seed);
  const columns = Math.ceil(width / 32);
  const of = Uint8Array.from({ length: columns * Math.ceil(height / 32) }, () => Math.floor(classes * next()));
  return Uint8Array.from(
    { length: height * width },
    (_, i) => of[(Math.floor(i / width) >> 5) * columns + ((i % width) >> 5)]!,
  );
};

/** A kernel that only copies; drivers may leave copies between buffers to a slower engine. */
const copyKernel = `
struct Parameters { count: u32 }
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = thread.x; i < parameters.count; i += 256u * groups.x) { copy[i] = source[i]; }
}`;

/** Milliseconds of the faster of two copies: the driver's own, and the kernel above. */
const copyMs = async (gpu: Gpu, bytes: number): Promise<number> => {
  const count = Math.ceil(bytes / 32);
  const [source, copy] = [await gpu.allocate("float32", 4 * count), await gpu.allocate("float32", 4 * count)];
  const ways: Launch[] = [
    {
      record: (encoder) => encoder.copyBufferToBuffer(source.buffer, 0, copy.buffer, 0, 16 * count),
      release: () => undefined,
    },
    await gpu.launch("copy", { buffers: { source, copy }, parameters: { count }, items: count }),
  ];
  let best = Infinity;
  for (const way of ways) best = Math.min(best, await fastest(gpu, way));
  for (const { buffer } of [source, copy]) buffer.destroy();
  return best;
};

/** Runs until an idle GPU has reached its full clock rate. */
const warmUp = async (gpu: Gpu): Promise<void> => {
  const start = performance.now();
  while (performance.now() - start < 1000) await copyMs(gpu, 2 ** 24);
};

const casesOf = async (gpu: Gpu, height: number, width: number): Promise<Case[]> => {
  const pixels = height * width;
  const values = 3 * pixels;
  const next = random(1);
  const image = async (offset: number) =>
    gpu.upload(
      "float32",
      Float32Array.from({ length: values }, () => 255 * next() + offset),
    );
  const [x, centre, gradient] = [await image(0), await image(0), await image(-128)];
  const [low, high] = [await gpu.allocate("float32", values), await image(1)];
  const m = await gpu.allocate("float32", values);
  const prediction = await gpu.upload("uint8", patches(height, width, 1));
  const reference = await gpu.upload("uint8", patches(height, width, 2));
  const counts = await gpu.allocate("uint32", confusionLength(classes));
  const step = { x, gradient, low, high, alphas: [1] };
  const ball = { alpha: 1, epsilon: 8, pixelRange: [0, 255] } as const;
  return [
    { name: "sign_step", launch: await signStep(gpu, step), bytes: 4 * 5 * values },
    {
      name: "sign_step, momentum",
      launch: await signStep(gpu, { ...step, momentum: { m, decays: [1] } }),
      bytes: 4 * 8 * values,
    },
    {
      name: "l2_step",
      launch: await l2Step(gpu, { x, centre, gradient, balls: [ball] }),
      bytes: 4 * (7 + 2 * ballRounds(ball)) * values,
    },
    {
      name: "perturbation_stats",
      launch: await perturbationStats(gpu, { a: x, b: centre, channels: 3 }),
      bytes: 4 * 2 * values,
    },
    { name: "confusion", launch: await confusion(gpu, { prediction, reference, counts, classes }), bytes: 2 * pixels },
  ];
};

/** Runs the bench again with software Vulkan, which needs a new process. */
const inSoftware = (args: readonly string[]): void => {
  const env = { ...process.env, ...softwareVulkan(), [SOFTWARE]: "1" };
  const { status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, "webgpu", ...args], {
    env,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
};

export const benchSize = async (height: number, width: number): Promise<void> => {
  const gpu = openGpu(await openDevice(await openAdapter()), { ...readKernels(), copy: copyKernel });
  console.log(`\n${height}×${width}, ${classes} classes\n`);
  console.log("| kernel | MB read and written | ms | GB/s | of the bandwidth of a copy of as many bytes |");
  console.log("|---|---|---|---|---|");
  const cases = await casesOf(gpu, height, width);
  await warmUp(gpu);
  for (const { name, launch, bytes } of cases) {
    const [ms, plain] = [await fastest(gpu, launch), await copyMs(gpu, bytes)];
    const numbers = [bytes / 1e6, ms, bytes / ms / 1e6].map((v) => v.toPrecision(3));
    console.log(`| ${[name, ...numbers, `${((100 * plain) / ms).toPrecision(2)} %`].join(" | ")} |`);
  }
  gpu.device.destroy();
};

export const webgpuBench = async (args: readonly string[]): Promise<void> => {
  const adapter = await openAdapter().catch((error: unknown) => {
    if (process.env[SOFTWARE]) throw error;
    return null;
  });
  if (!adapter) return inSoftware(args);
  const { name, software } = adapterOf(adapter);
  console.log(name);
  if (software) console.log("This is software: the numbers show that the kernels run, and nothing of a GPU's speed.");
  if (args[0] === "providers")
    return benchProviders(args.slice(1), software ? { height: 32, width: 64 } : { height: 512, width: 1024 });
  const network = "enet-street-float";
  if (args[0] === "batches") {
    const [height = software ? 24 : 512, width = software ? 32 : 1024] = args.slice(1).map(Number);
    return benchBatches({ network, size: { height, width }, steps: software ? 3 : 10 }, [1, 8]);
  }
  await benchSteps(
    software
      ? { network, size: { height: 24, width: 32 }, steps: 3 }
      : { network, size: { height: 512, width: 1024 }, steps: 10 },
  );
  const [height, width] = args.map(Number);
  if (height && width) return benchSize(height, width);
  if (software) return benchSize(64, 128);
  await benchSize(512, 1024);
  await benchSize(2048, 2048);
};
