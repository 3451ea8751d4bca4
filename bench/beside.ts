/**
 * Faultline's gradient and that of other frameworks for the same ONNX file, interleaved, one thread each. The others are not
 * dependencies: those that are not installed are skipped, and those that refuse a network are quoted.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { encoder, forwardOf, gradientOf, stage2, wholeNetwork, type Case } from "./beside/cases.ts";
import { installedPeers, startPeer, type Peer, type PeerName } from "./beside/peer.ts";
import { fastest, timed } from "./fastest.ts";
import { random } from "../src/random.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
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

const compare = async (of: Case, names: Iterable<PeerName>, runs: number, say: (line: string) => void) => {
  const feeds = feedsOf(of);
  const folder = mkdtempSync(`${tmpdir()}/faultline-`);
  writeCase(folder, of, feeds);
  const forward = await startWasm().createSession(writeModel(forwardOf(of)));
  const gradient = await startWasm().createSession(writeModel(gradientOf(of)));
  const ours = (await gradient.run(feeds))["gradient"]!.data as Float32Array;
  const peers = await startPeers(names, folder, (line) => say(`${of.name} in ${line}`));
  const [ourForward = 0, ourGradient = 0, ...theirs] = await fastest(runs, [
    timed(() => forward.run(feeds)),
    timed(() => gradient.run(feeds)),
    ...[...peers.values()].flatMap((peer) => [peer.forward, peer.gradient]),
  ]);
  const print = (name: string, f: number, g: number, agreement: readonly string[]) => {
    const numbers = [shown(f, 0), shown(g, 0), shown(g / f, 2), shown(g / ourGradient, 2)];
    console.log(`| ${[of.name, of.image.slice(1).join("×"), name, ...numbers, ...agreement].join(" | ")} |`);
  };
  print("Faultline", ourForward, ourGradient, ["", ""]);
  for (const [k, [name, peer]] of [...peers].entries()) {
    const [relative, typical] = differences(ours, peer.result);
    print(name, theirs[2 * k]!, theirs[2 * k + 1]!, [relative.toExponential(0), typical.toExponential(0)]);
    if (!(typical < tolerance)) {
      say(`${of.name} in ${name}: ANOTHER GRADIENT than Faultline's`);
      process.exitCode = 1;
    }
    const failure = peer.failure();
    if (failure) say(`${of.name} in ${name}: it gave up while it was timed, ${failure}`);
    peer.stop();
  }
  for (const session of [forward, gradient]) await session.release();
  rmSync(folder, { recursive: true });
};

/** The float networks, each file once, and parts of E-Net for frameworks that cannot run all of it. */
export const beside = async (networks: readonly Network[], usual: Size, runs: number): Promise<void> => {
  const installed = installedPeers((line) => console.log(`\n${line}`));
  if (installed.size === 0) return;
  const files = networks.filter(({ manifest }) => manifest.precision === "fp32" && !manifest.network);
  const street = files.filter(({ manifest }) => manifest.name === "enet-street-float");
  const cases = [
    ...files.map((network) => wholeNetwork(network, networkSize(network.manifest, usual))),
    ...street.flatMap((network) => [encoder(network, usual), stage2(network, usual)]),
  ];
  console.log("\n| network | image | in | forward ms | gradient ms | ratio | ÷ Faultline's | relative L2 | median |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  const notes: string[] = [];
  for (const one of cases) await compare(one, installed, runs, (line) => notes.push(line));
  if (notes.length > 0) console.log(`\n${notes.map((note) => `* ${note}`).join("\n")}`);
};
