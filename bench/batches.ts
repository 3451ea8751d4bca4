/**
 * Batches: a gradient of each image in a batch of N against one alone, and an evaluation in lock step against one after another, in
 * processor time, interleaved: `npm run bench -- batches [NETWORK]`.
 */

import { settingsOf, settle } from "../src/evaluation/settings.ts";
import { parseSpec } from "../src/evaluation/spec.ts";
import { planUnits } from "../src/evaluation/plan-units.ts";
import { createPerformer } from "../src/jobs/perform.ts";
import { startExactNative } from "../src/node/native-integers.ts";
import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { writeModel } from "../src/onnx/write.ts";
import type { Runtime } from "../src/runtime/session.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { compileGradient } from "../src/segmenter/compile.ts";
import type { Network } from "../src/segmenter/network.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { networkSize } from "../src/segmenter/size.ts";
import { tensor, type Size } from "../src/tensor.ts";
import { fastest, timed } from "./fastest.ts";
import { street, usual } from "./feeds.ts";
import { networks } from "./networks.ts";

const sizes: readonly (readonly [Size, number])[] = [
  [{ height: 48, width: 64 }, 8],
  [{ height: 96, width: 128 }, 8],
  [{ height: 192, width: 256 }, 2],
  [usual, 4],
];

const gradients = async (network: Network, runtime: Runtime, wanted: Size, batch: number): Promise<string> => {
  const size = networkSize(network.manifest, wanted);
  const { data } = await street(size);
  const runs = [];
  for (const n of [1, batch]) {
    const options = { target: runtime.backend, batch: n };
    const { model } = compileGradient(network, size, crossEntropyObjective(false), options);
    const session = await runtime.createSession(writeModel(model));
    const images = new Float32Array(n * data.length);
    for (let i = 0; i < n; i++) images.set(data, i * data.length);
    const feeds = {
      image: tensor("float32", [n, 3, size.height, size.width], images),
      target: tensor("int32", [n, size.height, size.width], new Int32Array(n * size.height * size.width)),
    };
    runs.push({ session, run: timed(() => session.run(feeds)) });
  }
  const [one = 0, all = 0] = await fastest(
    6,
    runs.map(({ run }) => run),
  );
  for (const { session } of runs) await session.release();
  const each = all / batch;
  return `| ${network.manifest.name} | ${runtime.backend} | ${size.height}×${size.width} | ${batch} | ${one.toFixed(1)} | ${each.toFixed(1)} | ${(each / one).toFixed(2)} |`;
};

const ITEMS = 12;

/** Processor milliseconds of an evaluation of twelve pictures, the sessions' start included. */
const evaluations = async (network: Network, runtime: Runtime, size: Size): Promise<string> => {
  const spec = parseSpec({ networks: ["a"], attacks: ["ifgsm", "pgd"], epsilon: [1, 2, 4, 8] });
  const { groups } = await planUnits(
    spec,
    [network.manifest],
    Array.from({ length: ITEMS }, (_, i) => `${i}`),
  );
  const image = await street(size);
  const truth = tensor("uint8", [size.height, size.width], new Uint8Array(size.height * size.width));
  const run = async (together: boolean): Promise<number> => {
    const cache = new SessionCache(runtime, 2 ** 30);
    const segmenter = createSegmenter(network, cache);
    const perform = createPerformer({
      segmenterOf: (setting, seed) => Promise.resolve(settle(segmenter, settingsOf(spec).all[setting]!, seed)),
      read: () => Promise.resolve({ image, truth }),
      nameOf: (item) => `${item}`,
      seed: 0,
      small: spec.small,
      version: "bench",
      gather: together ? cache.gather : undefined,
    });
    return timed(async () => {
      for (let item = 0; item < ITEMS; item++) await perform(groups.filter((group) => group.item === item));
    })();
  };
  const [one, all] = [await run(false), await run(true)];
  return `| ${network.manifest.name} | ${runtime.backend} | ${size.height}×${size.width} | ${one.toFixed(0)} | ${all.toFixed(0)} | ${(all / one).toFixed(2)} |`;
};

export const batchesBench = async ([name = "enet-street"]: readonly string[]): Promise<void> => {
  const network = networks().find(({ manifest }) => manifest.name === name);
  if (!network) throw new RangeError(`no network ${name}`);
  const runtimes = [startWasm(), await startExactNative({})];
  console.log(
    "| network | backend | size | N | one alone, ms | each of N, ms | ratio |\n|---|---|---|---|---|---|---|",
  );
  for (const [size, batch] of sizes)
    for (const runtime of runtimes) console.log(await gradients(network, runtime, size, batch));
  console.log(
    `\n${ITEMS} pictures × 8 attacks (ifgsm, pgd, ε = 1, 2, 4, 8)\n\n| network | backend | size | one after another, ms | in lock step, ms | ratio |\n|---|---|---|---|---|---|`,
  );
  for (const [size] of sizes.slice(0, 2))
    for (const runtime of runtimes) console.log(await evaluations(network, runtime, size));
};
