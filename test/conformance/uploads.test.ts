/** Networks uploaded to the Worker, which keeps them in a bucket. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { startWorker } from "../../scripts/workerd.ts";
import type { ModelInfo } from "../../src/contract/models.ts";
import { formBody, type Client } from "../support/api-request.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { makeScene } from "./scene.ts";
import { attackWith, okJson, openWorker, outcome, refused, unfinished } from "./worker.ts";
import { shippedManifests } from "../../scripts/shipped/list.ts";

interface Upload {
  readonly manifest: object;
  readonly bytes: Uint8Array;
}

const formOf = ({ manifest, bytes }: Upload): FormData => {
  const form = new FormData();
  form.set("model", new Blob([new Uint8Array(bytes)]), "model.onnx");
  form.set("manifest", new Blob([JSON.stringify(manifest)], { type: "application/json" }), "manifest.json");
  return form;
};

const upload = (client: Client, file: Upload, query = "", headers: Record<string, string> = {}): Promise<Response> =>
  client.send(`/v1/models${query}`, { method: "POST", body: formOf(file), headers });

const remove = (client: Client, name: string, headers: Record<string, string> = {}): Promise<Response> =>
  client.send(`/v1/models/${name}`, { method: "DELETE", headers });

const bundled = new Set(shippedManifests().map(({ name }) => name));

/** Of the default network, and of those uploaded. */
const namesOf = async (client: Client): Promise<string[]> => {
  const { models } = await okJson<{ models: ModelInfo[] }>(await client.send("/v1/models"));
  return models.map(({ name }) => name).filter((name) => name === "enet-street" || !bundled.has(name));
};

const scene = makeScene(7, 96, 72);
const image = { image: scene.png };
const spec = { attack: "ifgsm", epsilon: 4, images: [] };
const mine = tinyFile({}, { name: "mine" });
const better = tinyFile({ seed: 2 }, { name: "mine" });

const shippedFolder = fileURLToPath(new URL("../../models/enet-street", import.meta.url));
const shipped: Upload & { readonly manifest: { readonly name: string; readonly sha256: string } } = {
  manifest: JSON.parse(readFileSync(join(shippedFolder, "manifest.json"), "utf8")) as { name: string; sha256: string },
  bytes: readFileSync(join(shippedFolder, "model.onnx")),
};

describe("with a bucket", () => {
  const client = openWorker({ bucket: "forgotten" });

  it("a network whose weights are in another file is uploaded in two parts", async () => {
    const read = (name: string) =>
      new Blob([readFileSync(fileURLToPath(new URL(`../fixtures/networks/${name}`, import.meta.url)))]);
    const form = new FormData();
    form.set("model", read("net.onnx"), "net.onnx");
    form.set("data", read("net.onnx.data"), "net.onnx.data");
    form.set("manifest", new Blob(['{"name":"beside"}'], { type: "application/json" }), "manifest.json");
    const created = await client.send("/v1/models", { method: "POST", body: form });
    expect([created.status, created.headers.get("location")]).toEqual([201, "/v1/models/beside"]);
    form.set("data", read("net.onnx.data"), "../net.onnx.data");
    form.set("manifest", new Blob(['{"name":"outside"}'], { type: "application/json" }), "manifest.json");
    const refusal = await client.send("/v1/models", { method: "POST", body: form });
    expect([refusal.status, await refusal.text()]).toEqual([422, expect.stringContaining("no path in the folder")]);
    expect((await remove(client, "beside")).status).toBe(204);
  });

  it("a network is uploaded, listed, attacked, replaced and deleted", async () => {
    const created = await upload(client, mine);
    expect([created.status, created.headers.get("location")]).toEqual([201, "/v1/models/mine"]);
    const { assumed, ...info }: ModelInfo & { readonly assumed: readonly string[] } = await created.json();
    expect(assumed).toEqual([]);
    expect(info).toMatchObject({ name: "mine", sha256: mine.manifest.sha256, gradient: { supported: true } });
    expect(await okJson(await client.send("/v1/models/mine"))).toEqual(info);
    expect(await namesOf(client)).toEqual(["enet-street", "mine"]);

    const before = await attackWith(client, image, { ...spec, model: "mine" });
    expect(before.receipt).toMatchObject({ model: "mine", modelSha256: mine.manifest.sha256 });
    expect(before.scores.float.miou.adversarial).toBeLessThan(1);
    expect((await client.form("/v1/segment", image, { model: "mine" })).status).toBe(200);
    const maps = { prediction: scene.labelsPng, reference: scene.labelsPng };
    const labels = { ...maps, adversarial: scene.labelsPng };
    // Its four classes, and the scene has more.
    expect(await outcome(await client.form("/v1/score", labels, { model: "mine" }))).toEqual([422, "labels-class-out-of-range"]); // prettier-ignore
    const grid = { model: "mine", attacks: ["fgsm"], epsilons: [1] };
    expect((await client.form("/v1/robustness", image, grid)).status).toBe(200);

    expect((await upload(client, mine)).status).toBe(200);
    await refused(await upload(client, better), 409, "model-exists");
    const replaced = await upload(client, better, "?replace=true");
    expect([replaced.status, replaced.headers.get("location")]).toEqual([200, null]);
    const after = await attackWith(client, image, { ...spec, model: "mine" });
    expect(after.receipt.modelSha256).toBe(better.manifest.sha256);
    expect(after.scores).not.toEqual(before.scores);

    expect((await remove(client, "mine")).status).toBe(204);
    expect(await namesOf(client)).toEqual(["enet-street"]);
    const gone = await client.form("/v1/attack", image, { ...spec, model: "mine" });
    expect(await refused(gone, 404, "unknown-model")).toMatchObject({
      accepted: expect.arrayContaining(["enet-street"]),
    });
    await refused(await remove(client, "mine"), 404, "unknown-model");
  });

  it("the shipped network under another name is the shipped network", async () => {
    const copy = { ...shipped, manifest: { ...shipped.manifest, name: "copy" } };
    expect((await upload(client, copy)).status).toBe(201);
    const [own, uploaded] = [await attackWith(client, image, spec), await attackWith(client, image, { ...spec, model: "copy" })]; // prettier-ignore
    expect(uploaded.scores).toEqual(own.scores);
    expect(uploaded.perturbation).toEqual(own.perturbation);
    expect((await remove(client, "copy")).status).toBe(204);
  });

  it("requests for several networks at once are all answered, each by its own", async () => {
    const files = ["one", "two", "three"].map((name, i) => tinyFile({ seed: 5 + i }, { name }));
    const uploads = await Promise.all(files.map((file) => upload(client, file)));
    expect(uploads.map(({ status }) => status)).toEqual([201, 201, 201]);
    const names = ["one", "two", "enet-street", "three", "one", "nothing", "two"];
    const labelsOf = async (model: string) => {
      const response = await client.form("/v1/segment", image, { model }, { accept: "image/png" });
      return [model, response.status, response.ok ? Buffer.from(await response.arrayBuffer()).toString("base64") : ""];
    };
    const together = await Promise.all(names.map(labelsOf));
    const alone: typeof together = [];
    for (const name of names) alone.push(await labelsOf(name));
    expect(together).toEqual(alone);
    expect(new Set(alone.map(([, , labels]) => labels)).size).toBe(5);
    const removals = await Promise.all(files.map(({ manifest }) => remove(client, manifest.name)));
    expect(removals.map(({ status }) => status)).toEqual([204, 204, 204]);
  });

  it.each<[string, Upload, number, string, string]>([
    ["a shipped name", shipped, 409, "model-exists", "/manifest/name"],
    ["a path for a name", { ...mine, manifest: { ...mine.manifest, name: "../mine" } }, 422, "invalid-request", "/manifest/name"], // prettier-ignore
    ["another digest", { ...mine, bytes: better.bytes }, 422, "manifest-mismatch", "/manifest/sha256"],
    ["a file that is none", { manifest: { ...mine.manifest, sha256: undefined }, bytes: scene.png }, 422, "network-refused", "/model"], // prettier-ignore
    ["half a file", { manifest: { ...mine.manifest, sha256: undefined }, bytes: mine.bytes.subarray(0, 1000) }, 422, "network-refused", "/model"], // prettier-ignore
    ["too few outputs", tinyFile({ outputs: 3 }, { name: "mine" }), 422, "manifest-mismatch", "/manifest/classes"],
    ["an unknown field", { ...mine, manifest: { ...mine.manifest, colour: 1 } }, 422, "invalid-request", "/manifest/colour"], // prettier-ignore
  ])("%s is refused, and nothing is kept", async (_, file, status, kind, pointer) => {
    const problem = await refused(await upload(client, file, "?replace=true"), status, kind);
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
    expect(await namesOf(client)).toEqual(["enet-street"]);
  });

  it("what is too large for the memory, and what is over the limit, are refused", async () => {
    const huge = tinyFile({}, { name: "mine", input: { width: 4096, height: 4096 } });
    await refused(await upload(client, huge), 413, "memory-exceeded");
    const limitBytes = 16 * 2 ** 20;
    const headers = { "content-type": "multipart/form-data; boundary=b", "content-length": String(limitBytes + 1) };
    const large = await unfinished(client, "/v1/models", headers);
    expect(await refused(large, 413, "body-too-large")).toMatchObject({ limitBytes });
  });

  it("the shipped network cannot be deleted, and other paths reach nothing", async () => {
    await refused(await remove(client, "enet-street"), 403, "model-shipped");
    for (const name of ["..%2fenet-street", "manifests%2fmine.json", "%00"])
      await refused(await remove(client, name), 404, "unknown-model");
    expect((await client.send("/v1/attack", { method: "POST", body: formBody(image, spec) })).status).toBe(200);
  });
});

describe("without a bucket", () => {
  const client = openWorker();

  it("there are no uploads, and the problem says how there would be", async () => {
    for (const response of [await upload(client, mine), await remove(client, "mine")])
      expect((await refused(response, 501, "uploads-disabled")).detail).toContain("R2 bucket");
    expect(await namesOf(client)).toEqual(["enet-street"]);
  });
});

describe("with a token", () => {
  const client = openWorker({ bucket: "forgotten", bindings: { UPLOAD_TOKEN: "swordfish" } });

  it("only who has it uploads and deletes", async () => {
    for (const headers of [{}, { authorization: "Bearer sword" }] as Record<string, string>[]) {
      const response = await upload(client, mine, "", headers);
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
      await refused(response, 401, "unauthorized");
      await refused(await remove(client, "mine", headers), 401, "unauthorized");
    }
    const authorization = "Bearer swordfish";
    expect((await upload(client, mine, "", { authorization })).status).toBe(201);
    expect((await client.form("/v1/segment", image, { model: "mine" })).status).toBe(200);
    expect((await remove(client, "mine", { authorization })).status).toBe(204);
  });
});

describe("a bucket that is kept", () => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-bucket-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("holds the network for a Worker that starts later", async () => {
    const during = async <T>(run: (url: URL) => Promise<T>): Promise<T> => {
      const worker = startWorker({ bucket: { folder } });
      try {
        return await run(await worker.ready);
      } finally {
        await worker.dispose();
      }
    };
    const created = await during((url) => fetch(new URL("/v1/models", url), { method: "POST", body: formOf(mine) }));
    expect(created.status).toBe(201);
    const body = formBody(image, { model: "mine" });
    expect((await during((url) => fetch(new URL("/v1/segment", url), { method: "POST", body }))).status).toBe(200);
  });
});
