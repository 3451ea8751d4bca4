/** The engine, which runs networks and attacks in a Web Worker, so that the page stays responsive. */

import { meanOf } from "../evaluation/labels.ts";
import { measure, type Measured } from "../evaluation/measure.ts";
import { evaluatedBy } from "../evaluation/plan.ts";
import { attackScores, perturbationFrom } from "../evaluation/scores.ts";
import { scoresOf } from "../metrics/counts.ts";
import { changedShare } from "../metrics/distances.ts";
import { isGradient } from "../networks/least-bytes.ts";
import { leastLikelyObjective } from "../objectives/least-likely.ts";
import { channelCount, parseManifest } from "../segmenter/manifest.ts";
import { gradientFaults } from "../segmenter/compile.ts";
import { openNetwork } from "../segmenter/network.ts";
import type { Runtime } from "../runtime/session.ts";
import {
  createSegmenter,
  type Evaluate,
  type Image,
  type Prediction,
  type SegmentationValue,
  type Segmenter,
} from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { budgetBytes, chooseFor, start } from "./backend.ts";
import { failureOf, requireGradient, requireMemory } from "./engine-failure.ts";
import { fetched } from "./fetched.ts";
import type { Attacked, Call, Calls, NetworkEntry, Reply, Request, Stage, Stepped } from "./messages.ts";

interface Report {
  readonly stage: (stage: Stage) => void;
  readonly step: (step: Stepped) => void;
  readonly signal: AbortSignal;
}

interface Open {
  readonly segmenter: Segmenter;
  readonly cache: SessionCache;
  /** The operators without a gradient. */
  readonly refused: readonly string[];
}

let open: Open | undefined;
/** The session cache of each backend, as the networks share its memory. */
const caches = new Map<Runtime, SessionCache>();
/** The last image and its prediction, which attacks reuse. */
let seen: { readonly image: Image; readonly prediction: Prediction } | undefined;

const download = async ({ name, manifest, file }: NetworkEntry) => {
  const [told, bytes] = await Promise.all([
    fetched(`the manifest of ${name}`, manifest).then((response) => response.json() as Promise<unknown>),
    fetched(name, file).then((response) => response.arrayBuffer()),
  ]);
  return openNetwork(parseManifest(told), new Uint8Array(bytes));
};

const cacheOf = (runtime: Runtime): SessionCache => {
  const cache = caches.get(runtime) ?? new SessionCache(runtime, budgetBytes());
  caches.set(runtime, cache);
  return cache;
};

const opened = (): Open => {
  if (!open) throw new Error("no network is open");
  return open;
};

type Handlers = { readonly [C in Call]: (given: Calls[C]["given"], report: Report) => Promise<Calls[C]["answer"]> };

const handlers: Handlers = {
  open: async ({ network: entry, wanted }, { stage }) => {
    stage("network");
    const network = await download(entry);
    const choice = await chooseFor(network, wanted);
    stage("runtime");
    const { runtime, threads } = await start(choice.backend);
    const cache = cacheOf(runtime);
    open = { segmenter: createSegmenter(network, cache), cache, refused: gradientFaults(network) };
    seen = undefined;
    const channels = channelCount(network.manifest.input.channels);
    return { classes: network.manifest.classes, channels, choice, threads, version: runtime.version };
  },

  predict: async ({ image }, { stage }) => {
    const { segmenter, cache, refused } = opened();
    stage("prediction");
    // An image that is too large to be attacked is refused here; the page then shrinks it.
    requireMemory(cache, segmenter, image, refused.length > 0 ? [] : [leastLikelyObjective()]);
    const prediction = await segmenter.predict(image);
    seen = { image, prediction };
    return { labels: prediction.labels, confidence: meanOf(prediction.confidence.data) };
  },

  attack: async ({ image, plan }, { stage, step, signal }) => {
    const { segmenter, cache, refused } = opened();
    const evaluated = evaluatedBy([plan.attack]);
    if (evaluated.some(isGradient)) requireGradient(refused);
    stage("gradient");
    await turn(); // sends the message before the graph is built
    requireMemory(cache, segmenter, image, evaluated);
    const start = performance.now();
    let reached: Stepped["reached"] = null;
    const watching =
      <E extends SegmentationValue>(evaluate: Evaluate<E>): Evaluate<E> =>
      async (at, ...rest) => {
        const evaluation = await evaluate(at, ...rest);
        reached = { image: at, labels: evaluation.labels };
        return evaluation;
      };
    const watched: Segmenter = {
      ...segmenter,
      objective: (aim) => watching(segmenter.objective(aim)),
      value: (aim) => watching(segmenter.value(aim)),
      predict: (at) => {
        reached = null;
        return segmenter.predict(at);
      },
    };
    const clean = seen && sameImage(seen.image, image) ? seen.prediction : undefined;
    const attacked = await measure(
      { segmenter: watched, image, item: "picture", clean },
      { ...plan, pixelRange: "clip" },
      {
        signal,
        onStep: async (report) => {
          step({ report, reached });
          await turn(); // receives "cancel"
        },
      },
    );
    const milliseconds = performance.now() - start;
    return { ...scored(segmenter, image, attacked), milliseconds };
  },
};

const scored = (
  { manifest }: Segmenter,
  clean: Image,
  { row, clean: before, uint8, float }: Measured,
): Omit<Attacked, "milliseconds"> => {
  const names = manifest.classes.map(({ name }) => name);
  return {
    ...uint8,
    unrounded: float.image,
    scores: attackScores(scoresOf(row.counts.clean), scoresOf(row.counts.uint8), names),
    perturbation: perturbationFrom(clean)(uint8.image),
    changedPixelShare: changedShare(before.labels, uint8.labels) ?? 0,
    zeroGradientShare: row.masking.zeroGradientShare,
  };
};

const sameImage = (a: Image, b: Image): boolean =>
  a.shape.join() === b.shape.join() && a.data.every((value, i) => value === b.data[i]);

/** Waits for the next task: messages are received between tasks, not between microtasks. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));

const reply = (message: Reply): void => self.postMessage(message, { transfer: [] });

let running = new AbortController();

const answer = async <C extends Call>(id: number, call: C, given: Calls[C]["given"]): Promise<void> => {
  running = new AbortController();
  const { signal } = running;
  try {
    const report: Report = {
      stage: (stage) => reply({ id, kind: "stage", stage }),
      step: (step) => reply({ id, kind: "step", step }),
      signal,
    };
    reply({ id, kind: "answer", answer: await handlers[call](given, report) });
  } catch (cause) {
    reply({ id, kind: "failure", failure: failureOf(cause, signal) });
  }
};

/** One call at a time: the page awaits each before the next. */
self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.call === "cancel") running.abort();
  else void answer(data.id, data.call, data.given);
});
