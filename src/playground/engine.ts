/** The engine, which runs networks and attacks in a Web Worker, so that the page stays responsive. */

import { meanOf } from "../evaluation/labels.ts";
import { sameImage } from "../evaluation/measure.ts";
import { evaluatedBy } from "../evaluation/plan.ts";
import { settle } from "../evaluation/settings.ts";
import { isGradient } from "../networks/least-bytes.ts";
import { leastLikelyObjective } from "../objectives/least-likely.ts";
import { channelCount, parseManifest } from "../segmenter/manifest.ts";
import { gradientFaults } from "../segmenter/compile.ts";
import { openNetwork } from "../segmenter/network.ts";
import type { Runtime } from "../runtime/session.ts";
import { readingNotes } from "../segmenter/reads.ts";
import { createSegmenter, type Image, type Prediction, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { settingsOf } from "./around.ts";
import { attackFor } from "./attacking.ts";
import { budgetBytes, chooseFor, start } from "./backend.ts";
import { describe } from "./describing.ts";
import { failureOf, requireGradient, requireMemory } from "./engine-failure.ts";
import { fetched, loadedFiles } from "./fetched.ts";
import type { Call, Calls, Loaded, NetworkEntry, Reply, Request, Stage, Stepped } from "./messages.ts";

interface Report {
  readonly stage: (stage: Stage) => void;
  readonly loaded: (loaded: Loaded) => void;
  readonly step: (step: Stepped) => void;
  readonly signal: AbortSignal;
}

interface Segmenters {
  readonly scored: Segmenter;
  /** What attacks climb: the same one, unless they climb through other scales. */
  readonly climbed: Segmenter;
}

interface Open {
  /** The network with what is around it, which draws from the seed. */
  readonly segmenters: (seed: number) => Segmenters;
  readonly cache: SessionCache;
  /** The operators without a gradient. */
  readonly refused: readonly string[];
}

let open: Open | undefined;
/** The session cache of each backend, as the networks share its memory. */
const caches = new Map<Runtime, SessionCache>();
/** The last image and its prediction, which attacks reuse. */
let seen: { readonly image: Image; readonly seed: number; readonly prediction: Prediction } | undefined;

/** Reports how much of a file has arrived. */
const loading =
  ({ loaded }: Report, what: string) =>
  (bytes: number, total: number | null) =>
    loaded({ what, bytes, total });

const download = async ({ name, manifest, file, bytes: size }: NetworkEntry, report: Report) => {
  const [told, bytes] = await Promise.all([
    fetched(`the manifest of ${name}`, manifest).then((response) => response.json() as Promise<unknown>),
    fetched(name, file, loading(report, name), size).then((response) => response.arrayBuffer()),
  ]);
  return openNetwork(parseManifest(told), new Uint8Array(bytes));
};

const cacheOf = (runtime: Runtime): SessionCache => {
  const cache = caches.get(runtime) ?? new SessionCache(runtime, budgetBytes());
  caches.set(runtime, cache);
  return cache;
};

const settled = (bare: Segmenter, { scored, climbed }: ReturnType<typeof settingsOf>, seed: number): Segmenters => {
  const segmenter = settle(bare, scored, seed);
  return { scored: segmenter, climbed: climbed === scored ? segmenter : settle(bare, climbed, seed) };
};

const opened = (): Open => {
  if (!open) throw new Error("no network is open");
  return open;
};

type Handlers = { readonly [C in Call]: (given: Calls[C]["given"], report: Report) => Promise<Calls[C]["answer"]> };

const handlers: Handlers = {
  open: async ({ network: entry, wanted, around }, report) => {
    report.stage("network");
    const network = await download(entry, report);
    const settings = settingsOf(around);
    const choice = await chooseFor(network, Object.values(settings), wanted);
    report.stage("runtime");
    const { runtime, threads } = await start(choice.backend, loading(report, "onnxruntime"));
    const cache = cacheOf(runtime);
    const refused = gradientFaults(network);
    const bare = createSegmenter(network, cache);
    open = { segmenters: (seed) => settled(bare, settings, seed), cache, refused };
    seen = undefined;
    const channels = channelCount(network.manifest.input.channels);
    const { classes } = network.manifest;
    return { classes, channels, choice, threads, version: runtime.version, refused };
  },

  describe: async (brought, report) => {
    report.stage("runtime");
    const { runtime } = await start("wasm", loading(report, "onnxruntime"));
    report.stage("describing");
    await turn();
    return describe(brought, cacheOf(runtime));
  },

  predict: async ({ image, seed }, { stage }) => {
    const { cache, refused, ...own } = opened();
    const { scored, climbed } = own.segmenters(seed);
    stage("prediction");
    // An image that is too large to be attacked is refused here; the page then shrinks it.
    requireMemory(cache, climbed, image, refused.length > 0 ? [] : [leastLikelyObjective()]);
    const prediction = await scored.predict(image);
    seen = { image, seed, prediction };
    const { data } = prediction.confidence;
    const told = { notes: readingNotes([scored], image), files: loadedFiles() };
    return { labels: prediction.labels, confidences: data, confidence: meanOf(data), ...told };
  },

  attack: async ({ image, plan, truth }, { stage, step, signal }) => {
    const { cache, refused, ...own } = opened();
    const { scored, climbed } = own.segmenters(plan.seed);
    const evaluated = evaluatedBy([plan.attack], plan.goal !== undefined);
    if (evaluated.some(isGradient)) requireGradient(refused);
    stage("gradient");
    await turn(); // sends the message before the graph is built
    requireMemory(cache, climbed, image, evaluated);
    const begin = performance.now();
    const clean = seen?.seed === plan.seed && sameImage(seen.image, image) ? seen.prediction : undefined;
    const onStep = async (report: Stepped["report"], reached: Stepped["reached"]): Promise<void> => {
      step({ report, reached });
      await turn(); // receives "cancel"
    };
    const attacked = await attackFor({ scored, climbed, image, truth, clean, plan }, { signal, onStep });
    const milliseconds = performance.now() - begin;
    const { confidence } = await scored.predict(attacked.image);
    return { ...attacked, milliseconds, confidences: confidence.data };
  },
};

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
      loaded: (loaded) => reply({ id, kind: "loaded", loaded }),
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
