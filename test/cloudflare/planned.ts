/** An evaluation of two drawn streets in workerd, all of whose parcels have been sent, and what carries these out. */

import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { createCarrier } from "../../src/cloudflare/carrier.ts";
import { consume } from "../../src/cloudflare/consume.ts";
import { createDeliveries, type Delivery } from "../../src/cloudflare/deliveries.ts";
import { createLedger } from "../../src/cloudflare/ledger.ts";
import { createObjects } from "../../src/cloudflare/objects.ts";
import { createPlace, type PlaceOptions } from "../../src/cloudflare/place.ts";
import { parcelsBy, parsedSpec, pictureOf, type CloudPlan } from "../../src/cloudflare/plan.ts";
import type { StepTimes } from "../../src/jobs/step-times.ts";
import { parcelTotal, repeatedOf } from "../../src/jobs/numbered.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import type { Bindings } from "./engine.ts";

const PICTURES = 2;

export interface Planned extends Pick<PlaceOptions, "networks" | "cache"> {
  readonly id: string;
  /** Of its network. */
  readonly manifest: Manifest;
  readonly attack: string | { readonly attack: string; readonly steps: number };
  readonly times: StepTimes;
  readonly draw?: PlaceOptions["draw"];
}

const absent = () => Promise.reject(new Error("nothing is read here"));

export const planned = async (
  env: Pick<Bindings, "DATA" | "LEDGER">,
  { id, manifest, attack, times: step, networks, cache, draw = absent }: Planned,
) => {
  const size = { width: 16, height: 16 };
  const given = { networks: ["mine"], data: { images: PICTURES, size }, attacks: [attack], epsilon: 4 };
  const spec = await parsedSpec(given as never);
  const times = { 0: step };
  const { counts, units } = parcelsBy(await pictureOf(spec, [manifest]), times);
  const facts = { name: "streets", kind: "streets", items: PICTURES, digest: "" };
  const plan: CloudPlan = { counts, units: repeatedOf(units), times, data: null, reading: {}, size, facts };
  const parcels = parcelTotal(counts, PICTURES);
  const evaluations = { forward: 0, backward: 0 };
  const predicted = { units: 4, pictures: PICTURES, evaluations, workers: 1, cpuHours: 0, seconds: 0 };
  const ledger = createLedger(env.LEDGER);
  const objects = createObjects(env.DATA);
  await objects.putItems(id, [
    { name: "a", street: 1 },
    { name: "b", street: 2 },
  ] as never);
  await objects.putManifests(id, [manifest]);
  await ledger.add(id, { spec: given as never, predicted, maxCpuHours: 1, parcels, plan }, undefined);
  await ledger.setState(id, 1, ["queued"], "running");
  await ledger.send(id, 1, 0, parcels);
  const now = () => Promise.resolve(0);
  const place = createPlace({ networks, cache, draw, exclusive: (run) => run(), openData: absent, now });
  const carrier = createCarrier(place, objects, "1.2.3");
  const sent: Delivery[] = [];
  const send = (delivery: Delivery) => Promise.resolve(sent.push(delivery));
  const deliveries = createDeliveries({ ledger, objects, carrier, send, now });
  /** @returns whether the message was acknowledged. */
  const deliver = async (number: number): Promise<boolean> => {
    const body = { evaluation: id, run: 1, number };
    const batch = createMessageBatch<Delivery>("units", [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
    await consume(batch, { ...deliveries, log: () => undefined }, false);
    return (await getQueueResult(batch, createExecutionContext())).explicitAcks.includes("m");
  };
  return { ledger, objects, carrier, deliver, parcels };
};
