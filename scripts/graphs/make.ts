/** Makes the file of a network's stored graphs (`src/segmenter/stored-graphs.ts`). */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { deflateSync } from "node:zlib";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { InferenceSession } from "onnxruntime-node";
import { feedsOf } from "../../bench/feeds.ts";
import { sha256Of } from "../../src/digest.ts";
import { manifestDigest } from "../../src/networks/outlines.ts";
import { crossEntropyObjective } from "../../src/objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../../src/objectives/least-likely.ts";
import { writeModel } from "../../src/onnx/write.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { compileForward, compileGradient, type Compiled } from "../../src/segmenter/compile.ts";
import { keyOf, type Kind } from "../../src/segmenter/graphs.ts";
import { filled } from "../../src/segmenter/holes.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { storedFile, streamOf, type StoredGraph } from "../../src/segmenter/stored-graphs.ts";
import { sameBytes } from "../../src/tensor.ts";
import type { Size } from "../../src/tensor.ts";
import { withHoles } from "./holes.ts";

type StoredKind = Exclude<Kind, { readonly scored: unknown }>;

/** Which graphs are stored: predictions, and the gradients of the two objectives that most attacks climb. */
export const kinds: readonly StoredKind[] = ["forward", crossEntropyObjective(false), leastLikelyObjective()];

export const compiledOf = (network: Network, kind: StoredKind, size: Size): Compiled =>
  kind === "forward" ? compileForward(network, size) : compileGradient(network, size, kind);

/**
 * A file whose nodes stand in the order of their execution, with its nodes in reverse. onnxruntime sorts the nodes of a file by itself and executes what stands last
 * first: a session of it then keeps the order for which memory was planned, and without this takes up to twice as much.
 */
const inReverse = (file: Uint8Array): Uint8Array<ArrayBuffer> => {
  const model = fromBinary(ModelProtoSchema, file);
  model.graph!.node.reverse();
  return new Uint8Array(toBinary(ModelProtoSchema, model));
};

/**
 * The ONNX file as onnxruntime's optimisations leave it. onnxruntime in WebAssembly has no files to write it to; the native one does the same without its
 * blocked layout and without common subexpressions, which WASM sessions do not eliminate either (`runtime/wasm/wasm.ts`).
 */
const optimised = async (file: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
  const folder = mkdtempSync(`${tmpdir()}/faultline-`);
  try {
    writeFileSync(`${folder}/compiled.onnx`, file);
    const session = await InferenceSession.create(`${folder}/compiled.onnx`, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      optimizedModelFilePath: `${folder}/optimised.onnx`,
      logSeverityLevel: 4, // It warns that such a file is for this machine alone, which it would be with the blocked layout.
      extra: {
        optimization: { disable_specified_optimizers: "CommonSubexpressionElimination;NchwcTransformer" },
        session: { x64quantprecision: "0" },
      },
    });
    await session.release();
    return inReverse(readFileSync(`${folder}/optimised.onnx`));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** @throws Error where a session of the optimised file gives other bytes than one of the file. */
const requireSame = async (runtime: Runtime, file: Uint8Array, other: Uint8Array, size: Size): Promise<void> => {
  const feeds = feedsOf(size);
  const sessions = [
    await runtime.createSession(file),
    await runtime.createSession(other, { optimised: true }),
  ] as const;
  const [expected, found] = [await sessions[0].run(feeds), await sessions[1].run(feeds)];
  for (const session of sessions) await session.release();
  for (const [name, { data }] of Object.entries(expected))
    if (!sameBytes(data, found[name]!.data)) throw new Error(`"${name}" differs where the graph is stored`);
};

/** One graph and its stream. @throws Error where it would not do what the compiled one does. */
const made = async (network: Network, kind: StoredKind, size: Size, runtime: Runtime) => {
  const { model, footprint } = compiledOf(network, kind, size);
  const file = writeModel(model);
  const whole = await optimised(file);
  await requireSame(runtime, file, whole, size);
  const { holes, skeleton } = withHoles(whole, network.model.graph);
  if (!sameBytes(filled(skeleton.slice(), holes, network.model.graph)!, whole)) throw new Error("the holes are wrong");
  const stream = new Uint8Array(deflateSync(await streamOf(holes, skeleton).arrayBuffer(), { level: 9 }));
  const graph: StoredGraph = {
    kind: keyOf(kind),
    size,
    footprint,
    compiledSha256: await sha256Of(file),
    sha256: await sha256Of(whole),
    bytes: stream.length,
  };
  return { graph, stream };
};

/** The file of the network's graphs for images of that size. */
export const graphsFile = async (network: Network, size: Size, runtime: Runtime): Promise<ArrayBuffer> => {
  const all = [];
  for (const kind of kinds) all.push(await made(network, kind, size, runtime));
  const head = {
    manifestSha256: await manifestDigest(network.manifest),
    runtime: runtime.version,
    graphs: all.map(({ graph }) => graph),
  };
  return storedFile(
    head,
    all.map(({ stream }) => stream),
  );
};
