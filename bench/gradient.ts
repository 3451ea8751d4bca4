/**
 * Forward and gradient of each network in milliseconds of processor time, on WASM and on native onnxruntime, and a comparison with other
 * frameworks (beside.ts); all interleaved, on one thread: `npm run bench -- gradient [RUNS [NETWORK …]]`. With `--profile [NETWORK …]`: the gradient's time by operator.
 */

import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { writeModel } from "../src/onnx/write.ts";
import { startExactNative } from "../src/node/native-integers.ts";
import { reasonOf } from "../src/reason.ts";
import type { Runtime, Session } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { networkSize } from "../src/segmenter/size.ts";
import { tensor } from "../src/tensor.ts";
import { beside } from "./beside.ts";
import { fastest, timed } from "./fastest.ts";
import { feedsOf, street, usual } from "./feeds.ts";
import { networks } from "./networks.ts";
import { printProfile, profile } from "./profile.ts";

/** The named networks, or all where no name is given. */
const named = (names: readonly string[]): readonly Network[] => {
  const all = networks();
  const unknown = names.find((name) => !all.some(({ manifest }) => manifest.name === name));
  if (unknown) throw new RangeError(`no network ${unknown}: ${all.map(({ manifest }) => manifest.name).join(", ")}`);
  return names.length === 0 ? all : all.filter(({ manifest }) => names.includes(manifest.name));
};

const profiles = async (names: readonly string[]): Promise<void> => {
  startWasm();
  for (const network of named(names)) {
    const size = networkSize(network.manifest, usual);
    console.log(`\n${network.manifest.name}, gradient at ${size.height}×${size.width}\n`);
    printProfile(await profile(compileGradient(network, size, crossEntropyObjective(false)).model.graph), 20);
  }
};

/** WASM, and native onnxruntime where it is installed, both in this thread. */
const ours = async (): Promise<readonly Runtime[]> => {
  const native = await startExactNative({}).catch((cause: unknown) => {
    console.log(`native: skipped, ${reasonOf(cause)}\n`);
    return undefined;
  });
  return native ? [startWasm(), native] : [startWasm()];
};

export const gradientBench = async (args: readonly string[]): Promise<void> => {
  if (args[0] === "--profile") return profiles(args.slice(1));
  const [runs = "8", ...names] = args;
  const chosen = named(names);
  const runtimes = await ours();
  const columns = runtimes.flatMap(({ backend }) => [`${backend}: forward ms`, "gradient ms", "ratio"]);
  console.log(`| network | size | ${columns.join(" | ")} | gradient, native ÷ WASM |`);
  console.log(`|---|---|${columns.map(() => "---|").join("")}---|`);
  for (const network of chosen) {
    const { manifest } = network;
    const size = networkSize(manifest, usual);
    const sessions: Session[] = [];
    for (const runtime of runtimes) {
      const target = runtime.backend;
      const gradient = compileGradient(network, size, crossEntropyObjective(false), { target });
      for (const { model } of [compileForward(network, size, target), gradient])
        sessions.push(await runtime.createSession(writeModel(model)));
    }
    // A picture: on a regular pattern, kernels that branch on their data are faster than they are in use.
    const image = tensor("float32", [1, 3, size.height, size.width], (await street(size)).data);
    const feeds = { ...feedsOf(size), image };
    const times = await fastest(
      Number(runs),
      sessions.map((s) => timed(() => s.run(feeds))),
    );
    const cells = runtimes.flatMap((_, i) => {
      const [forward, gradient] = [times[2 * i]!, times[2 * i + 1]!];
      return [forward.toFixed(0), gradient.toFixed(0), (gradient / forward).toFixed(2)];
    });
    const [, wasm = 0, , native] = times;
    const share = native === undefined ? "–" : (native / wasm).toFixed(2);
    console.log(`| ${[manifest.name, `${size.height}×${size.width}`, ...cells, share].join(" | ")} |`);
    for (const s of sessions) await s.release();
  }
  await beside(chosen, runtimes, usual, Number(runs));
};
