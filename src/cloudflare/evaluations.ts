/** The evaluations of a Worker: predicted in the request, carried out by a queue's consumers, kept in D1 and R2. */

import {
  isOver,
  MS_PER_HOUR,
  type EvaluationFile,
  type EvaluationInfo,
  type EvaluationPrediction,
  type EvaluationRequest,
  type Evaluations,
} from "../contract/evaluations.ts";
import { FaultlineError } from "../contract/failure.ts";
import { MAX_REPORT_ROWS } from "../contract/limits.ts";
import type { Item } from "../evaluation/items.ts";
import { specText } from "../evaluation/spec.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { CloudLedger, Entry, Run } from "./ledger.ts";
import type { CloudObjects } from "./objects.ts";
import { parcelsTogether, type Workings } from "./workings.ts";

/** What an evaluation would be. */
export interface Planned {
  readonly predicted: EvaluationPrediction;
  readonly parcels: number;
  readonly plan: unknown;
  /** The digests of its uploaded networks, by their names; absent for none. */
  readonly uploaded?: Readonly<Record<string, string>> | undefined;
  /** Of its networks. */
  readonly manifests: readonly Manifest[];
  readonly items: readonly Item[];
}

export interface EvaluationsOptions {
  readonly ledger: CloudLedger;
  readonly objects: CloudObjects;
  readonly workings: Workings;
  /** @throws FaultlineError for what is refused. */
  readonly plan: (request: EvaluationRequest, signal?: AbortSignal) => Promise<Planned>;
  /** What networks of an evaluation are now that were replaced since it was planned, by their names; undefined for none. */
  readonly replaced: (id: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Starts the Workflow of a run. */
  readonly start: (run: Run) => Promise<unknown>;
  /** The most that a run may be predicted to take, and may take. */
  readonly maxCpuHours: number;
  /** Evaluations that are kept. */
  readonly most: number;
  readonly now?: (() => number) | undefined;
  /** Milliseconds between two looks of who follows. */
  readonly lookMs?: number | undefined;
}

export const createEvaluations = (options: EvaluationsOptions): Evaluations => {
  const {
    ledger,
    objects,
    workings,
    plan,
    replaced: replacedOf,
    start,
    maxCpuHours,
    most,
    now = Date.now,
    lookMs = 1000,
  } = options;

  const found = async (id: string): Promise<Entry> => {
    const entry = await ledger.find(id);
    if (entry) return entry;
    throw new FaultlineError({ kind: "unknown-evaluation", id });
  };
  const infoOf = async (entry: Entry): Promise<EvaluationInfo> => {
    const { id, state, created, spec, uploaded, predicted, maxCpuHours: cap, began, reason } = entry;
    const { units: done, failed, spentMs } = await ledger.progress(id);
    const total = predicted.units;
    const elapsed = (now() - began) / 1000;
    const rate = !isOver(entry) && done > 0 && elapsed > 0 ? done / elapsed : null;
    return {
      id,
      state,
      created,
      spec,
      ...(uploaded && { uploaded }),
      predicted,
      maxCpuHours: cap,
      spentCpuHours: spentMs / MS_PER_HOUR,
      units: { total, done, failed },
      unitsPerSecond: rate,
      remainingSeconds: isOver(entry) ? null : rate === null ? predicted.seconds : (total - done) / rate,
      ...(reason === undefined ? {} : { reason }),
    };
  };

  const create = async (request: EvaluationRequest, signal?: AbortSignal): Promise<Entry | null> => {
    if ((await ledger.count()) >= most) throw new FaultlineError({ kind: "evaluations-full", most });
    const cap = Math.min(request.maxCpuHours ?? maxCpuHours, maxCpuHours);
    const { predicted, parcels, plan: planned, uploaded, manifests, items } = await plan(request, signal);
    const { cpuHours } = predicted;
    if (cpuHours > cap)
      throw new FaultlineError({ kind: "cost-exceeded", predictedCpuHours: cpuHours, maxCpuHours: cap });
    const id = crypto.randomUUID();
    await objects.putItems(id, items);
    await objects.putManifests(id, manifests);
    const record = { spec: request.spec, uploaded, predicted, maxCpuHours: cap, parcels, plan: planned };
    if (!(await ledger.add(id, record, request.idempotencyKey))) {
      await objects.remove(id);
      return null;
    }
    await start({ evaluation: id, run: 1 });
    return found(id);
  };
  const submit: Evaluations["submit"] = async (request, { signal } = {}) => {
    const { idempotencyKey: key } = request;
    const known = key === undefined ? null : await ledger.withKey(key);
    if (known) {
      const isOther = specText(known.spec) !== specText(request.spec);
      const replaced = isOther || !known.uploaded ? undefined : await replacedOf(known.id);
      if (isOther || replaced) throw new FaultlineError({ kind: "key-reused", key: key!, replaced });
      return { isNew: false, evaluation: await infoOf(known) };
    }
    const created = await create(request, signal);
    // Another request has taken the key meanwhile.
    return created ? { isNew: true, evaluation: await infoOf(created) } : submit(request, { signal });
  };

  /** The rows of chunks that are merged, or else of the parcels that are done. */
  async function* rowsOf(entry: Entry): AsyncGenerator<Uint8Array> {
    const together = parcelsTogether(entry);
    const isMerged = entry.state === "done" || entry.state === "incomplete";
    for (let chunk = 0; chunk * together < entry.parcels; chunk++) {
      const rows = isMerged ? await objects.rows(entry.id, entry.run, chunk) : null;
      if (rows) yield new Uint8Array(await rows.arrayBuffer());
      else yield new TextEncoder().encode(await workings.linesFrom(entry.id, chunk * together, (chunk + 1) * together));
    }
  }
  const streamed = (pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await pieces.return(undefined)),
    });

  return {
    predict: async (request, { signal } = {}) => (await plan(request, signal)).predicted,
    submit,
    get: async (id) => infoOf(await found(id)),
    follow: async (id, { onChange, signal }) => {
      let last = "";
      for (;;) {
        if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
        const info = await infoOf(await found(id));
        const seen = JSON.stringify([info.state, info.units]);
        if (seen !== last) await onChange(info);
        last = seen;
        if (isOver(info)) return info;
        await new Promise((resolve) => void setTimeout(resolve, lookMs));
      }
    },
    rows: async (id): Promise<EvaluationFile> => ({ body: streamed(rowsOf(await found(id))) }),
    report: async (id, type): Promise<EvaluationFile> => {
      const entry = await found(id);
      const { state } = entry;
      const report = isOver(entry) ? await objects.report(id, type) : null;
      if (report) return { body: report.body, bytes: report.size };
      const large = `it has more than ${MAX_REPORT_ROWS} rows; fetch them, and make its report with faultline report`;
      const reason = !isOver(entry)
        ? "its report is made at its end"
        : entry.predicted.units > MAX_REPORT_ROWS
          ? large
          : "it has no report, as it did not come to its end";
      throw new FaultlineError({ kind: "evaluation-state", state, reason });
    },
    cancel: async (id) => {
      const { run } = await found(id);
      await ledger.setState(id, run, ["queued", "running"], "cancelled");
      return infoOf(await found(id));
    },
    retry: async (id) => {
      const entry = await found(id);
      const { state, run } = entry;
      if (!isOver(entry) || state === "done")
        throw new FaultlineError({ kind: "evaluation-state", state, reason: "there is nothing to retry" });
      if (await ledger.nextRun(id, run)) await start({ evaluation: id, run: run + 1 });
      return infoOf(await found(id));
    },
    dataSets: async () => new Set(await ledger.dataSets()),
    remove: async (id) => {
      await found(id);
      await ledger.remove(id);
      await objects.remove(id);
    },
  };
};
