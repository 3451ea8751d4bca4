/** `faultline data push`, over HTTP, to a folder and to a bucket. */

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterAll, afterEach, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { dataIn } from "../../src/cloudflare/data.ts";
import type { DataStore } from "../../src/contract/data.ts";
import { createDataSets } from "../../src/store/data-sets.ts";
import { folderData } from "../../src/store/folder-data.ts";
import { bucketData } from "../../src/store/bucket-data.ts";
import { openBucket } from "../../src/node/s3.ts";
import { askerOf } from "../../src/node/s3-request.ts";
import { settingsFor } from "../../src/node/s3-settings.ts";
import { startS3 } from "../support/s3/server.ts";
import { memoryBucket } from "../store/memory-bucket.ts";
import { fakeService } from "../support/fake-service.ts";
import { problemIn } from "../support/api-request.ts";
import { bytesText } from "../../src/cli/text.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const pictures = { "images/one.png": "1", "images/two.png": "2", "labels/one.png": "same", "labels/two.png": "same" };
mkdirSync(path("set/images"), { recursive: true });
mkdirSync(path("set/labels"));
for (const [name, text] of Object.entries(pictures)) put(`set/${name}`, text);
put("set/.hidden", "no");

let server: Server | undefined;
afterEach(() => void server?.close());

/** A service with this store; what it received is counted. */
const serving = async (store: DataStore, uploadToken?: string) => {
  const received: string[] = [];
  const app = createApp(fakeService({ data: createDataSets(store) }), { uploadToken, limits: { uploadBytes: 64 } });
  server = createServer(
    getRequestListener((request) => {
      received.push(`${request.method} ${new URL(request.url).pathname}`);
      return app.fetch(request);
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const files = (): number => received.filter((line) => line.startsWith("PUT /v1/data/files/")).length;
  return { url, files, list: async () => (await fetch(`${url}/v1/data`)).json() };
};

const bucket = memoryBucket(2).bucket;
const s3 = await startS3({ pageSize: 2 });
afterAll(() => s3.end());
const inS3 = openBucket("s3://results/sets", (name) => askerOf(name, settingsFor(name, s3.environment)));
const stores = {
  "a folder": () => folderData(path("kept")),
  "a bucket": () => bucketData(bucket),
  "a bucket of S3": () => bucketData(inS3),
} as const;

it.each(Object.entries(stores))(
  "sends each content once to %s, and afterwards only what has changed",
  async (_, make) => {
    const store = make();
    const { url, files, list } = await serving(store);
    expect(await jsonOf("data", "push", path("set"), "--on", url)).toEqual({
      name: "set",
      files: 4,
      bytes: 10,
      sent: 3,
    });
    expect([files(), await list()]).toEqual([3, { data: [{ name: "set", files: 4, bytes: 10 }] }]);
    put("set/images/two.png", "22");
    expect(await jsonOf("data", "push", path("set"), "--on", url)).toMatchObject({ bytes: 11, sent: 1 });
    expect(await jsonOf("data", "push", path("set"), "--on", url, "--name", "b")).toMatchObject({ name: "b", sent: 0 });
    expect((await store.kept()).size).toBe(4);
    // What another data set has is kept; what was replaced belongs to none, and stays.
    expect((await fetch(`${url}/v1/data/set`, { method: "DELETE" })).status).toBe(204);
    expect([(await store.names()).join(), (await store.kept()).size]).toEqual(["b", 4]);
    expect((await fetch(`${url}/v1/data/b`, { method: "DELETE" })).status).toBe(204);
    expect((await store.kept()).size).toBe(1);
    put("set/images/two.png", "2");
  },
);

it("is told in units that fit its size", async () => {
  const { url } = await serving(folderData(path("told")));
  const { stdout } = await faultline("data", "push", path("set"), "--on", url);
  expect(stdout).toMatch(/has 4 files of 10 bytes, of which 3 were sent\n$/);
  expect([1, 1023, 1024, 1_500_000, 2 ** 30, 5 * 2 ** 40].map(bytesText).join()).toBe(
    "1 byte,1023 bytes,1.0 KiB,1.4 MiB,1.0 GiB,5.0 TiB",
  );
});

it("lies in a folder as it lay in the other, beside the operator's own, which is not replaced", async () => {
  const store = folderData(path("beside"));
  mkdirSync(path("beside/own"), { recursive: true });
  const { url } = await serving(store);
  await jsonOf("data", "push", path("set"), "--on", url);
  for (const [name, text] of Object.entries(pictures))
    expect(readFileSync(path(`beside/set/${name}`), "utf8")).toBe(text);
  expect((await faultline("data", "push", path("set"), "--on", url, "--name", "own")).stderr).toMatch(
    /422: own is .* own/,
  );
});

it("is read from a bucket by its paths", async () => {
  const store = bucketData(memoryBucket().bucket);
  const { url } = await serving(store);
  await jsonOf("data", "push", path("set"), "--on", url);
  const files = await dataIn(store)("set");
  expect(await files.list()).toEqual(Object.keys(pictures).toSorted());
  expect(new TextDecoder().decode(await files.read("images/two.png"))).toBe("2");
  await expect(dataIn(store)("other")).rejects.toMatchObject({ failure: { kind: "invalid-spec" } });
});

it("needs the token, and is bounded", async () => {
  const { url } = await serving(folderData(path("guarded")), "secret");
  expect((await faultline("data", "push", path("set"), "--on", url)).stderr).toMatch(/401.*FAULTLINE_TOKEN/);
  const headers = { Authorization: "Bearer secret", "Content-Type": "application/json" };
  const sent = (name: string, files: unknown) =>
    fetch(`${url}/v1/data/${name}`, { method: "PUT", headers, body: JSON.stringify({ files }) });
  const file = { path: "a", sha256: "0".repeat(64), bytes: 1 };
  for (const bad of ["../a", "/a", "a//b", ".a", "a\\b", "a\u0000"])
    expect(await problemIn(await sent("x", [{ ...file, path: bad }]))).toMatchObject({
      errors: [{ pointer: "/files/0/path" }],
    });
  expect(await problemIn(await sent("x", [file, { ...file, path: "a/b" }]))).toMatchObject({
    detail: "a is a file and a folder",
  });
  expect(await problemIn(await sent("x", []))).toMatchObject({ status: 422 });
  expect((await sent(".x", [file])).status).toBe(422);
  const bytes = (size: number, digest: string) =>
    fetch(`${url}/v1/data/files/${digest}`, {
      method: "PUT",
      headers: { ...headers, "Content-Type": "application/octet-stream" },
      body: new Uint8Array(size),
    });
  expect(await problemIn(await bytes(1, "0".repeat(64)))).toMatchObject({ type: "/problems/data-refused" });
  expect((await bytes(65, "0".repeat(64))).status).toBe(413);
  expect((await bytes(1, "..")).status).toBe(404);
});

it("says what is wrong with the folder", async () => {
  const where = ["--on", "http://127.0.0.1:2"];
  expect((await faultline("data", "push", path("none"), ...where)).stderr).toMatch(/none: no such folder/);
  expect((await faultline("data", "pull", path("set"), ...where)).stderr).toMatch(/data push DIR/);
  expect((await faultline("data", "push", path("set"), ...where)).stderr).toMatch(/cannot be reached/);
  rmSync(path("set/.hidden"));
  writeFileSync(path("set/.hidden"), "");
});
