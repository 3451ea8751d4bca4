/** A Worker with the engine for Cloudflare and work of the tests, driven over HTTP by `cloudflare.test.ts`. */

import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { consume } from "../../../src/cloudflare/consume.ts";
import { createDeliveries, type Carrier, type Delivery } from "../../../src/cloudflare/deliveries.ts";
import { createEvaluations } from "../../../src/cloudflare/evaluations.ts";
import { fanOut, type Step } from "../../../src/cloudflare/fan-out.ts";
import { createLedger, type Entry, type Run } from "../../../src/cloudflare/ledger.ts";
import { createObjects } from "../../../src/cloudflare/objects.ts";
import { createWorkings } from "../../../src/cloudflare/workings.ts";
import type { EvaluationRequest } from "../../../src/contract/evaluations.ts";
import { parcelTotal, placeOfParcel } from "../../../src/jobs/numbered.ts";
import { parcelsOf } from "../../../src/jobs/worker.ts";
import { carryOut, itemsOf, workOn } from "./work.ts";
import type { Work } from "./suite.ts";

export interface Env {
  readonly QUEUE: Queue<Delivery>;
  readonly BUCKET: R2Bucket;
  readonly DB: D1Database;
  readonly EVALUATION: Workflow<Run>;
}

/** What the test's workers share: all run in one isolate. */
const begun: string[] = [];
const marks = new Set<string>();

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds));

/** The work is the plan of its evaluation; its groups have one source. */
const parcelsIn = async ({ size }: Work, name: string) => parcelsOf(await workOn([name]), size);

const carrier: Carrier = {
  open: async ({ plan, predicted }, number) => {
    const work = plan as Work;
    const [name = ""] = work.names;
    const counts = [(await parcelsIn(work, name)).length];
    const { picture, parcel } = placeOfParcel(counts, predicted.pictures, number);
    const parcels = await parcelsIn(work, work.names[picture]!);
    return {
      parcel: parcels[parcel]!,
      stepMs: () => 0,
      perform: (group) =>
        carryOut(group, {
          wait,
          begin: (id) => void begun.push(id),
          isFirstTime: (mark) => !marks.has(mark) && marks.add(mark) !== undefined,
          die: () => Promise.reject(new Error("it has died")),
        }),
    };
  },
  unitsOf: () => 1,
};

let calls = 0;

const engineIn = (env: Env) => {
  const ledger = createLedger(env.DB);
  const objects = createObjects(env.BUCKET);
  const isIn = async (id: string, kind: "isTwice" | "isFlaky"): Promise<boolean> =>
    ((await ledger.find(id)) as Entry & { readonly plan: Work })?.plan[kind] === true;
  const flaky: typeof ledger = {
    ...ledger,
    record: async (id, ...given) => {
      calls += 1;
      if ((await isIn(id, "isFlaky")) && calls % 3 !== 0) throw new Error("the ledger is away");
      return ledger.record(id, ...given);
    },
  };
  const sendBatch = async (messages: Iterable<MessageSendRequest<Delivery>>) => {
    const all = [...messages];
    const twice = all.length > 0 && (await isIn(all[0]!.body.evaluation, "isTwice"));
    return env.QUEUE.sendBatch(twice ? [...all.toReversed(), ...all] : all);
  };
  const workings = createWorkings({
    ledger,
    objects,
    queue: { sendBatch },
    factsOf: () => Promise.resolve({ networks: [] }),
    isAlive: () => Promise.resolve(true),
  });
  const deliveries = createDeliveries({
    ledger: flaky,
    objects,
    carrier,
    send: (delivery) => env.QUEUE.send(delivery),
    now: () => Promise.resolve(Date.now()),
  });
  const evaluations = createEvaluations({
    ledger,
    objects,
    workings,
    maxCpuHours: 1,
    most: 100,
    replaced: () => Promise.resolve(undefined),
    start: (run) => env.EVALUATION.create({ id: `${run.evaluation}-${run.run}`, params: run }),
    plan: async ({ spec }: EvaluationRequest) => {
      const work = spec as unknown as Work;
      const counts = [(await parcelsIn(work, work.names[0]!)).length];
      const pictures = work.names.length;
      const predicted = {
        units: (await workOn(work.names)).length,
        pictures,
        evaluations: { forward: 0, backward: 0 },
        workers: 1,
        cpuHours: 0,
        seconds: 0,
      };
      return {
        predicted,
        parcels: parcelTotal(counts, pictures),
        plan: work,
        manifests: [],
        items: itemsOf(work.names),
      };
    },
  });
  return { ledger, objects, workings, deliveries, evaluations };
};

export class EvaluationRun extends WorkflowEntrypoint<Env, Run> {
  override async run({ payload }: Readonly<WorkflowEvent<Run>>, step: WorkflowStep): Promise<string> {
    const { workings } = engineIn(this.env);
    // Looks are made as fast as they come.
    const hasty: Step = {
      do: (name, work) => step.do(name, work),
      sleep: (name) => step.sleep(name, 50),
    };
    return fanOut(payload, hasty, workings);
  }
}

/** What failed, from the parcels. */
const failuresOf = async (env: Env, id: string) => {
  const { objects, ledger } = engineIn(env);
  const { parcels } = (await ledger.find(id))!;
  const kept = await Promise.all(Array.from({ length: parcels }, (_, number) => objects.parcel(id, number)));
  return kept.flatMap((parcel) =>
    (parcel?.outcomes ?? []).flatMap((outcome) =>
      "row" in outcome ? [] : [{ id: outcome.unit.id, error: outcome.error }],
    ),
  );
};

export default {
  fetch: async (request: Request, env: Env): Promise<Response> => {
    const { evaluations } = engineIn(env);
    const [, verb = "", id = ""] = new URL(request.url).pathname.split("/");
    if (verb === "submit") {
      const spec = await request.json();
      const submitted = await evaluations.submit({ spec } as unknown as EvaluationRequest);
      return Response.json(submitted.evaluation);
    }
    if (verb === "begun") return Response.json(begun);
    if (verb === "failures") return Response.json(await failuresOf(env, id));
    if (verb === "rows") return new Response((await evaluations.rows(id)).body);
    if (verb === "report") return new Response((await evaluations.report(id, "application/json")).body);
    const info = await evaluations[verb as "get" | "cancel" | "retry"](id);
    return Response.json(info);
  },
  queue: (batch: MessageBatch<Delivery>, env: Env): Promise<void> =>
    consume(
      batch,
      { ...engineIn(env).deliveries, log: () => undefined, delayOf: () => 0 },
      batch.queue.endsWith("-dead"),
    ),
} satisfies ExportedHandler<Env, Delivery>;
