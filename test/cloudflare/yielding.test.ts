/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** A parcel under way in workerd, beside which the isolate goes on with everything else. */

import { applyD1Migrations, env as bindings, type D1Migration } from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import loopsModule from "../../simd/loops.wasm";
import type { Networks } from "../../src/cloudflare/networks.ts";
import type { Image, Segmenter } from "../../src/segmenter/segmenter.ts";
import { useLoops } from "../../src/simd/loops.ts";
import { tensor } from "../../src/tensor.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import type { Bindings } from "./engine.ts";
import { planned } from "./planned.ts";

const env = bindings as unknown as Bindings & { readonly MIGRATIONS: D1Migration[] };
beforeAll(async () => {
  useLoops(loopsModule);
  await applyD1Migrations(env.LEDGER, env.MIGRATIONS);
});

const { manifest } = tinyFile({ classes: 11 }, { name: "mine" });
const STEPS = 200;

/** A network whose runs are done at once, as those in WebAssembly are: they are never waited for. */
const blocking = (onRun: () => void): Segmenter => {
  const labels = tensor("uint8", [16, 16], new Uint8Array(256));
  const own = (): Segmenter => segmenter;
  const evaluate = async ({ shape }: Image) => {
    onRun();
    return { gradient: tensor("float32", shape, new Float32Array(768).fill(1)), value: 1, loss: 1, labels };
  };
  const segmenter: Segmenter = {
    manifest,
    runs: { backend: "wasm", version: "0" },
    crf: null,
    defence: null,
    predict: async () => {
      onRun();
      return { labels, confidence: tensor("float32", [16, 16], new Float32Array(256).fill(1)) };
    },
    objective: () => evaluate,
    value: () => evaluate,
    onDevice: () => null,
    readShare: () => 1,
    attackFootprints: () => [],
    forwardFootprint: () => ({}) as never,
    withCrf: own,
    withTransform: own,
    withScales: own,
  };
  return segmenter;
};

const image = tensor("float32", [3, 16, 16], new Float32Array(768).fill(100));
const draw = () => Promise.resolve({ image, labels: tensor("uint8", [16, 16], new Uint8Array(256)) });

it("takes in what waits before each run of the network, and answers from the ledger before the attack has ended", async () => {
  let ticks = 0;
  const ticksAtRuns: number[] = [];
  let answer: { readonly state: string; readonly atRun: number } | undefined;
  const onRun = (): void => {
    ticksAtRuns.push(ticks);
    // The first run of the attack: the one before it is of the clean picture, in a group of its own.
    if (ticksAtRuns.length === 2) void ask();
  };
  const networks = {
    requireSame: () => Promise.resolve(),
    segmenterOf: () => Promise.resolve(blocking(onRun)),
  } as unknown as Networks;
  const attack = { attack: "pgd", steps: STEPS };
  const steps = { attack, times: { forward: 1, backward: 1 } };
  const work = { id: "long", manifest, networks, cache: null as never, draw };
  const { ledger, deliver, parcels } = await planned(env, { ...work, ...steps });
  /** What a request for the evaluation reads. */
  const ask = async (): Promise<void> => {
    const { state } = (await ledger.find("long"))!;
    await ledger.progress("long");
    answer = { state, atRun: ticksAtRuns.length };
  };
  const timer = setInterval(() => (ticks += 1), 0);
  expect([parcels, await deliver(0)]).toEqual([2, true]);
  clearInterval(timer);
  expect(await ledger.progress("long")).toMatchObject({ units: 2, failed: 0 });
  expect(ticksAtRuns).toHaveLength(1 + STEPS + 1);
  expect(answer?.state).toBe("running");
  expect(answer?.atRun).toBeLessThan(STEPS);
  expect(ticksAtRuns.filter((at, i) => i > 0 && at === ticksAtRuns[i - 1])).toEqual([]);
});
