/** What an evaluation would take, by a dry run of the command line; what is too much for that is refused before a process is started. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { MS_PER_HOUR, type EvaluationPrediction } from "../../contract/evaluations.ts";
import { FaultlineError } from "../../contract/failure.ts";
import { leastUnits, servedSpec, tooManyUnits } from "../../evaluation/served.ts";
import { SpecError, specText, type EvaluationSpec, type GivenSpec } from "../../evaluation/spec.ts";
import { oneAtATime } from "../../turns.ts";
import { runCommand } from "./command.ts";
import { files, planningPrefix, type KeptNetworks } from "./store.ts";
import { toldReason } from "./told.ts";
import type { Uploaded, UploadedNetworks } from "../uploaded.ts";
import { makeFolder, type Places } from "./workplace.ts";

/** Requests that wait while another one's specification is planned. */
const MAX_PLANNING = 8;

/** Planning took 0.15 ms and 0.7 KiB for each, on two busy cores: others wait for some 15 s. */
export const MAX_UNITS = 100_000;

/** Every picture is read once, and this is time for hundreds of large ones; others wait meanwhile. */
const MAX_PLANNING_MS = 300_000;

/** No process starts in less: what is below it need not be measured. */
const LEAST_START_MS = 20;

/** Specifications whose cost is remembered. */
const MAX_COSTS = 256;

/** What `faultline evaluate --dry-run --json` prints. */
interface DryRun extends Omit<EvaluationPrediction, "cpuHours" | "seconds"> {
  readonly milliseconds: number;
}

/** At least: files that are not counted are one picture, and streets that are not counted are ten. */
const picturesOf = ({ data: { path, images = path === undefined ? 10 : 1 } }: EvaluationSpec): number => images;

/** @throws FaultlineError for a specification that contradicts itself, and for more units than are taken: the command counts them exactly, this one at the least. */
const requireFew = (given: GivenSpec): EvaluationSpec => {
  try {
    const spec = servedSpec(given);
    const units = leastUnits(spec, picturesOf(spec));
    if (units <= MAX_UNITS) return spec;
    throw tooManyUnits({ atLeast: units }, `an evaluation of a service under Node has at most ${MAX_UNITS}`);
  } catch (cause) {
    if (cause instanceof SpecError) throw new FaultlineError({ kind: "evaluation-refused", reason: cause.message });
    throw cause;
  }
};

/** What is planned: a specification, and the uploaded networks that it names. */
export interface Named {
  readonly spec: GivenSpec;
  readonly uploads: readonly Uploaded[];
}

/** What is kept of uploaded networks in a record; undefined for none. */
const keptOf = (uploads: readonly Uploaded[]): KeptNetworks | undefined =>
  uploads.length === 0
    ? undefined
    : Object.fromEntries(
        uploads.map(({ manifest: { name, sha256 }, identity }) => [name, { sha256, identity }] as const),
      );

/** Costs that were measured, by the specification without its number of pictures and by what uploaded networks are. */
const createCosts = () => {
  const known = new Map<string, { readonly start: number; readonly picture: number }>();
  const keyOf = ({ spec: { data, ...spec }, uploads }: Named): string =>
    specText([{ ...spec, data: { ...data, images: undefined } }, ...uploads.map(({ identity }) => identity)]);
  return {
    /** @param start hours of a processor before the first unit. */
    add: (named: Named, start: number, { cpuHours, pictures }: EvaluationPrediction): void => {
      const [oldest] = known.keys();
      if (known.size >= MAX_COSTS && oldest !== undefined) known.delete(oldest);
      known.set(keyOf(named), { start, picture: (cpuHours - start) / Math.max(1, pictures) });
    },
    /** Hours of a processor that it takes at least. */
    least: (named: Named, spec: EvaluationSpec): number => {
      const cost = known.get(keyOf(named));
      return cost ? cost.start + cost.picture * picturesOf(spec) : LEAST_START_MS / MS_PER_HOUR;
    },
  };
};

const unreadable = ({ data }: GivenSpec): string =>
  data?.path === undefined ? "it cannot be planned" : `the data set ${data.path} cannot be read`;

/** What was planned, and with which networks. */
export interface Plan {
  readonly predicted: EvaluationPrediction;
  readonly uploaded: KeptNetworks | undefined;
}

export interface PlanRun {
  readonly signal: AbortSignal;
  /** Hours of a processor; none if absent. */
  readonly cap?: number | undefined;
  /** Is given the plan, and the folder of the uploaded networks that were planned with, before these are removed. */
  readonly keep?: ((plan: Plan, uploaded: string) => Promise<void>) | undefined;
}

export interface Planning {
  /** @throws FaultlineError for what is refused, and for what takes more than the cap, as soon as that is known. */
  readonly predict: (named: Named, run: PlanRun) => Promise<EvaluationPrediction>;
  /** Resolves when what waits or is being planned now has been planned, and kept. */
  readonly settled: () => Promise<void>;
}

export interface PlanningOptions {
  /** A folder, for what is planned. */
  readonly scratch: string;
  readonly places: Places;
  /** Null where there are none. */
  readonly networks: UploadedNetworks | null;
  /** Of `faultline evaluate`, beside the specification. */
  readonly flags: readonly string[];
  /** Is given what a requester is not told. */
  readonly log: (text: string) => void;
}

export const createPlanning = ({ scratch, places, networks, flags, log }: PlanningOptions): Planning => {
  const costs = createCosts();
  let planning = 0;
  /** One after another, as each takes a processor. */
  const line = oneAtATime();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    if (planning > MAX_PLANNING) throw new FaultlineError({ kind: "busy", retryAfterSeconds: 10 });
    planning += 1;
    return line(run).finally(() => (planning -= 1));
  };
  const dryRun = async (named: Named, folder: string, signal: AbortSignal): Promise<Plan> => {
    const { spec, uploads } = named;
    const uploaded = keptOf(uploads);
    await makeFolder(folder, { spec, uploaded }, places);
    for (const each of uploads) await networks!.putInto(join(folder, files.uploaded), each);
    const deadline = AbortSignal.timeout(MAX_PLANNING_MS);
    const argv = ["evaluate", files.spec, "--dry-run", "--json", "--max-units", `${MAX_UNITS}`, ...flags];
    const began = performance.now();
    const { code, stdout, stderr, refusal } = await runCommand(argv, folder, AbortSignal.any([signal, deadline]));
    if (signal.aborted) throw new FaultlineError({ kind: "cancelled" });
    if (code !== 0) {
      if (refusal === "") log(stderr);
      const late = `its data was not read within ${MAX_PLANNING_MS / 1000} s; ask for fewer data.images`;
      throw new FaultlineError({
        kind: "evaluation-refused",
        reason: deadline.aborted ? late : toldReason(refusal || unreadable(spec), places, unreadable(spec), log),
      });
    }
    const { units, pictures, evaluations, workers, milliseconds: work } = JSON.parse(stdout) as DryRun;
    // The run starts as this one did: it reads the pictures, loads the networks and runs a step.
    const start = performance.now() - began;
    const [milliseconds, hours] = [start + work, workers / MS_PER_HOUR];
    const cpuHours = milliseconds * hours;
    const predicted = { units, pictures, evaluations, workers, cpuHours, seconds: milliseconds / 1000 };
    costs.add(named, start * hours, predicted);
    return { predicted, uploaded };
  };
  return {
    settled: () => line(() => Promise.resolve()),
    predict: async (named, { signal, cap = Infinity, keep }) => {
      const spec = requireFew(named.spec);
      const requireWithin = (predictedCpuHours: number): void => {
        if (predictedCpuHours > cap)
          throw new FaultlineError({ kind: "cost-exceeded", predictedCpuHours, maxCpuHours: cap });
      };
      requireWithin(costs.least(named, spec));
      return inTurn(async () => {
        if (signal.aborted) throw new FaultlineError({ kind: "cancelled" });
        const folder = await mkdtemp(join(scratch, planningPrefix));
        try {
          const plan = await dryRun(named, folder, signal);
          requireWithin(plan.predicted.cpuHours);
          await keep?.(plan, join(folder, files.uploaded));
          return plan.predicted;
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      });
    },
  };
};
