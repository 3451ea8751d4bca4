/** One evaluation of the service while the service runs: its record, who follows it, and the command that carries it out. */

import { MS_PER_HOUR, type EvaluationInfo, type EvaluationState } from "../../contract/evaluations.ts";
import { reasonOf } from "../../reason.ts";
import { runCommand, type CommandEnd } from "./command.ts";
import { files, type EvaluationRecord, type Kept, type KeptNetworks, type Workplace } from "./store.ts";
import { uploadedPath } from "./workplace.ts";

const LOOK_MS = 1000;

/** The exit code of a command after Ctrl-C. */
const INTERRUPTED = 130;

/** Why a run is stopped; "ending" is for the service, which goes on with it when it starts again. */
type Stop = "cancelled" | "capped" | "ending";

export interface JobOptions {
  /** Of `faultline evaluate`, beside the specification. */
  readonly flags: readonly string[];
  /** The processors that are busy while it runs are elsewhere. */
  readonly isRemote: boolean;
  /** What is told of the reason of a failure; `rows` is where the files of the run are, if they have an address. */
  readonly told: (reason: string, rows?: string) => string;
  /** Is given what requesters are not told. */
  readonly log: (text: string) => void;
}

export interface Job {
  readonly record: () => EvaluationRecord;
  readonly info: () => EvaluationInfo;
  readonly kept: Kept;
  /** Resolves at the next change. */
  readonly changed: () => Promise<void>;
  /** Carries it out, if it is still queued. Never rejects. */
  readonly carryOut: () => Promise<void>;
  readonly set: (change: Partial<EvaluationRecord>) => Promise<void>;
  /** Resolves when it does not run any more. */
  readonly stop: (why: Stop) => Promise<void>;
}

/** Of the error of a unit. */
const MAX_ERROR = 1000;

/** What of `faultline evaluate --json` says that units failed. */
interface Unfinished {
  readonly units: number;
  readonly failed: number;
  readonly firstFailure: { readonly item: string; readonly error: string };
}

/** What is told of units that failed. */
const failuresText = (
  { units, failed, firstFailure: { item, error } }: Unfinished,
  id: string,
  told: (reason: string) => string,
): string => {
  const reason = told(error.replaceAll(/\s*\n\s*/g, " ").slice(0, MAX_ERROR));
  return `${failed} of ${units} units failed; the first, on ${item}: ${reason}; POST /v1/evaluations/${id}/retry runs them again`;
};

/** Why a command has no result. */
const refusalText = ({ code, refusal }: CommandEnd): string => {
  if (code === null || code === INTERRUPTED) return "its process was ended from outside";
  return refusal === "" ? `its process ended with code ${code}` : refusal;
};

interface Ending {
  readonly why: Stop | null;
  readonly id: string;
  readonly told: (reason: string) => string;
  readonly log: (text: string) => void;
}

/** What a command that has ended means for its evaluation. */
const outcomeOf = (
  end: CommandEnd,
  { why, id, told, log }: Ending,
): { readonly state: EvaluationState; readonly failed?: number; readonly reason?: string | undefined } => {
  if (end.code === 0) return { state: "done", failed: 0, reason: undefined };
  if (why === "ending") return { state: "queued" };
  if (why !== null) return { state: why, reason: why === "capped" ? "it took more than maxCpuHours" : undefined };
  if (end.code !== null && end.stdout !== "") {
    const unfinished = JSON.parse(end.stdout) as Unfinished;
    return { state: "incomplete", failed: unfinished.failed, reason: failuresText(unfinished, id, told) };
  }
  if (end.refusal === "") log(end.stderr);
  return { state: "failed", reason: told(refusalText(end)) };
};

/** A run, and how many rows there were before and are now, once the command has told. */
interface Run {
  readonly abort: AbortController;
  readonly began: number;
  before: number | null;
  done: number;
}

const digestsOf = (uploaded: KeptNetworks): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(uploaded).map(([name, { sha256 }]) => [name, sha256]));

/** The address of the run's files; undefined where they are in the folder. */
const addressIn = ({ rows }: Workplace): string | undefined => rows.slice(0, -files.rows.length) || undefined;

const freshOf = ({ before, done }: Run): number => (before === null ? 0 : done - before);

export const createJob = (first: EvaluationRecord, kept: Kept, { flags, isRemote, told, log }: JobOptions): Job => {
  let record = first;
  let wake = (): void => {};
  let next = new Promise<void>((resolve) => (wake = resolve));
  /** Of the run, while there is one. */
  let run: Run | null = null;
  let why: Stop | null = null;
  let ended: Promise<void> = Promise.resolve();

  const notify = (): void => {
    const waked = wake;
    next = new Promise<void>((resolve) => (wake = resolve));
    waked();
  };
  const set = async (change: Partial<EvaluationRecord>): Promise<void> => {
    record = { ...record, ...change };
    await kept.write(record);
    notify();
  };
  /** Of the current run. */
  const spent = (): number => {
    if (!run) return 0;
    const { predicted } = record;
    if (isRemote) return (predicted.cpuHours * freshOf(run)) / Math.max(1, predicted.units);
    return ((performance.now() - run.began) * predicted.workers) / MS_PER_HOUR;
  };
  const look = (): void => {
    if (!run) return;
    if (run.before !== null && run.done !== record.done) {
      record = { ...record, done: run.done };
      notify();
    }
    if (spent() > record.maxCpuHours && why === null) {
      why = "capped";
      run.abort.abort();
    }
  };
  /** A command whose service was killed is interrupted by that, and ends at its next step. */
  const free = async ({ isFree }: Workplace, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && !(await isFree())) await new Promise((resolve) => void setTimeout(resolve, LOOK_MS / 4));
  };
  /** Workers elsewhere have the networks of the deployment alone. */
  const sending = (): readonly string[] =>
    isRemote ? Object.keys(record.uploaded ?? {}).flatMap((name) => ["--send", uploadedPath(name)]) : [];
  const evaluated = async (place: Workplace, own: Run): Promise<void> => {
    const { signal } = own.abort;
    const timer = setInterval(look, LOOK_MS);
    try {
      await free(place, signal);
      const argv = ["evaluate", files.spec, "-o", place.rows, "--json", ...flags, ...sending()];
      const end = await runCommand(argv, place.folder, signal, (rows) => {
        own.before ??= rows;
        own.done = rows;
      });
      look();
      const toldHere = (reason: string): string => told(reason, addressIn(place));
      const outcome = outcomeOf(end, { why, id: record.id, told: toldHere, log });
      if (outcome.state === "done" || outcome.state === "incomplete") await reported(place, signal);
      record = { ...record, spentCpuHours: record.spentCpuHours + spent() };
      run = null;
      await set(outcome);
    } finally {
      clearInterval(timer);
      run = null;
    }
  };
  const reported = async ({ folder, reports, writeSent }: Workplace, signal: AbortSignal): Promise<void> => {
    if (record.done === 0) return;
    await writeSent(record.spec);
    await runCommand(["report", files.sent, ...reports.flatMap((file) => ["-o", file])], folder, signal);
  };
  const carryOut = async (): Promise<void> => {
    if (record.state !== "queued") return;
    why = null;
    const own: Run = { abort: new AbortController(), began: performance.now(), before: null, done: 0 };
    run = own;
    try {
      await set({ state: "running", failed: 0, reason: undefined });
      await kept.withWorkplace(record, (place) => evaluated(place, own));
    } catch (cause) {
      run = null;
      await set({ state: "failed", reason: told(reasonOf(cause)) }).catch(() => undefined);
    }
  };
  return {
    record: () => record,
    kept,
    set,
    changed: () => next,
    carryOut: () => (ended = carryOut()),
    stop: async (reason) => {
      if (run) {
        why ??= reason;
        run.abort.abort();
        await ended;
      } else if (record.state === "queued" && reason !== "ending") await set({ state: "cancelled" });
    },
    info: () => {
      const { idempotencyKey: _, done, failed, uploaded, ...shown } = record;
      const { units: total, cpuHours, seconds } = record.predicted;
      const elapsed = run ? (performance.now() - run.began) / 1000 : 0;
      const fresh = run ? freshOf(run) : 0;
      const rate = fresh > 0 ? fresh / elapsed : null;
      const left = total - done;
      const unmeasured = cpuHours === 0 ? 0 : (seconds * left) / Math.max(1, total);
      return {
        ...shown,
        ...(uploaded && { uploaded: digestsOf(uploaded) }),
        spentCpuHours: record.spentCpuHours + spent(),
        units: { total, done, failed },
        unitsPerSecond: rate,
        remainingSeconds: run ? (rate === null ? unmeasured : left / rate) : null,
      };
    },
  };
};
