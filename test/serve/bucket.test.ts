/** A server whose data sets, uploaded networks and evaluations are in a bucket: pushed over HTTP, evaluated, found again by one of another machine; an address is never taken from a request, nor told in an answer. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import type { EvaluationInfo } from "../../src/contract/evaluations.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { startS3 } from "../support/s3/server.ts";
import { faultline, jsonOf, temporaryFolder } from "../cli/terminal.ts";
import { spawnServer, startServer } from "./serving.ts";

const { path, put } = temporaryFolder();
const networkIn = (folder: string, name: string, seed: number) => {
  const { bytes, manifest } = tinyFile({ activation: "Tanh", seed }, { name });
  mkdirSync(path(folder, name), { recursive: true });
  put(`${folder}/${name}/model.onnx`, bytes);
  put(`${folder}/${name}/manifest.json`, JSON.stringify(manifest));
  return { bytes, manifest };
};
networkIn("models", "one", 1);
const other = networkIn("elsewhere", "two", 2);
for (const part of ["images", "labels"]) mkdirSync(path("noise", part), { recursive: true });
for (let i = 0; i < 3; i++) {
  put(`noise/images/${i}.png`, encodePng(noiseImage(12, 16, i)));
  put(`noise/labels/${i}.png`, encodeLabels(noiseLabels(12, 16, 4, i, true), []));
}

const s3 = await startS3({ pageSize: 2 });
afterAll(() => s3.end());
const flags = (place: string): string[] =>
  ["--models", path("models"), "--data", `${place}/data`, "--uploads", `${place}/networks`].concat([
    "--evaluations",
    `${place}/evaluations`,
    "--workers",
    "1",
    "--backend",
    "wasm",
    "--max-cpu-hours",
    "1",
  ]);

it("evaluates what was pushed into it, as the command line does on the folder", async () => {
  for (const machine of ["a", "b"]) mkdirSync(path(machine));
  const server = await startServer(flags("s3://results/served"), { ...s3.environment, TMPDIR: path("a") });
  expect(await jsonOf("data", "push", path("noise"), "--on", server.url)).toMatchObject({ files: 6, sent: 6 });
  expect([...s3.objects.keys()].filter((key) => key.startsWith("served/data/files/")).length).toBe(6);
  const argv = ["one", "--data", "noise", "--attacks", "ifgsm", "--epsilon", "1,4"];
  const on = await faultline("evaluate", ...argv, "--on", server.url, "-o", path("on.jsonl"));
  expect(on).toMatchObject({ code: 0 });
  const here = ["--data", path("noise"), "--attacks", "ifgsm", "--epsilon", "1,4", "--workers", "1"];
  expect(await faultline("evaluate", path("models/one"), ...here, "-o", path("here.jsonl"))).toMatchObject({ code: 0 });
  expect(readFileSync(path("on.jsonl"), "utf8")).toBe(readFileSync(path("here.jsonl"), "utf8"));
  const post = async (given: object) => {
    const headers = { "content-type": "application/json" };
    const spec = { networks: ["one"], attacks: ["ifgsm"], epsilon: [1], data: given };
    const response = await fetch(`${server.url}/v1/evaluations`, {
      method: "POST",
      headers,
      body: JSON.stringify({ spec }),
    });
    return (await response.json()) as EvaluationInfo & { readonly detail: string };
  };
  for (const address of ["s3://results/served/data#noise", "s3://results", "served/data"])
    expect((await post({ path: address })).detail).toMatch(
      /must be the name of a data set of this deployment: noise\./,
    );
  const evaluations = async (url: string): Promise<string> => {
    const [key] = [...s3.objects.keys()].flatMap((name) => /evaluations\/records\/(.*)\.json$/.exec(name)?.[1] ?? []);
    const at = `${url}/v1/evaluations/${key}`;
    return (
      await Promise.all(
        [at, `${at}/rows`, `${at}/report`].map(async (place) => {
          const response = await fetch(place, { headers: { accept: "application/json, application/jsonl" } });
          return `${response.status} ${await response.text()}`;
        }),
      )
    ).join("\n");
  };
  const kept = await evaluations(server.url);
  expect(kept).toMatch(/^200 .*"state":"done"/);
  expect(kept).not.toMatch(/s3:|^(?!200)\d{3} /m);
  const file = [...s3.objects.entries()].find(([key]) => key.startsWith("served/data/files/"))!;
  s3.objects.delete(file[0]);
  const { detail } = await post({ path: "noise", images: 3 });
  expect(detail).toMatch(/noise/);
  expect(detail).not.toMatch(/s3:|127\.0\.0\.1|served/);
  s3.objects.set(...file);
  const form = new FormData();
  form.append("model", new Blob([other.bytes]));
  form.append("manifest", JSON.stringify(other.manifest));
  const uploaded = await fetch(`${server.url}/v1/models`, { method: "POST", body: form });
  expect([uploaded.status, await uploaded.text()]).toMatchObject([201, expect.stringContaining('"two"')]);
  server.child.kill("SIGTERM");
  await server.ended;
  expect(readdirSync(path("a")).filter((name) => name.startsWith("faultline"))).toEqual([]);
  const next = await startServer(flags("s3://results/served"), { ...s3.environment, TMPDIR: path("b") });
  expect(await evaluations(next.url)).toBe(kept);
  expect((await fetch(`${next.url}/v1/models/two`)).status).toBe(200);
  expect(await (await fetch(`${next.url}/v1/data`)).json()).toMatchObject({ data: [{ name: "noise", files: 6 }] });
  const two = ["two", "--data", "noise", "--attacks", "fgsm", "--epsilon", "4", "--on", next.url];
  expect(await faultline("evaluate", ...two, "-o", path("two.jsonl"))).toMatchObject({ code: 0 });
  expect(readFileSync(path("two.jsonl"), "utf8")).toContain(`"networkSha256":"${other.manifest.sha256}"`);
  next.child.kill("SIGTERM");
  await next.ended;
});

it("gives the place of evaluations back where it cannot listen", async () => {
  const flagsHere = flags("s3://results/again");
  const first = await startServer(["--models", path("models")]);
  const port = new URL(first.url).port;
  const refused = spawnServer(["--port", port, ...flagsHere], s3.environment);
  expect([await refused.ended, refused.stderr()]).toEqual([1, expect.stringMatching(/:\d+ is in use/)]);
  const next = await startServer(flagsHere, s3.environment);
  expect(next.stdout()).not.toMatch(/had it last/);
  for (const { child, ended } of [first, next]) {
    child.kill("SIGTERM");
    await ended;
  }
});

it.each([
  [flags("s3://missing"), {}, /s3:\/\/missing\S*: there is no such bucket/],
  [flags("s3://results/a"), { AWS_SECRET_ACCESS_KEY: "" }, /AWS_SECRET_ACCESS_KEY is not set/],
  [[...flags("s3://results/a"), "--evaluations", "s3://results"], { AWS_REGION: "away-1" }, /set AWS_REGION=here-1/],
] as const)("ends at its start where it cannot be: %j with %j", async (argv, change, message) => {
  const server = spawnServer(["--port", "0", ...argv], { ...s3.environment, ...change });
  expect(await server.ended).toBe(1);
  expect(server.stderr().trim()).toMatch(message);
});
