/** The workers of an evaluation: threads of this process, or processes behind Redis. */

import { networksOf } from "../evaluation/settings.ts";
import type { Share } from "../jobs/memory.ts";
import type { Worker } from "../jobs/worker.ts";
import { sha256Of } from "../digest.ts";
import { readBytes } from "../node/files.ts";
import { startEvaluationWorker, type EvaluationWorker } from "../node/evaluation-worker.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import type { Located } from "../node/located.ts";
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
  send: {
    type: "string",
    value: "NET",
    multiple: true,
    help: "with --redis: send this network's file to the workers, which then need none of their own",
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

export interface RedisEngagement {
  /** Parcels on their way at a time. */
  readonly window: string | undefined;
  /** Operands of networks whose files are sent. */
  readonly send: readonly string[] | undefined;
  readonly at: RunPlace;
  readonly io: Io;
}

/** The network of an operand, which has its weights in its file. @throws UsageError, Refusal */
const sentNetwork = async (
  { spec, located }: Pick<Prepared, "spec" | "located">,
  operand: string,
): Promise<Located> => {
  const found = located[networksOf(spec).indexOf(operand)];
  if (!found) throw new UsageError(`--send ${operand}: is none of the networks: ${networksOf(spec).join(", ")}`);
  if ((await sha256Of(await readBytes(found.path))) === found.manifest.sha256) return found;
  throw new Refusal(
    `--send ${operand}: its weights lie in files beside ${found.path}, and it is sent as one file; faultline import makes one of them`,
  );
};

/** @throws Refusal where there is no server; UsageError for what is sent and is no network. */
export const engageRedis = async (
  url: string,
  { spec, located, data, plan }: Prepared,
  { window = WINDOW, send = [], at, io }: RedisEngagement,
): Promise<Engaged> => {
  const sent: Located[] = [];
  for (const operand of send) sent.push(await sentNetwork({ spec, located }, operand));
  const { redisWorkers } = await withRedis(() => import("../node/redis-workers.ts"));
  const { workers, connected, end } = await redisWorkers({
    url,
    run: {
      ...sharedOf({ spec, data, plan }, at),
      networks: networksOf(spec).map((operand, i) => {
        const network = { operand, manifest: located[i]!.manifest };
        return send.includes(operand) ? { ...network, isSent: true } : network;
      }),
    },
    files: new Map(sent.map(({ manifest, path }) => [manifest.sha256, path])),
    items: data.items,
    window: wholeNumber("workers", window, 1, 4096),
  });
  if ((await connected()) === 0)
    io.stderr("no worker is connected yet; start some with faultline worker --redis, of the same version\n");
  return { workers, parcelEvaluations: PARCEL_EVALUATIONS, end };
};
