/** Evaluations of uploaded networks under Node: each goes on with the network that it was planned with, whatever becomes of the upload. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { GivenSpec } from "../../src/evaluation/spec.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { startEvaluations } from "../../src/node/evaluations/evaluations.ts";
import { openBucket } from "../../src/node/s3.ts";
import { uploadedNetworks } from "../../src/node/uploaded.ts";
import type { UploadStore } from "../../src/networks/upload-store.ts";
import { bucketUploads } from "../../src/store/bucket.ts";
import { folderUploads } from "../../src/store/folder.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { tinyFile, type ManifestChanges } from "../support/networks/tiny.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";

const { folder, path, put } = temporaryFolder();
for (const each of ["models/one", "scratch"]) mkdirSync(path(each), { recursive: true });
/** Streets have eleven classes. */
const network = (name: string, seed: number, changes: ManifestChanges = {}) =>
  tinyFile({ activation: "Tanh", classes: 11, seed }, { name, ...changes });
const shipped = network("one", 1);
put("models/one/model.onnx", shipped.bytes);
put("models/one/manifest.json", JSON.stringify(shipped.manifest));

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3({ pageSize: 2 });
  for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
  vi.stubEnv("TMPDIR", path("scratch"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await s3.end();
});

let versions = 0;
/** Uploads a network in place of a former one, as the service does; returns its digest. */
const upload = async (store: UploadStore, file: ReturnType<typeof network>): Promise<string> => {
  const name = file.manifest.name;
  const former = (await store.entry(name)) as { readonly manifest: { readonly file: string } } | null;
  const manifest = { ...file.manifest, file: `${(versions += 1)}.onnx` };
  await store.write({ manifest, info: {} as never, foundBy: "" }, file.bytes);
  if (former) await store.removeFile(name, former.manifest.file);
  return manifest.sha256;
};
const remove = async (store: UploadStore, name: string): Promise<void> => {
  const { manifest } = (await store.entry(name)) as { readonly manifest: { readonly file: string } };
  await store.removeEntry(name);
  await store.removeFile(name, manifest.file);
};

interface Place {
  readonly place: string;
  readonly uploads: string;
  readonly store: () => UploadStore;
  /** What is kept of an evaluation. */
  readonly left: (id: string) => readonly string[];
}

const inFolder = (): Place => {
  const own = mkdtempSync(join(folder, "a-"));
  const [place, uploads] = [join(own, "evaluations"), join(own, "uploads")];
  return {
    place,
    uploads,
    store: () => folderUploads(uploads),
    left: (id) => readdirSync(place).filter((name) => name === id),
  };
};
let prefixes = 0;
const inBucket = (): Place => {
  const prefix = `uploaded/${(prefixes += 1)}`;
  const uploads = `s3://results/${prefix}/uploads`;
  return {
    place: `s3://results/${prefix}/evaluations`,
    uploads,
    store: () => bucketUploads(openBucket(uploads)),
    left: (id) => [...s3.objects.keys()].filter((key) => key.startsWith(prefix) && key.includes(id)),
  };
};

const start = ({ place, uploads }: Place) =>
  startEvaluations({
    place,
    models: path("models"),
    uploads,
    data: null,
    workers: 1,
    maxCpuHours: 1,
    lease: { beatMs: 50, onLost: expect.unreachable },
    log: () => undefined,
  });
type Service = Awaited<ReturnType<typeof start>>["evaluations"];

const data = { images: 1, size: { width: 32, height: 32 } };
const spec: GivenSpec = { networks: ["one", "mine"], transferFrom: ["mine"], data, attacks: ["fgsm"], epsilon: 4 };
/** Lasts until it is cancelled. */
const endless: GivenSpec = { networks: ["one"], data, attacks: [{ attack: "pgd", steps: 100_000 }], epsilon: 2 };

const rowsOf = async ({ rows }: Service, id: string): Promise<Row[]> =>
  (await new Response((await rows(id)).body).text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
const digestsIn = (rows: readonly Row[]): Set<string> =>
  new Set(
    rows.flatMap(({ unit: { networkSha256, source } }) => [networkSha256, ...(source === undefined ? [] : [source])]),
  );
const ended = ({ follow }: Service, id: string) => follow(id, { onChange: () => undefined });

describe.each([
  ["a folder", inFolder],
  ["a bucket", inBucket],
] as const)("evaluations of uploaded networks, in %s", (_, made) => {
  it("go on with the network that they were planned with while it is replaced, deleted, and the service started anew", async () => {
    const at = made();
    const store = at.store();
    const first = await start(at);
    const sha256 = await upload(store, network("mine", 2));
    const blocker = (await first.evaluations.submit({ spec: endless })).evaluation;
    const submitted = (await first.evaluations.submit({ spec })).evaluation;
    expect(submitted).toMatchObject({ state: "queued", uploaded: { mine: sha256 } });
    expect(blocker.uploaded).toBeUndefined();
    await upload(store, network("mine", 3));
    await first.end();

    const second = await start(at);
    await remove(store, "mine");
    await second.evaluations.cancel(blocker.id);
    const done = await ended(second.evaluations, submitted.id);
    expect(done).toMatchObject({ state: "done", uploaded: { mine: sha256 } });
    const seen = digestsIn(await rowsOf(second.evaluations, submitted.id));
    expect(seen).toEqual(new Set([shipped.manifest.sha256, sha256]));
    const report = await new Response((await second.evaluations.report(submitted.id, "application/json")).body).text();
    expect(report).toContain(sha256);
    expect(report).not.toMatch(/uploaded\/|s3:/);
    for (const { id } of [blocker, submitted]) {
      await second.evaluations.remove(id);
      expect(at.left(id)).toEqual([]);
    }
    await second.end();
  });

  it("keep a key for the network that it was planned with, and are answered with it once that is deleted", async () => {
    const at = made();
    const store = at.store();
    const { evaluations, end } = await start(at);
    await upload(store, network("mine", 2));
    const request = { spec, idempotencyKey: "a" };
    const { evaluation } = await evaluations.submit(request);
    await upload(store, network("mine", 2));
    expect((await evaluations.submit(request)).evaluation.id).toBe(evaluation.id);
    // The same file, which is run in another way.
    await upload(store, network("mine", 2, { input: { scale: 2 } }));
    const failure = { kind: "key-reused", replaced: { mine: expect.stringMatching(/^[0-9a-f]{64}$/) as string } };
    await expect(evaluations.submit(request)).rejects.toMatchObject({ failure });
    await remove(store, "mine");
    expect((await evaluations.submit(request)).evaluation.id).toBe(evaluation.id);
    await evaluations.remove(evaluation.id);
    await end();
  });

  it("name what there is, uploaded networks too, and what cannot be read", async () => {
    const at = made();
    const store = at.store();
    const { evaluations, end } = await start(at);
    await upload(store, network("mine", 2));
    const predict = (name: string) => evaluations.predict({ spec: { ...spec, networks: [name], transferFrom: [] } });
    await expect(predict("two")).rejects.toMatchObject({
      failure: { kind: "unknown-model", model: "two", accepted: ["one", "mine"] },
    });
    expect(await predict("mine")).toMatchObject({ units: 2 });
    await expect(predict("../mine")).rejects.toMatchObject({ failure: { kind: "unknown-model" } });
    await store.write(
      { manifest: { ...network("mine", 4).manifest, file: "5.onnx" }, info: {} as never, foundBy: "" },
      new Uint8Array(3),
    );
    const refused = {
      kind: "evaluation-refused",
      reason: expect.stringMatching(/^uploaded\/mine\/5\.onnx: /) as string,
    };
    await expect(predict("mine")).rejects.toMatchObject({ failure: refused });
    await end();
    expect(readdirSync(path("scratch")).filter((name) => name.startsWith("faultline"))).toEqual([]);
  });
});

it("leaves nothing in a bucket of an evaluation whose service was killed before it was kept", async () => {
  const at = inBucket();
  const stray = `${at.place.slice("s3://results/".length)}/networks/0/mine/model.onnx`;
  s3.objects.set(stray, new Uint8Array(1));
  await (await start(at)).end();
  expect(s3.objects.has(stray)).toBe(false);
});

it("says what became of a network while it was being planned", async () => {
  const store = folderUploads(path("planned"));
  const networks = uploadedNetworks(path("planned"), (reason) => reason);
  await upload(store, network("mine", 2));
  const before = (await networks.find("mine"))!;
  await upload(store, network("mine", 3));
  const put = () => networks.putInto(mkdtempSync(join(folder, "put-")), before);
  const failed = (word: string) => ({
    failure: { kind: "model-unavailable", model: "mine", reason: expect.stringContaining(word) as string },
  });
  await expect(put()).rejects.toMatchObject(failed("replaced while"));
  await remove(store, "mine");
  await expect(put()).rejects.toMatchObject(failed("deleted while"));
});

const memory = "/dev/shm";
const isOtherDisk = existsSync(memory) && statSync(memory).dev !== statSync(folder).dev;
it.skipIf(!isOtherDisk)("takes the file of an upload on another disk", async () => {
  const uploads = mkdtempSync(join(memory, "faultline-"));
  const file = network("mine", 2);
  await upload(folderUploads(uploads), file);
  const networks = uploadedNetworks(uploads, (reason) => reason);
  const found = (await networks.find("mine"))!;
  await networks.putInto(path("scratch"), found);
  expect(readFileSync(path("scratch", "mine", found.manifest.file))).toEqual(Buffer.from(file.bytes));
});
