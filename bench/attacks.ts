/**
 * What attacks cost, and which one to use at which budget: `npm run bench -- attacks overhead [BACKEND [HxW [ATTACK…]]]`, BACKEND `wasm` or `native`
 * (onnxruntime's, in this thread), `… attacks steps`, and `npm run bench -- attacks budgets [FIGURE.svg]`, which takes long and resumes where it stopped.
 */

import { readFileSync } from "node:fs";
import { attackEntry, attackNames, withDefaults, type AttackName } from "../src/attacks/catalogue.ts";
import { parseSize } from "../src/cli/sizes.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import { measure, type Subject } from "../src/evaluation/measure.ts";
import type { AttackPlan } from "../src/evaluation/plan.ts";
import type { Runtime } from "../src/runtime/session.ts";
import { startExactNative } from "../src/node/native-integers.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { openNetwork } from "../src/segmenter/network.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { attackSteps } from "./attack-steps.ts";
import { budgets } from "./budgets.ts";
import { timed } from "./fastest.ts";

const NETWORK = "enet-street";
const SIZE = "360x480";
const STEPS = 8;

/** A runtime that adds up the processor time of its sessions' runs. */
const watched = (runtime: Runtime): { readonly runtime: Runtime; readonly spent: () => number } => {
  let spent = 0;
  const createSession: Runtime["createSession"] = async (...given) => {
    const session = await runtime.createSession(...given);
    return {
      ...session,
      run: async (feeds) => {
        let outputs: Awaited<ReturnType<typeof session.run>> = {};
        spent += await timed(async () => {
          outputs = await session.run(feeds);
        })();
        return outputs;
      },
    };
  };
  return { runtime: { ...runtime, createSession }, spent: () => spent };
};

const planOf = (attack: AttackName): AttackPlan => {
  const { steps: limit } = attackEntry(attack).options;
  const steps = limit?.fixed ? 1 : STEPS;
  const { alpha = 1, ...options } = withDefaults(
    attack,
    { epsilon: 8 },
    { steps, ...(attackEntry(attack).options.bisections && { bisections: 1 }) },
  );
  return { ...options, attack, epsilon: 8, alpha, steps, pixelRange: "clip", seed: 0 };
};

/** @throws Error for names of attacks that are none. */
const attacksNamed = (names: readonly string[]): readonly AttackName[] => {
  const unknown = names.find((name) => !attackNames.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`there is no attack ${unknown}; there are ${attackNames.join(", ")}`);
  return names.length === 0 ? attackNames : attackNames.filter((name) => names.includes(name));
};

const overhead = async ([backend = "wasm", text = SIZE, ...names]: readonly string[]): Promise<void> => {
  const chosen = attacksNamed(names);
  const size = parseSize(text);
  const manifest = parseManifest(JSON.parse(readFileSync(`models/${NETWORK}/manifest.json`, "utf8")));
  const network = openNetwork(manifest, readFileSync(`models/${NETWORK}/${manifest.file}`));
  const { runtime, spent } = watched(backend === "native" ? await startExactNative({}) : startWasm());
  const segmenter = createSegmenter(network, new SessionCache(runtime, 2 ** 31));
  const { image } = renderStreet(3_000_000, size, rasterise);
  const subject: Subject = { segmenter, image, item: "street", clean: await segmenter.predict(image) };
  console.log(
    `${NETWORK} at ${size.width}×${size.height} on ${backend}, processor time: evaluations and predictions a second, of the attack and of its sessions`,
  );
  for (const attack of chosen) {
    const plan = planOf(attack);
    await measure(subject, plan); // Its sessions are made, and its code is compiled.
    const before = spent();
    let runs = 0;
    const whole = await timed(async () => {
      const { row } = await measure(subject, plan);
      runs = row.evaluations.forward;
    })();
    const bare = spent() - before;
    const rates = [whole, bare].map((ms) => ((1000 * runs) / ms).toFixed(2));
    console.log(`| \`${attack}\` | ${runs} | ${rates.join(" | ")} | ${(whole / bare).toFixed(3)} |`);
  }
};

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  overhead,
  steps: attackSteps,
  budgets,
};

export const attacksBench = async ([name = "", ...args]: readonly string[]): Promise<void> => {
  const bench = benches[name];
  if (bench) return bench(args);
  console.log(`npm run bench -- attacks NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
};
