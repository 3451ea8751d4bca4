/**
 * A fully connected CRF on one image, by CRF-RNN's parameters: the lattice built in TypeScript, the mean field and its gradient in
 * WASM, one thread: `npm run bench -- crf [IMAGE.png|jpg …]`. Both processor and wall-clock milliseconds are printed; the latter
 * include the other load of the machine.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gradient } from "../src/autodiff/gradient.ts";
import { latticeInputs } from "../src/crf/lattice-filter.ts";
import { refine } from "../src/crf/fragment.ts";
import { latticeOfImage } from "../src/crf/image-lattice.ts";
import { crfRnn, type CrfParameters } from "../src/crf/parameters.ts";
import { decodeImage } from "../src/image/decode.ts";
import { useNodeCodecs } from "../src/image/node.ts";
import { resizeBilinear } from "../src/image/resize.ts";
import { createBuilder } from "../src/onnx/build.ts";
import type { Model } from "../src/onnx/graph.ts";
import { typesOf } from "../src/onnx/types.ts";
import { writeModel } from "../src/onnx/write.ts";
import { normal, random } from "../src/random.ts";
import { footprint, predictMemory } from "../src/runtime/memory/memory.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { tensor, tensorOf, type Tensor } from "../src/tensor.ts";

const [CLASSES, HEIGHT, WIDTH] = [11, 360, 480];
const RUNS = 5;

interface Times {
  readonly wall: number;
  readonly cpu: number;
}

/** The minimum of several runs. */
const measured = async (task: () => unknown): Promise<Times> => {
  let [wall, cpu] = [Infinity, Infinity];
  for (let i = 0; i < RUNS; i++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await task();
    const { user, system } = process.cpuUsage(used);
    wall = Math.min(wall, performance.now() - start);
    cpu = Math.min(cpu, (user + system) / 1000);
  }
  return { wall, cpu };
};

const modelOf = (vertices: number, parameters: CrfParameters, differentiated: boolean): Model => {
  const op = createBuilder("crf");
  const shape = [1, CLASSES, HEIGHT, WIDTH];
  const logits = op.input("logits", "float32", shape);
  const refined = refine(op, logits, latticeInputs(op, HEIGHT * WIDTH, vertices), parameters);
  if (!differentiated) return op.model({ refined });
  return op.model({ gradient: gradient(op, refined, [logits], op.input("cotangent", "float32", shape))[0]! });
};

const noise = (seed: number): Tensor => {
  const next = random(seed);
  const shape = [1, CLASSES, HEIGHT, WIDTH];
  return tensorOf(
    "float32",
    shape,
    Float32Array.from({ length: CLASSES * HEIGHT * WIDTH }, () => 2 * normal(next)),
  );
};

const cases: readonly (readonly [string, number, boolean])[] = [
  ["forward", 10, false],
  ["gradient", 5, true],
  ["gradient", 10, true],
];

const figures = ({ wall, cpu }: Times): string => `${wall.toFixed(0)} (${cpu.toFixed(0)})`;

const benchImage = async (path: string): Promise<void> => {
  const decoded = await decodeImage(readFileSync(path), { maxPixels: 2 ** 24 });
  const image = tensor("float32", [3, HEIGHT, WIDTH], resizeBilinear(decoded, [HEIGHT, WIDTH]).data);
  const built = await measured(() => latticeOfImage(image, crfRnn));
  const { vertices, feeds } = latticeOfImage(image, crfRnn)!;
  const runtime = startWasm();
  for (const [name, iterations, differentiated] of cases) {
    const { graph, ...rest } = modelOf(vertices, { ...crfRnn, iterations }, differentiated);
    const session = await runtime.createSession(writeModel({ ...rest, graph }));
    const all = { ...feeds, logits: noise(1), cotangent: noise(2) };
    const run = await measured(() => session.run(all));
    const predicted = footprint({ ...graph, types: typesOf(graph) });
    const row = [
      basename(path),
      vertices,
      name,
      iterations,
      figures(built),
      figures(run),
      figures({ wall: built.wall + run.wall, cpu: built.cpu + run.cpu }),
      (predictMemory([predicted]) / 2 ** 20).toFixed(0),
      (runtime.memoryBytes() / 2 ** 20).toFixed(0),
    ];
    console.log(`| ${row.join(" | ")} |`);
    await session.release();
  }
};

export const crfBench = async (args: readonly string[]): Promise<void> => {
  useNodeCodecs();
  const paths = args.length > 0 ? args : [fileURLToPath(new URL("../examples/street.png", import.meta.url))];
  console.log(
    `${WIDTH}×${HEIGHT}, ${CLASSES} classes; ms by the clock (of the CPU); the heap keeps the size of earlier rows\n`,
  );
  console.log("| image | vertices | | iterations | lattice ms | WASM ms | together | predicted MiB | heap MiB |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const path of paths) await benchImage(path);
};
