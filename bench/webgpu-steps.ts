/** Time and bytes read back of an attack's step on the GPU, compared with WASM. Part of `bench -- webgpu`. */

import { makeAttack } from "../src/attacks/catalogue.ts";
import { project } from "../src/attacks/constraint.ts";
import { follow } from "../src/attacks/run.ts";
import { leastLikelyObjective } from "../src/objectives/least-likely.ts";
import { capturable } from "../src/lowering/webgpu/kernels.ts";
import { writeModel } from "../src/onnx/write.ts";
import { startGpuRuntime } from "../src/runtime/gpu/runtime.ts";
import type { AscentEnd, AscentLabels, AscentRequest } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { openNodeDevice } from "../src/runtime/webgpu/node.ts";
import { compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { createSegmenter, type Image } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { type Size, tensor } from "../src/tensor.ts";
import { street } from "./feeds.ts";
import { networks } from "./networks.ts";
import { dispatchesThrough, readThrough } from "./webgpu-counters.ts";
import { torchSteps } from "./webgpu-torch.ts";

export interface StepsCase {
  readonly network: string;
  readonly size: Size;
  readonly steps: number;
}

const ball = { epsilon: 8, pixelRange: [0, 255] } as const;
const budget = 16 * 2 ** 30;

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
  /** The adversarial image, of several the first. */
  readonly image: Float32Array;
}

interface Mode {
  readonly name: string;
  readonly capture: boolean;
  /** Whether scores are read at each step. */
  readonly told: boolean;
}

const captured: Mode = { name: "WebGPU, on the device, captured", capture: true, told: false };
const modes: readonly Mode[] = [
  captured,
  { ...captured, name: "WebGPU, on the device, captured, scores read", told: true },
  { name: "WebGPU, on the device", capture: false, told: false },
];

const requestOf = (image: Image, steps: number, reference: AscentLabels | undefined): AscentRequest => {
  const end = (bound: number) =>
    project(
      image.data.map(() => bound),
      image.data,
      ball,
    );
  return {
    feeds: { image: tensor("float32", [1, ...image.shape], image.data) },
    walk: { kind: "sign", low: end(-Infinity), high: end(Infinity), alpha: 1 },
    sense: -1,
    steps,
    reference,
  };
};

/** Of an ascent with these images together. */
const residentRow = async (
  network: Network,
  images: readonly Image[],
  { size, steps }: Pick<StepsCase, "size" | "steps">,
  { name, capture, told }: Mode,
): Promise<Row> => {
  const options = { target: "webgpu", batch: images.length } as const;
  const { model } = compileGradient(network, size, leastLikelyObjective(), options);
  if (capture && !capturable(model.graph)) throw new RangeError(`${network.manifest.name} cannot be captured`);
  const labels = new Uint8Array(size.height * size.width);
  const reference = told ? { labels, classes: network.manifest.classes.length } : undefined;
  const device = await openNodeDevice();
  const runtime = await startGpuRuntime(() => Promise.resolve(device));
  const session = await runtime.createAscent!(writeModel(model), { capture });
  const run = async (n: number) => {
    const requests = images.map((image) => requestOf(image, n, reference));
    const [end] = await session.ascend(requests, told ? { onSteps: () => Promise.resolve([]) } : {});
    return (end as Extract<AscentEnd, { kind: "done" }>).image;
  };
  const counters = [readThrough(device.gpu.device), dispatchesThrough(device.gpu.device)];
  const ms = await perStep(run, steps);
  const counts = () => counters.map((count) => count());
  const before = counts();
  await run(1);
  const once = counts();
  const image = await run(steps);
  const all = counts();
  // What a step more takes: an ascent of one step has what stands before and after its steps.
  const [bytes = 0, dispatches = 0] = all.map((n, i) => (n - 2 * once[i]! + before[i]!) / (steps - 1));
  device.gpu.device.destroy();
  return { name, ms, bytes, dispatches, image };
};

const residentRows = async (network: Network, image: Image, of: StepsCase): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const mode of modes) rows.push(await residentRow(network, [image], of, mode));
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
const torchRows = (network: Network, pictures: readonly Image[], steps: number): Row[] => {
  const found = torchSteps(network, pictures, { ...ball, alpha: 1 }, steps);
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

/** The network and the picture of a case, which is told. */
const opened = async ({ network: name, size, steps }: StepsCase) => {
  const network = networks().find(({ manifest }) => manifest.name === name)!;
  console.log(`\n${name}, ${size.height}×${size.width}, ${steps} steps of ifgsm-ii\n`);
  return { network, image: await street(size) };
};

export const benchSteps = async (of: StepsCase): Promise<void> => {
  const { network, image } = await opened(of);
  const plain = await plainRows(network, image, of);
  const rows = [...(await residentRows(network, image, of)), ...plain, ...torchRows(network, [image], of.steps)];
  const wasm = plain.at(-1)!.image;
  console.log("| | ms a step | dispatches a step | bytes read back a step | moved otherwise than on WASM |");
  console.log("|---|---|---|---|---|");
  for (const { name, ms, bytes, dispatches, image: adversarial } of rows)
    console.log(
      `| ${name} | ${ms.toPrecision(3)} | ${dispatches ?? "–"} | ${bytes ?? "–"} | ${apart(adversarial, wasm, image.data).toPrecision(2)} % |`,
    );
};

/** The picture and others: the same ones, moved along by a number of values. */
const picturesOf = (image: Image, count: number): readonly Image[] =>
  Array.from({ length: count }, (_, i) => {
    const { data } = image;
    return { ...image, data: data.map((_v, at) => data[(at + 7 * i) % data.length]!) };
  });

/** Steps with one image and with several together, beside PyTorch's with as many. */
export const benchBatches = async (of: StepsCase, batches: readonly number[]): Promise<void> => {
  const { network, image } = await opened(of);
  console.log(
    "| | images | ms a step | ms a step and image | dispatches a step | bytes read back a step | the first moved otherwise than alone |",
  );
  console.log("|---|---|---|---|---|---|---|");
  const alone = new Map<string, Float32Array>();
  for (const count of batches) {
    const pictures = picturesOf(image, count);
    const rows: Row[] = [];
    for (const mode of modes.filter(({ capture }) => capture))
      rows.push(await residentRow(network, pictures, of, mode));
    for (const row of [...rows, ...torchRows(network, pictures, of.steps)]) {
      const first = row.image.subarray(0, image.data.length);
      if (!alone.has(row.name)) alone.set(row.name, first);
      const otherwise = `${apart(first, alone.get(row.name)!, image.data).toPrecision(2)} %`;
      const times = [row.ms, row.ms / count].map((v) => v.toPrecision(3));
      console.log(`| ${[row.name, count, ...times, row.dispatches ?? "–", row.bytes ?? "–", otherwise].join(" | ")} |`);
    }
  }
};
