/**
 * What a draw of `faultline certify` costs beside a bare prediction of the same picture, in processor time, one thread, WebAssembly; and the
 * memory of a certificate by the number of draws: `npm run bench -- certify [NETWORK…]`.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { treeOf } from "../src/certify/hierarchy.ts";
import { beginSmoothing, certify, drawOnce, type Smoothing, type SmoothingState } from "../src/certify/smoothing.ts";
import { between, random } from "../src/random.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Image, type Labels } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { tensor } from "../src/tensor.ts";
import { fastest, timed } from "./fastest.ts";
import { networks } from "./networks.ts";

/** Of each task; of each the fastest run counts. */
const [RUNS, DRAWS] = [6, 4];

const smoothing: Smoothing = {
  sigma: 16,
  tau: 0.75,
  alpha: 0.001,
  selection: DRAWS,
  samples: 1000,
  correction: "holm",
  seed: 0,
};

const pictureOf = (height: number, width: number): Image => {
  const next = random(1);
  const data = Float32Array.from({ length: 3 * height * width }, () => between(next, 0, 255));
  return tensor("float32", [3, height, width], data);
};

const print = (row: readonly string[]): void => console.log(`| ${row.join(" | ")} |`);

const overheads = async (names: readonly string[]): Promise<void> => {
  const image = pictureOf(360, 480);
  print(["network", "prediction ms", "draw that selects", "draw that tests", "100 and 1000"]);
  print(Array.from({ length: 5 }, () => "---"));
  for (const network of networks().filter(({ manifest }) => names.includes(manifest.name))) {
    const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 31));
    const predict = async (noisy: Image): Promise<Labels> => (await segmenter.predict(noisy)).labels;
    const tree = treeOf(network.manifest.classes.length);
    const draw = async (from: SmoothingState): Promise<SmoothingState> => {
      let state = from;
      for (let i = 0; i < DRAWS; i++) state = await drawOnce(state, image, predict, smoothing, tree);
      return state;
    };
    const begun = beginSmoothing(tree.classes, image.shape);
    const selected = await draw(begun);
    const bare = timed(async () => {
      for (let i = 0; i < DRAWS; i++) await predict(image);
    });
    const [alone, ...drawn] = await fastest(RUNS, [bare, timed(() => draw(begun)), timed(() => draw(selected))]);
    const [selects, tests] = drawn.map((ms) => ms / alone! - 1) as [number, number];
    const shares = [selects, tests, (100 * selects + 1000 * tests) / 1100];
    print([network.manifest.name, (alone! / DRAWS).toFixed(1), ...shares.map((x) => `+${(x * 100).toFixed(1)} %`)]);
  }
};

/** With labels that are noise, so that little is decided early: the bytes that live after garbage collection, at the last of up to ten looks. */
const memory = async (): Promise<void> => {
  const { gc } = globalThis;
  if (!gc) return console.log("\nmemory: run with NODE_OPTIONS=--expose-gc");
  const image = pictureOf(60, 80);
  const next = random(2);
  const predict = async (): Promise<Labels> =>
    tensor(
      "uint8",
      [60, 80],
      Uint8Array.from({ length: 4800 }, () => (next() < 0.8 ? 0 : 1)),
    );
  print(["draws", "live MiB"]);
  print(["---", "---"]);
  for (const samples of [100, 1000, 10_000]) {
    let live = 0;
    const onDraw = async ({ stage, drawn }: { readonly stage: string; readonly drawn: number }): Promise<void> => {
      if (stage !== "test" || drawn % (samples / 10) !== 0) return;
      // Buffers are given back in the background.
      for (let i = 0; i < 3; i++) {
        gc();
        await sleep(100);
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      live = heapUsed + arrayBuffers;
    };
    await certify(predict, image, 11, { ...smoothing, samples, tau: 0.795 }, { onDraw });
    print([String(samples), (live / 2 ** 20).toFixed(2)]);
  }
};

export const certifyBench = async (names: readonly string[] = []): Promise<void> => {
  const usual = ["enet-street", "enet-street-float", "deeplab-v2-vgg-float", "pspnet-resnet-float"];
  await overheads(names.length > 0 ? names : usual);
  console.log();
  await memory();
};
