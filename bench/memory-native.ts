/**
 * Predicted and measured memory of native onnxruntime, part of `npm run bench -- memory --native`. As a script it is one measurement: it runs the models of
 * a case, a line of JSON, in a process that has done nothing else, and prints what that took.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { writeModel } from "../src/onnx/write.ts";
import { predictNativeMemory } from "../src/runtime/memory/native.ts";
import { startNative } from "../src/runtime/native/native.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { networkSize } from "../src/segmenter/size.ts";
import type { Size } from "../src/tensor.ts";
import { feedsOf } from "./feeds.ts";

const script = fileURLToPath(import.meta.url);
const kinds = ["forward", "gradient", "both"] as const;

interface Measured {
  readonly kind: (typeof kinds)[number];
  readonly predicted: number;
  readonly measured: number;
}

/** Of a session of predictions, of one of gradients, and of both held together. */
export const nativeMemory = (network: Network, wanted: Size): Measured[] => {
  const size = networkSize(network.manifest, wanted);
  const folder = mkdtempSync(`${tmpdir()}/faultline-`);
  try {
    const graphs = [
      compileForward(network, size, "native"),
      compileGradient(network, size, crossEntropyObjective(false), { target: "native" }),
    ].map(({ model, footprint }, i) => {
      const file = `${folder}/${i}.onnx`;
      writeFileSync(file, writeModel(model));
      return { file, footprint };
    });
    return kinds.map((kind, i) => {
      const held = kind === "both" ? graphs : [graphs[i]!];
      const files = held.map(({ file }) => file);
      const output = execFileSync("npx", ["tsx", script, JSON.stringify({ files, size })], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const predicted = predictNativeMemory(held.map(({ footprint }) => footprint));
      return { kind, predicted, measured: Number(output.toString()) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (process.argv[1] === script) {
  const { files, size } = JSON.parse(process.argv[2]!) as { files: readonly string[]; size: Size };
  const feeds = feedsOf(size);
  const runtime = await startNative();
  for (const file of files) {
    const session = await runtime.createSession(Uint8Array.from(readFileSync(file)));
    for (let i = 0; i < 3; i++) await session.run(feeds);
  }
  console.log(runtime.memoryBytes());
  process.exit(0);
}
