/**
 * Faultline's gradient and that of other frameworks for the same ONNX file, interleaved, one thread each. The others are not
 * dependencies: those that are not installed are skipped, and those that refuse a network are quoted.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { encoder, forwardOf, gradientOf, stage2, wholeNetwork, type Case } from "./beside/cases.ts";
import { installedPeers, startPeer, type Peer, type PeerName } from "./beside/peer.ts";
import { fastest, timed } from "./fastest.ts";
import { lowerForNative } from "../src/lowering/native.ts";
import { random } from "../src/random.ts";
import type { Runtime, Session } from "../src/runtime/session.ts";
import { writeModel } from "../src/onnx/write.ts";
import { networkSize } from "../src/segmenter/size.ts";
import type { Network } from "../src/segmenter/network.ts";
import { dimensionsOf, type Size, sizeOf, tensor } from "../src/tensor.ts";
import { reasonOf } from "../src/reason.ts";

/** A random image (0 to 255; around 0 for activations) and random labels, without ties that frameworks break differently. */
const feedsOf = ({ image, logits }: Case) => {
  const [, classes, height, width] = dimensionsOf({ shape: logits }, 4);
  const next = random(7);
  const pixel = image[1] === 3 ? () => 255 * next() : () => 2 * next() - 1;
  const labels = Int32Array.from({ length: height * width }, () => Math.floor(classes * next()));
  return {
    image: tensor("float32", image, Float32Array.from({ length: sizeOf(image) }, pixel)),
    target: tensor("int32", [1, height, width], labels),
  };
};

/** Largest median |a − b| ÷ median |b| of two equal gradients. */
const tolerance = 0.01;

const median = (values: Float64Array): number => values.toSorted()[values.length >> 1]!;

/**
 * ‖a − b‖ ÷ ‖b‖, and median |a − b| ÷ median |b|: where rounding puts one activation on the other side of a kink (ReLU,
 * max-pooling), the gradient jumps in that unit's field of view; the first measure shows that and the second does not.
 */
const differences = (a: Float32Array, b: Float32Array): readonly [number, number] => {
  const [difference, size] = [Float64Array.from(a, (v, i) => Math.abs(v - b[i]!)), Float64Array.from(b, Math.abs)];
  const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return [norm(difference) / norm(size), median(difference) / median(size)];
};

const shown = (value: number, digits: number): string => (Number.isNaN(value) ? "–" : value.toFixed(digits));

/** Starts the peers that accept the case; prints why the others do not. */
const startPeers = async (names: Iterable<PeerName>, folder: string, say: (line: string) => void) => {
  const peers = new Map<PeerName, Peer>();
  for (const name of names) {
    try {
      peers.set(name, await startPeer(name, folder));
    } catch (cause) {
      say(`${name}: ${reasonOf(cause)}`);
    }
  }
  return peers;
};

const writeCase = (folder: string, { model, image, logits }: Case, feeds: ReturnType<typeof feedsOf>): void => {
  writeFileSync(`${folder}/model.onnx`, writeModel(model));
  writeFileSync(`${folder}/image.f32`, feeds.image.data);
  writeFileSync(`${folder}/target.i32`, feeds.target.data);
  writeFileSync(`${folder}/case.json`, JSON.stringify({ image, logits }));
};

interface Compared {
  /** Faultline's; the first is the one that all are divided by. */
  readonly runtimes: readonly Runtime[];
  readonly names: Iterable<PeerName>;
  readonly runs: number;
  readonly say: (line: string) => void;
}

const compare = async (of: Case, { runtimes, names, runs, say }: Compared) => {
  const feeds = feedsOf(of);
  const folder = mkdtempSync(`${tmpdir()}/faultline-`);
  writeCase(folder, of, feeds);
  const sessions: Session[] = [];
  for (const runtime of runtimes)
    for (const { graph, ...model } of [forwardOf(of), gradientOf(of)]) {
      const lowered = runtime.backend === "native" ? lowerForNative(graph) : graph;
      sessions.push(await runtime.createSession(writeModel({ ...model, graph: lowered })));
    }
  const gradients: Float32Array[] = [];
  for (const i of runtimes.keys())
    gradients.push((await sessions[2 * i + 1]!.run(feeds))["gradient"]!.data as Float32Array);
  const ours = gradients[0]!;
  const peers = await startPeers(names, folder, (line) => say(`${of.name} in ${line}`));
  const times = await fastest(runs, [
    ...sessions.map((session) => timed(() => session.run(feeds))),
    ...[...peers.values()].flatMap((peer) => [peer.forward, peer.gradient]),
  ]);
  /** The k-th of all. */
  const print = (k: number, name: string, result: Float32Array): number => {
    const [f, g] = [times[2 * k]!, times[2 * k + 1]!];
    const [relative, typical] = differences(ours, result);
    const numbers = [shown(f, 0), shown(g, 0), shown(g / f, 2), shown(g / times[1]!, 2)];
    const agreement = k === 0 ? ["", ""] : [relative.toExponential(0), typical.toExponential(0)];
    console.log(`| ${[of.name, of.image.slice(1).join("×"), name, ...numbers, ...agreement].join(" | ")} |`);
    return typical;
  };
  for (const [k, { backend }] of runtimes.entries()) print(k, `Faultline, ${backend}`, gradients[k]!);
  for (const [k, [name, peer]] of [...peers].entries()) {
    const typical = print(runtimes.length + k, name, peer.result);
    if (!(typical < tolerance)) {
      say(`${of.name} in ${name}: ANOTHER GRADIENT than Faultline's`);
      process.exitCode = 1;
    }
    const failure = peer.failure();
    if (failure) say(`${of.name} in ${name}: it gave up while it was timed, ${failure}`);
    peer.stop();
  }
  for (const session of sessions) await session.release();
  rmSync(folder, { recursive: true });
};

/** The float networks, each file once, and parts of E-Net for frameworks that cannot run all of it. */
export const beside = async (
  networks: readonly Network[],
  runtimes: readonly Runtime[],
  usual: Size,
  runs: number,
): Promise<void> => {
  const names = installedPeers((line) => console.log(`\n${line}`));
  if (names.size === 0) return;
  const files = networks.filter(({ manifest }) => manifest.precision === "fp32" && !manifest.network);
  const street = files.filter(({ manifest }) => manifest.name === "enet-street-float");
  const cases = [
    ...files.map((network) => wholeNetwork(network, networkSize(network.manifest, usual))),
    ...street.flatMap((network) => [encoder(network, usual), stage2(network, usual)]),
  ];
  console.log(
    "\n| network | image | in | forward ms | gradient ms | ratio | gradient ÷ WASM's | relative L2 | median |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  const notes: string[] = [];
  const say = (line: string): void => void notes.push(line);
  for (const one of cases) await compare(one, { runtimes, names, runs, say });
  if (notes.length > 0) console.log(`\n${notes.map((note) => `* ${note}`).join("\n")}`);
};
