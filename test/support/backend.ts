/** The tests of a backend on whole networks: those that ship, and the reference networks where they are available. */

import { given, leastLikely } from "./aims.ts";
import { describe, expect, it } from "vitest";
import { street } from "../../bench/feeds.ts";
import { networks } from "../../bench/networks.ts";
import { offGpu } from "../../src/lowering/webgpu/kernels.ts";
import { writeModel } from "../../src/onnx/write.ts";
import type { Backend, Runtime } from "../../src/runtime/session.ts";
import { compileForward, compileGradient, type Compiled } from "../../src/segmenter/compile.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { networkSize } from "../../src/segmenter/size.ts";
import { numbersOf, type Size, type Tensor, tensorOf } from "../../src/tensor.ts";
import { relativeError } from "./networks/check.ts";
import { noiseLabels } from "./networks/image.ts";
import { runWasm } from "./wasm.ts";

type Run<R extends Runtime> = (
  runtime: R,
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
) => Promise<Record<string, Tensor>>;

export interface BackendOptions<R extends Runtime> {
  /** The backend for which the graphs are lowered. */
  readonly target: Backend;
  /** Bound of ‖∇ − ∇ WASM‖ ÷ ‖∇ WASM‖, by the network's precision; default 10⁻³. */
  readonly gradientError?: Readonly<Record<Manifest["precision"], number>> | undefined;
  /** Smallest share of pixels with the same label as on WASM; default 0.999. */
  readonly agreement?: number | undefined;
  /** Size of the images for networks that leave it open. */
  readonly size: Size;
  /** The networks to select from; default: those with different graphs. */
  readonly among?: readonly Network[] | undefined;
  /** Selects the networks that run; default: those whose fixed size is not larger. */
  readonly chosen?: ((network: Network) => boolean) | undefined;
  /** Runs a graph; default: in a session of the runtime. */
  readonly run?: Run<R>;
}

type Graph = (network: Network, size: Size, target: Backend) => Compiled;

const graphs: readonly (readonly [string, Graph])[] = [
  ["gradient against given labels", (network, size, target) => compileGradient(network, size, given, { target })],
  ["prediction", compileForward],
];

/** The objective's graph stands behind any network's logits, so one network shows it. */
const once: typeof graphs = [
  [
    "gradient against the least likely labels",
    (network, size, target) => compileGradient(network, size, leastLikely, { target }),
  ],
];

const sameShare = (actual: Tensor, expected: Tensor): number => {
  const same = numbersOf(expected).filter((v, i) => v === Number(actual.data[i])).length;
  return same / expected.data.length;
};

const feedsOf = async ({ manifest }: Network, { height, width }: Size): Promise<Record<string, Tensor>> => ({
  image: tensorOf("float32", [1, 3, height, width], (await street({ height, width })).data),
  target: tensorOf("int32", [1, height, width], noiseLabels(height, width, manifest.classes.length, 3, true).data),
});

const sameTypes = (actual: Record<string, Tensor>, expected: Record<string, Tensor>): void => {
  const typed = (outputs: Record<string, Tensor>) =>
    Object.fromEntries(Object.entries(outputs).map(([name, { dtype, shape }]) => [name, { dtype, shape: [...shape] }]));
  expect(typed(actual)).toEqual(typed(expected));
};

const operatorsOf = ({ model }: Network): string => model.graph.nodes.map(({ op }) => op).join();

/** Networks with different graphs: a float network has its int8 network's operators, a variant those of its network; of the same, the first. */
export const distinctNetworks = (): Network[] => {
  const all = networks().filter(({ manifest }) => manifest.network === undefined && !manifest.name.endsWith("-float"));
  const operators = all.map(operatorsOf);
  return all.filter((_, i) => operators.indexOf(operators[i]!) === i);
};

/** Whether the network accepts an image of about that size; some have a fixed size. */
export const withinSize = ({ manifest }: Network, { height, width }: Size): boolean => {
  const own = networkSize(manifest, { height, width });
  return own.height <= height && own.width <= width;
};

/** Compares every network's graphs for `target`, run on the backend, with those for WASM, run on WASM. */
export const describeBackend = <R extends Runtime>(
  name: string,
  start: () => Promise<R>,
  {
    target,
    gradientError,
    agreement = 0.999,
    size: asked,
    among = distinctNetworks(),
    chosen = (n) => withinSize(n, asked),
    run,
  }: BackendOptions<R>,
): void => {
  const fitting = among.filter(chosen).map((network) => ({ network, size: networkSize(network.manifest, asked) }));
  describe.each(fitting)(`$network.manifest.name on ${name}`, ({ network, size }) => {
    const own = network === fitting[0]!.network ? [...graphs, ...once] : graphs;
    const runOn = async (model: Uint8Array, feeds: Readonly<Record<string, Tensor>>) => {
      const runtime = await start();
      if (run) return run(runtime, model, feeds);
      const session = await runtime.createSession(model);
      const outputs = await session.run(feeds);
      await session.release();
      return outputs;
    };

    it.each(own)("%s", async (_, compile) => {
      const feeds = await feedsOf(network, size);
      const { model } = compile(network, size, target);
      expect(target === "webgpu" ? offGpu(model.graph) : []).toEqual([]);
      const expected = await runWasm(compile(network, size, "wasm").model, feeds);
      const actual = await runOn(writeModel(model), feeds);
      sameTypes(actual, expected);
      expect(sameShare(actual["labels"]!, expected["labels"]!)).toBeGreaterThanOrEqual(agreement);
      for (const name of ["gradient", "loss", "confidence"].filter((output) => expected[output]))
        expect(relativeError(actual[name]!, expected[name]!)).toBeLessThanOrEqual(
          gradientError?.[network.manifest.precision] ?? 1e-3,
        );
    });
  });
};
