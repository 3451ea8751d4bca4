/** Entry of a thread of an evaluation: networks, pictures and sessions of its own, one group after another. */

import { parentPort, workerData } from "node:worker_threads";
import { readItem, type Item } from "../evaluation/items.ts";
import { settingOpener, settle } from "../evaluation/settings.ts";
import { useNodeCodecs } from "../image/node.ts";
import { createPerformer } from "../jobs/perform.ts";
import { timeSteps, type StepTimes } from "../jobs/step-times.ts";
import { reasonOf } from "../reason.ts";
import { channelCount } from "../segmenter/manifest.ts";
import { createSegmenter, type Segmenter } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import type { EvaluationData, FromThread, ToThread } from "./evaluation-messages.ts";
import { itemSource } from "./evaluation-items.ts";
import { deltaReader } from "./delta-file.ts";
import { openLocated } from "./located.ts";
import { runtimeFor } from "./runtime-for.ts";

const port = parentPort!;
const post = (message: FromThread): void => port.postMessage(message);
const data = workerData as EvaluationData;

/** Steps are reported together, at most so often. */
const REPORT_MS = 200;

/** Networks that stay open: a source and a target; more come and go. */
const OPEN_NETWORKS = 3;

const openNetworks = async () => {
  const { runtime } = await runtimeFor(data.backend, { threads: data.threads });
  const cache = new SessionCache(runtime, data.budgetBytes);
  const opened = settingOpener(
    (place) => openLocated(data.networks[place]!),
    (network) => createSegmenter(network, cache),
    OPEN_NETWORKS,
  );
  const segmenterOf = async (place: number, seed: number): Promise<Segmenter> => {
    const setting = data.settings[place]!;
    return settle(await opened(setting), setting, seed);
  };
  return { segmenterOf, gather: cache.gather };
};

const immediate = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const start = async () => {
  useNodeCodecs();
  const { segmenterOf, gather } = await openNetworks();
  const source = itemSource(data.roots, data.reading, data.streetSize);
  const { input } = data.networks[0]!.manifest;
  const readOne = (item: Item) => readItem(item, source, channelCount(input.channels));
  /** Of the group that is carried out. */
  let current: Item;
  const perform = createPerformer({
    ...data,
    segmenterOf,
    gather,
    read: () => readOne(current),
    readDelta: deltaReader(),
    nameOf: () => current.name,
  });

  let abort = new AbortController();
  let [steps, reported] = [0, 0];
  const onStep = async (): Promise<void> => {
    steps += 1;
    if (performance.now() - reported > REPORT_MS) {
      post({ kind: "steps", steps });
      [steps, reported] = [0, performance.now()];
    }
    await immediate(); // A run blocks the thread; without this no message would arrive.
  };

  const time = async (setting: number, item: Item): Promise<StepTimes> => {
    const segmenter = await segmenterOf(setting, data.seed);
    const { image } = await readOne(item);
    return timeSteps(segmenter, image, { runs: 3, now: () => performance.now() });
  };

  const answer = async (message: Exclude<ToThread, { kind: "stop" }>): Promise<void> => {
    abort = new AbortController();
    [steps, reported] = [0, performance.now()];
    const { signal } = abort;
    try {
      if (message.kind === "time") return post({ kind: "timed", times: await time(message.setting, message.item) });
      current = message.item;
      const outcomes = await perform(message.groups, { signal, onStep });
      return post({ kind: "done", outcomes, last: outcomes.some((outcome) => "crashed" in outcome) });
    } catch (cause) {
      return post(signal.aborted ? { kind: "stopped" } : { kind: "failed", error: reasonOf(cause) });
    }
  };
  port.on("message", (message: ToThread) => {
    if (message.kind === "stop") abort.abort(new Error("stopped"));
    else void answer(message);
  });
};

try {
  await start();
  post({ kind: "ready" });
} catch (cause) {
  post({ kind: "failed", error: reasonOf(cause) });
}
