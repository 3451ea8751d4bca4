/** The engine put together from the Worker's bindings. */

import type { Evaluations } from "../contract/evaluations.ts";
import { createCarrier, factsFor } from "./carrier.ts";
import { consume } from "./consume.ts";
import { createDeliveries, type Delivery } from "./deliveries.ts";
import { createEvaluations } from "./evaluations.ts";
import { fanOut, type Step } from "./fan-out.ts";
import { createLedger, type Run } from "./ledger.ts";
import { createObjects } from "./objects.ts";
import { createNetworks } from "./networks.ts";
import { createPlace, type PlaceOptions } from "./place.ts";
import { createPlanner } from "./plan.ts";
import { createWorkings, type Ended } from "./workings.ts";

/** What `docs/deploy.md` lists; all are needed. */
export interface EngineBindings {
  /** Parcels on their way. */
  readonly UNITS: Queue<Delivery>;
  /** Data sets, and what comes of evaluations. */
  readonly DATA: R2Bucket;
  /** The ledger. */
  readonly LEDGER: D1Database;
  /** The course of a run. */
  readonly EVALUATION: Workflow<Run>;
}

/** What an engine has beside its bindings. */
export interface EngineOptions extends Omit<PlaceOptions, "now" | "networks"> {
  readonly models: Parameters<typeof createNetworks>[0];
  readonly version: string;
  readonly onnxruntime: string;
  readonly maxCpuHours: number;
  /** Of the queue, at most. */
  readonly consumers: number;
  readonly log: (cause: unknown) => void;
}

export interface Engine {
  readonly evaluations: Evaluations;
  readonly consume: (batch: MessageBatch<Delivery>) => Promise<void>;
  readonly follow: (run: Run, step: Step) => Promise<Ended>;
  readonly sweep: () => Promise<number>;
}

/** Evaluations that are kept. */
const MOST = 256;

/** How the name of the queue ends that takes what was delivered too often. */
const DEAD = "-dead";

const names = ["UNITS", "DATA", "LEDGER", "EVALUATION"] as const satisfies readonly (keyof EngineBindings)[];

/** The bindings that are missing. */
export const missingBindings = (bindings: Partial<EngineBindings>): readonly string[] =>
  names.filter((name) => bindings[name] === undefined);

export const createEngine = (bindings: EngineBindings, options: EngineOptions): Engine => {
  const { models, version, onnxruntime, maxCpuHours, consumers, log, ...given } = options;
  const ledger = createLedger(bindings.LEDGER);
  const objects = createObjects(bindings.DATA);
  // The clock of a deployed Worker goes on with each exchange.
  const now = async (): Promise<number> => {
    await bindings.DATA.head("clock");
    return Date.now();
  };
  const networks = createNetworks(models);
  const place = createPlace({ ...given, networks, now });
  const carrier = createCarrier(place, objects, version);
  const idOf = ({ evaluation, run }: Run): string => `${evaluation}-${run}`;
  const isAlive = async (run: Run): Promise<boolean> => {
    const instance = await bindings.EVALUATION.get(idOf(run)).catch(() => null);
    const status = await instance?.status();
    return status !== undefined && !["errored", "terminated", "complete", "unknown"].includes(status.status);
  };
  const workings = createWorkings({
    ledger,
    objects,
    queue: bindings.UNITS,
    factsOf: factsFor(objects, { faultline: version, onnxruntime }),
    isAlive,
  });
  const deliveries = createDeliveries({ ledger, objects, carrier, send: (each) => bindings.UNITS.send(each), now });
  const evaluations = createEvaluations({
    ledger,
    objects,
    workings,
    maxCpuHours,
    most: MOST,
    plan: createPlanner(place, consumers),
    replaced: async (id) => networks.replaced(await objects.manifests(id)),
    start: async (run) => void (await bindings.EVALUATION.create({ id: idOf(run), params: run })),
  });
  return {
    evaluations,
    consume: (batch) => consume(batch, { ...deliveries, log }, batch.queue.endsWith(DEAD)),
    follow: async (run, step) => {
      try {
        return await fanOut(run, step, workings);
      } catch (cause) {
        log(cause);
        await workings.failed(run, cause);
        throw cause;
      }
    },
    sweep: () => workings.sweep(Date.now()),
  };
};
