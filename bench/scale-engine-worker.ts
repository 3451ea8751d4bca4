/** A Worker with the engine for Cloudflare and parcels that keep the processor busy for as long as they are told; driven over HTTP by `scale-engine.ts`. */

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { consume } from "../src/cloudflare/consume.ts";
import { createDeliveries, type Carrier, type Delivery } from "../src/cloudflare/deliveries.ts";
import { createEvaluations } from "../src/cloudflare/evaluations.ts";
import { fanOut } from "../src/cloudflare/fan-out.ts";
import { createLedger, type Run } from "../src/cloudflare/ledger.ts";
import { createObjects } from "../src/cloudflare/objects.ts";
import { createWorkings } from "../src/cloudflare/workings.ts";
import type { EvaluationRequest } from "../src/contract/evaluations.ts";
import type { Group } from "../src/evaluation/units.ts";
import type { Outcome } from "../src/jobs/perform.ts";
import { runParcels } from "../src/jobs/run.ts";
import type { Parcel } from "../src/jobs/worker.ts";
import { itemsOf, rowFor, workOn } from "../test/jobs/engines/work.ts";

export interface Env {
  readonly QUEUE: Queue<Delivery>;
  readonly BUCKET: R2Bucket;
  readonly DB: D1Database;
  readonly EVALUATION: Workflow<Run>;
}

/** So many parcels, of three groups each, whose groups take so many turns of the loop. */
export interface BusyWork {
  readonly parcels: number;
  readonly turns: number;
}

/** The clock of workerd stands still while code runs, so that turns are counted and not milliseconds. */
const busy = (turns: number): number => {
  let x = 1;
  for (let i = 0; i < turns; i++) x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + 1) | 0;
  return x;
};

/** When each parcel of the last run began. */
const begun: number[] = [];
let sum = 0;

const performed = ({ units }: Group, turns: number): readonly Outcome[] => {
  sum += busy(turns);
  return units.map((unit) => ({ row: rowFor(unit) }));
};

const parcelOf = (number: number): Promise<Parcel> => workOn([`picture-${number}`]);
const namesOf = ({ parcels }: BusyWork): string[] => Array.from({ length: parcels }, (_, i) => `picture-${i}`);

/** The same parcels by one worker, with no engine between. */
const local = async (work: BusyWork): Promise<number> => {
  const parcels = await Promise.all(namesOf(work).map((_, number) => parcelOf(number)));
  const rows: string[] = [];
  await runParcels({
    parcels,
    workers: [{ perform: async (parcel) => parcel.flatMap((group) => performed(group, work.turns)) }],
    ledger: {
      record: async (added) => {
        rows.push(...added.map((row) => JSON.stringify(row)));
        return added.map(({ id }) => id);
      },
    },
    signal: new AbortController().signal,
  });
  return rows.length;
};

const carrier: Carrier = {
  open: async ({ plan }, number) => {
    begun.push(Date.now());
    const { turns } = plan as BusyWork;
    return {
      parcel: await parcelOf(number),
      stepMs: () => 0,
      perform: (group) => Promise.resolve(performed(group, turns)),
    };
  },
  unitsOf: () => 3,
};

const engineIn = (env: Env) => {
  const ledger = createLedger(env.DB);
  const objects = createObjects(env.BUCKET);
  const workings = createWorkings({
    ledger,
    objects,
    queue: env.QUEUE,
    factsOf: () => Promise.resolve({ networks: [] }),
    isAlive: () => Promise.resolve(true),
  });
  const now = async (): Promise<number> => {
    await env.BUCKET.head("clock");
    return Date.now();
  };
  const deliveries = createDeliveries({ ledger, objects, carrier, send: (delivery) => env.QUEUE.send(delivery), now });
  const evaluations = createEvaluations({
    ledger,
    objects,
    workings,
    maxCpuHours: 100,
    most: 1000,
    replaced: () => Promise.resolve(undefined),
    start: (run) => env.EVALUATION.create({ id: `${run.evaluation}-${run.run}`, params: run }),
    plan: ({ spec }: EvaluationRequest) => {
      const work = spec as unknown as BusyWork;
      const predicted = {
        units: 3 * work.parcels,
        pictures: work.parcels,
        evaluations: { forward: 0, backward: 0 },
        workers: 1,
        cpuHours: 0,
        seconds: 0,
      };
      return Promise.resolve({
        predicted,
        parcels: work.parcels,
        plan: work,
        manifests: [],
        items: itemsOf(namesOf(work)),
      });
    },
  });
  return { workings, deliveries, evaluations };
};

export class EvaluationRun extends WorkflowEntrypoint<Env, Run> {
  override run({ payload }: Readonly<WorkflowEvent<Run>>, step: WorkflowStep): Promise<string> {
    return fanOut(
      payload,
      { do: (name, work) => step.do(name, work), sleep: (name, milliseconds) => step.sleep(name, milliseconds) },
      engineIn(this.env).workings,
    );
  }
}

export default {
  fetch: async (request: Request, env: Env): Promise<Response> => {
    const { evaluations } = engineIn(env);
    const [, verb = "", id = ""] = new URL(request.url).pathname.split("/");
    if (verb === "get") return Response.json(await evaluations.get(id));
    if (verb === "begun") return Response.json({ begun, sum });
    const work = (await request.json()) as BusyWork;
    if (verb === "local") return Response.json(await local(work));
    begun.length = 0;
    const { evaluation } = await evaluations.submit({ spec: work } as unknown as EvaluationRequest);
    return Response.json(evaluation);
  },
  queue: (batch: MessageBatch<Delivery>, env: Env): Promise<void> =>
    consume(batch, { ...engineIn(env).deliveries, log: console.error }, batch.queue.endsWith("-dead")),
} satisfies ExportedHandler<Env, Delivery>;
