/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** Uploaded networks of a Worker's evaluations, in workerd: what is planned with one is carried out with no other. */

import { applyD1Migrations, env as bindings, type D1Migration } from "cloudflare:test";
import { beforeAll, expect, it } from "vitest";
import { createNetworks, NetworkChanged } from "../../src/cloudflare/networks.ts";
import { createModels } from "../../src/networks/registry.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { bucketUploads } from "../../src/store/bucket.ts";
import { tinyFile, type ManifestChanges } from "../support/networks/tiny.ts";
import type { Bindings } from "./engine.ts";
import { planned } from "./planned.ts";

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
  const asPlanned = [shipped.manifest, await upload(2)] as const;
  await upload(2, {}, { license: "MIT" });
  expect((await networks.segmenterOf([asPlanned[1]])).manifest.sha256).toBe(asPlanned[1].sha256);
  expect((await networks.segmenterOf(asPlanned)).manifest.name).toBe("shipped+mine");
  await networks.requireSame(asPlanned);
  expect(await networks.replaced(asPlanned)).toBeUndefined();
  for (const [seed, changes, told] of [
    [2, { input: { scale: 2 } }, /the same file with another manifest/],
    [3, {}, /replaced by one of the digest/],
  ] as const) {
    await upload(seed, changes);
    await expect(networks.requireSame(asPlanned)).rejects.toThrow(told);
    await expect(networks.segmenterOf(asPlanned)).rejects.toThrow(NetworkChanged);
    expect(await networks.replaced(asPlanned)).toEqual({ mine: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  }
  await store.removeEntry("mine");
  await expect(networks.requireSame(asPlanned)).rejects.toThrow(/network mine, .* was deleted, after the evaluation/);
  await expect(networks.segmenterOf(asPlanned)).rejects.toThrow(/was deleted/);
  expect(await networks.replaced(asPlanned)).toBeUndefined();
});

const submitted = async (id: string) => {
  const networks = createNetworks(modelsOf());
  const times = { forward: 50_000, backward: 50_000 };
  return planned(env, { id, manifest: await upload(2), attack: "fgsm", times, networks, cache });
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
