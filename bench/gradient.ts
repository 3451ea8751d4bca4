/**
 * Gradient ms ÷ forward ms of each network, Node-WASM, one thread, and a comparison with other frameworks (beside.ts):
 * `npm run bench -- gradient [RUNS [NETWORK …]]`. With `--profile [NETWORK …]`: the gradient's time by operator.
 */

import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../src/objectives/least-likely.ts";
import { writeModel } from "../src/onnx/write.ts";
import type { Session } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { networkSize } from "../src/segmenter/size.ts";
import { beside } from "./beside.ts";
import { fastest, timed } from "./fastest.ts";
import { feedsOf, usual } from "./feeds.ts";
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

export const gradientBench = async (args: readonly string[]): Promise<void> => {
  if (args[0] === "--profile") return profiles(args.slice(1));
  const [runs = "8", ...names] = args;
  const chosen = named(names);
  const runtime = startWasm();
  console.log("| network | size | forward ms | gradient ms | ratio | least-likely ms | ratio |");
  console.log("|---|---|---|---|---|---|---|");
  for (const network of chosen) {
    const { manifest } = network;
    const size = networkSize(manifest, usual);
    const compiled = [
      compileForward(network, size),
      compileGradient(network, size, crossEntropyObjective(false)),
      compileGradient(network, size, leastLikelyObjective()),
    ];
    const sessions: Session[] = [];
    for (const { model } of compiled) sessions.push(await runtime.createSession(writeModel(model)));
    const feeds = feedsOf(size);
    const times = await fastest(
      Number(runs),
      sessions.map((s) => timed(() => s.run(feeds))),
    );
    const [forward = 0, given = 0, least = 0] = times;
    const numbers = [forward, given].map((ms) => ms.toFixed(0));
    const row = [
      manifest.name,
      `${size.height}×${size.width}`,
      ...numbers,
      (given / forward).toFixed(2),
      least.toFixed(0),
      (least / forward).toFixed(2),
    ];
    console.log(`| ${row.join(" | ")} |`);
    for (const s of sessions) await s.release();
  }
  await beside(chosen, usual, Number(runs));
};
