/** The workers of an evaluation: threads of this process, or processes behind Redis. */

import { networksOf } from "../evaluation/settings.ts";
import type { Share } from "../jobs/memory.ts";
import type { Worker } from "../jobs/worker.ts";
import { startEvaluationWorker, type EvaluationWorker } from "../node/evaluation-worker.ts";
import { Refusal } from "../node/failure.ts";
import { version } from "../node/package.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import type { Backend } from "../runtime/session.ts";
import type { Io } from "./command.ts";
import type { Prepared } from "./evaluate-prepare.ts";

export const redisFlag = {
  redis: {
    type: "string",
    value: "URL",
    help: "have the units carried out by faultline worker, on any machines: redis://HOST:PORT",
  },
} as const satisfies Options;

export interface Engaged {
  readonly workers: readonly Worker[];
  /** Groups that one worker takes together have at most so many evaluations of the network; 0: each is taken alone. */
  readonly parcelEvaluations: number;
  readonly end: () => Promise<void>;
}

/** About a minute or two at half a second each: what a machine that dies loses, and how long the last parcels may take. */
const PARCEL_EVALUATIONS = 200;

/** On a GPU, which carries out the groups of a parcel together: sixteen attacks of a hundred steps. */
const GPU_PARCEL_EVALUATIONS = 3200;

/** Parcels on their way at a time; enough for as many worker threads. */
const WINDOW = "64";

/** Where each worker runs its networks, and on how many threads each run. */
export interface RunPlace {
  readonly backend: Backend;
  readonly threads: number;
}

/** What all workers are told, but for the networks. */
const sharedOf = ({ spec, data, plan }: Pick<Prepared, "spec" | "data" | "plan">, at: RunPlace) => ({
  settings: plan.settings,
  seed: spec.seed,
  small: spec.small,
  version,
  ...at,
  roots: data.roots,
  reading: data.reading,
  streetSize: data.streetSize,
});

/** BullMQ and its client are optional. @throws Refusal that says how to get them. */
export const withRedis = async <T>(load: () => Promise<T>): Promise<T> => {
  try {
    return await load();
  } catch (cause) {
    throw new Refusal("--redis needs the packages bullmq and ioredis (npm install bullmq ioredis)", { cause });
  }
};

export interface Threads extends Engaged {
  readonly workers: readonly EvaluationWorker[];
}

/** One thread each, which starts with its first group. */
export const engageThreads = (
  { spec, located, data, plan }: Prepared,
  { workers: count, budgetBytes }: Share,
  at: RunPlace,
): Threads => {
  const shared = sharedOf({ spec, data, plan }, at);
  const workers = Array.from({ length: count }, () =>
    startEvaluationWorker({ ...shared, networks: located, items: data.items, budgetBytes }),
  );
  return {
    workers,
    parcelEvaluations: at.backend === "webgpu" ? GPU_PARCEL_EVALUATIONS : 0,
    end: async () => void (await Promise.all(workers.map((worker) => worker.end()))),
  };
};

/** @param window parcels on their way at a time. @throws Refusal where there is no server. */
export const engageRedis = async (
  url: string,
  { spec, located, data, plan }: Prepared,
  { window = WINDOW, at, io }: { readonly window: string | undefined; readonly at: RunPlace; readonly io: Io },
): Promise<Engaged> => {
  const { redisWorkers } = await withRedis(() => import("../node/redis-workers.ts"));
  const { workers, connected, end } = await redisWorkers({
    url,
    run: {
      ...sharedOf({ spec, data, plan }, at),
      networks: networksOf(spec).map((operand, i) => ({ operand, manifest: located[i]!.manifest })),
    },
    items: data.items,
    window: wholeNumber("workers", window, 1, 4096),
  });
  if ((await connected()) === 0)
    io.stderr("no worker is connected yet; start some with faultline worker --redis, of the same version\n");
  return { workers, parcelEvaluations: PARCEL_EVALUATIONS, end };
};
