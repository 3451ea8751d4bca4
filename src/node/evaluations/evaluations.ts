/** The evaluations of a service under Node: planned and carried out by the command line, one after another, kept in a folder. */

import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { isOver, type EvaluationInfo, type EvaluationRequest, type Evaluations } from "../../contract/evaluations.ts";
import { FaultlineError } from "../../contract/failure.ts";
import type { RanOn } from "../../contract/options.ts";
import { specText } from "../../evaluation/spec.ts";
import { orAbort } from "../bell.ts";
import { isInBucket } from "../s3-settings.ts";
import { orUndo } from "../undo.ts";
import { uploadedNetworks } from "../uploaded.ts";
import { bucketEvaluations } from "./bucket-store.ts";
import { folderEvaluations } from "./folder-store.ts";
import { createJob, type Job } from "./job.ts";
import type { LeaseOptions } from "./lease.ts";
import { createNames } from "./names.ts";
import { createPlanning, type PlanRun } from "./planning.ts";
import type { EvaluationStore } from "./store.ts";
import { toldReason } from "./told.ts";
import type { Places } from "./workplace.ts";

export interface EvaluationsOptions extends Places {
  /** Where evaluations are kept: a folder, or an address in a bucket. */
  readonly place: string;
  /** Of threads or, on Redis, of parcels on their way. */
  readonly workers?: number | undefined;
  /** In MiB, of all threads. */
  readonly memory?: number | undefined;
  readonly redis?: string | undefined;
  /** Where networks run; WASM where it is absent. */
  readonly backend?: RanOn | undefined;
  /** Of a run on native. */
  readonly threads?: number | undefined;
  /** The most that a run may be predicted to take, and may take. */
  readonly maxCpuHours: number;
  /** Evaluations that are kept; default 256. */
  readonly most?: number | undefined;
  /** Is given what requesters are not told; default console.error. */
  readonly log?: ((text: string) => void) | undefined;
  /** Of an address in a bucket, which no other service may have. */
  readonly lease?: LeaseOptions | undefined;
}

const storeAt = ({ place, lease, ...places }: EvaluationsOptions): Promise<EvaluationStore> =>
  isInBucket(place)
    ? bucketEvaluations(place, places, lease ?? { onLost: () => undefined })
    : folderEvaluations(place, places);

export const startEvaluations = async (
  options: EvaluationsOptions,
): Promise<{ readonly evaluations: Evaluations; readonly end: () => Promise<void> }> => {
  const { models, uploads, data, redis, workers, memory, backend, threads, maxCpuHours } = options;
  const { most = 256, log = console.error } = options;
  const places: Places = { models, uploads, data };
  const toldOfUpload = (reason: string): string => toldReason(reason, { data: null }, "it cannot be read", log);
  // An address that is none is refused before anything has to be given back.
  const networks = uploads === undefined ? null : uploadedNetworks(uploads, toldOfUpload);
  const names = createNames(places, networks);
  const store = await storeAt(options);
  const flag = (name: string, value: number | string | undefined) => (value === undefined ? [] : [name, `${value}`]);
  const on = [...flag("--backend", backend), ...flag("--threads", backend === "native" ? threads : undefined)];
  const own = [...flag("--workers", workers), ...flag("--memory", memory), ...on];
  const folders = [options.place, models, uploads, data].flatMap((at) => (at && !isInBucket(at) ? [resolve(at)] : []));
  const jobOptions = {
    flags: redis === undefined ? own : [...flag("--redis", redis), ...flag("--workers", workers), ...on],
    isRemote: redis !== undefined,
    told: (reason: string, rows?: string) =>
      toldReason(reason, { data, rows, folders }, "its data cannot be read, or its results cannot be kept", log),
    log,
  };
  const jobs = new Map<string, Job>();
  let ending = false;
  let turn: Promise<void> = Promise.resolve();
  const queue = (job: Job): void => {
    turn = turn.then(() => (ending ? undefined : job.carryOut()));
  };
  const records = (await orUndo(store.records(), store.end)).toSorted((a, b) => (a.created < b.created ? -1 : 1));
  for (const record of records) {
    // What ran when the service ended goes on.
    const state = record.state === "running" ? "queued" : record.state;
    const job = createJob({ ...record, state }, store.at(record.id), jobOptions);
    jobs.set(record.id, job);
    if (state === "queued") queue(job);
  }

  const found = (id: string): Job => {
    const job = jobs.get(id);
    if (job) return job;
    throw new FaultlineError({ kind: "unknown-evaluation", id });
  };

  const planning = createPlanning({ scratch: store.scratch, places, networks, flags: own, log });
  const predict: Evaluations["predict"] = async ({ spec }, { signal = new AbortController().signal } = {}) =>
    planning.predict(await names.find(spec), { signal });

  const create = async (request: EvaluationRequest, signal = new AbortController().signal): Promise<EvaluationInfo> => {
    if (jobs.size >= most) throw new FaultlineError({ kind: "evaluations-full", most });
    const { spec, idempotencyKey } = request;
    const cap = Math.min(request.maxCpuHours ?? maxCpuHours, maxCpuHours);
    const id = randomUUID();
    const keep: PlanRun["keep"] = async (plan, uploaded) => {
      const kept = store.at(id);
      const fresh = { id, created: new Date().toISOString(), spec, ...plan, maxCpuHours: cap, idempotencyKey };
      const record = { ...fresh, state: "queued", spentCpuHours: 0, done: 0, failed: 0 } as const;
      // Networks of what is not kept are large, and nobody else removes them before the next start.
      await orUndo(kept.create(record, uploaded), kept.remove);
      const job = createJob(record, kept, jobOptions);
      jobs.set(id, job);
      queue(job);
    };
    await planning.predict(await names.find(spec), { signal, cap, keep });
    return found(id).info();
  };
  /** Of keys whose first request is being planned. */
  const pending = new Map<string, Promise<unknown>>();
  const submit: Evaluations["submit"] = async (request, { signal } = {}) => {
    const { idempotencyKey: key } = request;
    if (key === undefined) return { isNew: true, evaluation: await create(request, signal) };
    await pending.get(key);
    const known = [...jobs.values()].map((job) => job.record()).find(({ idempotencyKey }) => idempotencyKey === key);
    if (known) {
      const isOther = specText(known.spec) !== specText(request.spec);
      const replaced = isOther ? undefined : await names.replaced(known.uploaded);
      if (isOther || replaced) throw new FaultlineError({ kind: "key-reused", key, replaced });
      return { isNew: false, evaluation: found(known.id).info() };
    }
    const created = create(request, signal);
    pending.set(
      key,
      created.catch(() => undefined),
    );
    try {
      return { isNew: true, evaluation: await created };
    } finally {
      pending.delete(key);
    }
  };

  const evaluations: Evaluations = {
    backend,
    predict,
    submit,
    get: async (id) => Promise.resolve(found(id).info()),
    follow: async (id, { onChange, signal = new AbortController().signal }) => {
      const job = found(id);
      for (;;) {
        const changed = job.changed();
        await onChange(job.info());
        if (isOver(job.record())) return job.info();
        try {
          await orAbort(changed, signal);
        } catch (cause) {
          throw new FaultlineError({ kind: "cancelled" }, { cause });
        }
      }
    },
    rows: async (id) => found(id).kept.rows(),
    report: async (id, type) => {
      const job = found(id);
      const { state } = job.record();
      const file = isOver(job.record()) ? await job.kept.report(type) : null;
      if (file) return file;
      const reason = isOver(job.record())
        ? "it has no report, as it did not come to its end"
        : "its report is made at its end";
      throw new FaultlineError({ kind: "evaluation-state", state, reason });
    },
    cancel: async (id) => {
      await found(id).stop("cancelled");
      return found(id).info();
    },
    retry: async (id) => {
      const job = found(id);
      const { state } = job.record();
      if (!isOver(job.record()) || state === "done")
        throw new FaultlineError({ kind: "evaluation-state", state, reason: "there is nothing to retry" });
      await job.set({ state: "queued", reason: undefined });
      queue(job);
      return job.info();
    },
    dataSets: async () => new Set([...jobs.values()].flatMap((job) => job.record().spec.data?.path ?? [])),
    remove: async (id) => {
      const job = found(id);
      await job.stop("cancelled");
      jobs.delete(id);
      await job.kept.remove();
    },
  };
  return {
    evaluations,
    end: async () => {
      ending = true;
      await Promise.all([...jobs.values()].map((job) => job.stop("ending")));
      // What is being planned is answered, and is nowhere else than here.
      await planning.settled();
      await store.end();
    },
  };
};
