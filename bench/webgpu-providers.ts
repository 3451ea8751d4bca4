/**
 * The two builds of onnxruntime's WebGPU provider on the same gradients, in turn: `npm run bench -- webgpu providers [NETWORK…]`.
 * onnxruntime-web is WebAssembly on Dawn's bindings for Node, onnxruntime-node native code with a Dawn of its own. Both read the
 * results back, since the native one gives no buffer to other kernels.
 */

import { startWebGpuInNode } from "../src/runtime/webgpu/node.ts";
import type { Session } from "../src/runtime/session.ts";
import { writeModel } from "../src/onnx/write.ts";
import { compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { leastLikelyObjective } from "../src/objectives/least-likely.ts";
import { numbersOf, tensorOf, type Size, type Tensor } from "../src/tensor.ts";
import { street } from "./feeds.ts";
import { networks } from "./networks.ts";

const ROUNDS = 5;

type Run = (feeds: Readonly<Record<string, Tensor>>) => Promise<Record<string, ArrayLike<number>>>;

const ofWeb =
  (session: Session): Run =>
  async (feeds) =>
    Object.fromEntries(Object.entries(await session.run(feeds)).map(([name, t]) => [name, numbersOf(t)]));

const openNative = async (model: Uint8Array): Promise<Run> => {
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(model, { executionProviders: ["webgpu"], logSeverityLevel: 3 });
  return async (feeds) => {
    const given = Object.entries(feeds).map(
      ([name, { dtype, data, shape }]) =>
        [name, new ort.Tensor(dtype as "float32", data as Float32Array, shape)] as const,
    );
    const results = await session.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]),
    );
  };
};

/** ‖a − b‖₂ ÷ ‖b‖₂. */
const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [apart, whole] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    whole += b[i]! ** 2;
  }
  return Math.sqrt(apart / whole);
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const compare = async (network: Network, size: Size): Promise<string> => {
  const { model } = compileGradient(network, size, leastLikelyObjective(), { target: "webgpu" });
  const bytes = writeModel(model);
  const web = await startWebGpuInNode();
  const runs = [ofWeb(await web.createSession(bytes)), await openNative(bytes)];
  const image = tensorOf("float32", [1, 3, size.height, size.width], (await street(size)).data);
  const times: number[][] = [[], []];
  const results: Record<string, ArrayLike<number>>[] = [];
  for (let round = 0; round <= ROUNDS; round++)
    for (const [k, run] of runs.entries()) {
      const start = performance.now();
      results[k] = await run({ image });
      if (round > 0) times[k]!.push(performance.now() - start); // the first compiles shaders
    }
  const [a, b] = times.map(median) as [number, number];
  const apart = difference(results[1]!["gradient"]!, results[0]!["gradient"]!);
  return `| ${network.manifest.name} | ${size.height}×${size.width} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(b / a).toFixed(2)} | ${apart.toExponential(1)} |`;
};

export const benchProviders = async (names: readonly string[], size: Size): Promise<void> => {
  const chosen = names.length > 0 ? names : ["enet-street-float", "enet-street"];
  console.log("| network | size | onnxruntime-web, ms | onnxruntime-node, ms | ÷ | gradients apart |");
  for (const network of networks().filter(({ manifest }) => chosen.includes(manifest.name)))
    console.log(await compare(network, size));
};
