/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** Uploaded networks of a Worker's evaluations, in workerd: what is planned with one is carried out with no other. */

import {
  applyD1Migrations,
  createExecutionContext,
  createMessageBatch,
  env as bindings,
  getQueueResult,
  type D1Migration,
} from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import { createCarrier } from "../../src/cloudflare/carrier.ts";
import { consume } from "../../src/cloudflare/consume.ts";
import { createDeliveries, type Delivery } from "../../src/cloudflare/deliveries.ts";
import { createLedger } from "../../src/cloudflare/ledger.ts";
import { createNetworks, NetworkChanged } from "../../src/cloudflare/networks.ts";
import { createObjects } from "../../src/cloudflare/objects.ts";
import { createPlace } from "../../src/cloudflare/place.ts";
import { parcelsBy, parsedSpec, pictureOf, type CloudPlan } from "../../src/cloudflare/plan.ts";
import { parcelTotal, repeatedOf } from "../../src/jobs/numbered.ts";
import { createModels } from "../../src/networks/registry.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { bucketUploads } from "../../src/store/bucket.ts";
import { tinyFile, type ManifestChanges } from "../support/networks/tiny.ts";
import type { Bindings } from "./engine.ts";

const env = bindings as unknown as Bindings & { readonly MIGRATIONS: D1Migration[] };
beforeAll(() => applyD1Migrations(env.LEDGER, env.MIGRATIONS));

const absent = () => Promise.reject(new Error("nothing is run here"));
const cache = new SessionCache({ backend: "wasm", version: "0", createSession: absent } as never, 2 ** 26);
const shipped = tinyFile({ classes: 11, seed: 1 }, { name: "shipped" });
const store = bucketUploads(env.DATA);
/** What an isolate has, which knows nothing of uploads that another one took. */
const modelsOf = () =>
  createModels({
    store: { manifests: [shipped.manifest], read: () => Promise.resolve(shipped.bytes) },
    uploads: store,
    cache,
    foundBy: "",
  });

let versions = 0;
const upload = async (seed: number, changes: ManifestChanges = {}, told: Partial<Manifest> = {}): Promise<Manifest> => {
  const file = tinyFile({ classes: 11, seed }, { name: "mine", ...changes });
  const manifest = { ...file.manifest, ...told, file: `${(versions += 1)}.onnx` };
  await store.write({ manifest, info: {} as never, foundBy: "" }, file.bytes);
  return manifest;
};

it("finds networks of both kinds, and names both where there is none", async () => {
  const networks = createNetworks(modelsOf());
  const mine = await upload(2);
  const found = await networks.manifestsOf(["mine", "shipped"]);
  expect(found).toEqual([mine, shipped.manifest]);
  expect(networks.uploadedOf(found)).toEqual({ mine: mine.sha256 });
  expect(networks.uploadedOf([shipped.manifest])).toBeUndefined();
  const failure = { kind: "unknown-model", model: "other", accepted: ["shipped", "mine"] };
  await expect(networks.manifestsOf(["other"])).rejects.toMatchObject({ failure });
});

it("knows another network of the name, by its file or by how it is run, and the same one", async () => {
  const networks = createNetworks(modelsOf());
  const planned = [shipped.manifest, await upload(2)] as const;
  await upload(2, {}, { license: "MIT" });
  expect((await networks.segmenterOf([planned[1]])).manifest.sha256).toBe(planned[1].sha256);
  expect((await networks.segmenterOf(planned)).manifest.name).toBe("shipped+mine");
  await networks.requireSame(planned);
  expect(await networks.replaced(planned)).toBeUndefined();
  for (const [seed, changes, told] of [
    [2, { input: { scale: 2 } }, /the same file with another manifest/],
    [3, {}, /replaced by one of the digest/],
  ] as const) {
    await upload(seed, changes);
    await expect(networks.requireSame(planned)).rejects.toThrow(told);
    await expect(networks.segmenterOf(planned)).rejects.toThrow(NetworkChanged);
    expect(await networks.replaced(planned)).toEqual({ mine: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  }
  await store.removeEntry("mine");
  await expect(networks.requireSame(planned)).rejects.toThrow(/network mine, .* was deleted, after the evaluation/);
  await expect(networks.segmenterOf(planned)).rejects.toThrow(/was deleted/);
  expect(await networks.replaced(planned)).toBeUndefined();
});

/** An evaluation of the upload, all of whose parcels have been sent, and what carries these out. */
const submitted = async (id: string) => {
  const manifest = await upload(2);
  const given = {
    networks: ["mine"],
    data: { images: 2, size: { width: 16, height: 16 } },
    attacks: ["fgsm"],
    epsilon: 4,
  };
  const spec = await parsedSpec(given as never);
  const times = { 0: { forward: 50_000, backward: 50_000 } };
  const { counts, units } = parcelsBy(await pictureOf(spec, [manifest]), times);
  const facts = { name: "streets", kind: "streets", items: 2, digest: "" };
  const size = { width: 16, height: 16 };
  const plan: CloudPlan = { counts, units: repeatedOf(units), times, data: null, reading: {}, size, facts };
  const parcels = parcelTotal(counts, 2);
  const evaluations = { forward: 0, backward: 0 };
  const predicted = { units: 4, pictures: 2, evaluations, workers: 1, cpuHours: 0, seconds: 0 };
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
  const place = createPlace({
    networks: createNetworks(modelsOf()),
    cache,
    exclusive: (run) => run(),
    openData: absent,
    draw: absent,
    now: () => Promise.resolve(0),
  });
  const carrier = createCarrier(place, objects, "1.2.3");
  const sent: Delivery[] = [];
  const send = (delivery: Delivery) => Promise.resolve(sent.push(delivery));
  const deliveries = createDeliveries({ ledger, objects, carrier, send, now: () => Promise.resolve(0) });
  const deliver = async (number: number): Promise<boolean> => {
    const body = { evaluation: id, run: 1, number };
    const batch = createMessageBatch<Delivery>("units", [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
    await consume(batch, { ...deliveries, log: () => undefined }, false);
    return (await getQueueResult(batch, createExecutionContext())).explicitAcks.includes("m");
  };
  return { ledger, carrier, deliver, parcels };
};

it.each([
  [
    "replaced",
    () => upload(3),
    /was replaced by one of the digest [0-9a-f]{64}, after the evaluation was planned: .* submit/,
  ],
  ["deleted", () => store.removeEntry("mine"), /the network mine, of the digest [0-9a-f]{64}, was deleted, after/],
] as const)(
  "ends a run whose network was %s, and says so, between two of its parcels too",
  async (word, change, reason) => {
    const { ledger, carrier, deliver, parcels } = await submitted(word);
    expect(parcels).toBeGreaterThan(1);
    // The plan is known to the isolate from here on.
    expect((await carrier.open((await ledger.find(word))!, 0)).parcel.length).toBeGreaterThan(0);
    await change();
    expect(await deliver(1)).toBe(true);
    expect(await ledger.find(word)).toMatchObject({ state: "failed", reason: expect.stringMatching(reason) as string });
    expect(await ledger.progress(word)).toMatchObject({ units: 0, failed: 0 });
    // Those that are still on their way are not carried out, nor delivered again.
    expect(await deliver(0)).toBe(true);
    // Once it is there again, a retry goes on.
    await upload(2);
    expect(await ledger.nextRun(word, 1)).toBe(true);
    expect((await carrier.open((await ledger.find(word))!, 1)).parcel.length).toBeGreaterThan(0);
  },
);
