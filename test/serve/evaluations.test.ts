/** Evaluations of a real server: planned, carried out, stopped, gone on with after a kill, with the rows of the command line. */

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { EvaluationInfo } from "../../src/contract/evaluations.ts";
import type { RobustnessResult } from "../../src/contract/robustness.ts";
import { sha256Of } from "../../src/digest.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { formBody } from "../support/api-request.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "../cli/terminal.ts";
import { root, startServer } from "./serving.ts";

const { folder, path, put } = temporaryFolder();
const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "one" });
mkdirSync(path("models", "one"), { recursive: true });
put("models/one/model.onnx", bytes);
put("models/one/manifest.json", JSON.stringify(manifest));
for (const part of ["images", "labels"]) mkdirSync(path("data", "noise", part), { recursive: true });
for (let i = 0; i < 3; i++) {
  put(`data/noise/images/${i}.png`, encodePng(noiseImage(12, 16, i)));
  put(`data/noise/labels/${i}.png`, encodeLabels(noiseLabels(12, 16, 4, i, true), []));
}
mkdirSync(path("data", "empty"));
const picture = new Uint8Array(encodePng(noiseImage(12, 16, 9)));
const item = await sha256Of(picture);
mkdirSync(path("data", "alone"));
put(`data/alone/${item}.png`, picture);

const start = () =>
  startServer(
    ["--models", path("models"), "--data", path("data"), "--evaluations", path("evaluations"), "--workers", "1"].concat(
      ["--uploads", path("uploads"), "--backend", "wasm", "--max-cpu-hours", "1"],
    ),
  );
let server = await start();
const url = (suffix: string): string => `${server.url}/v1/evaluations${suffix}`;
const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url(""), {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
const infoOf = async (response: Promise<Response>): Promise<EvaluationInfo> =>
  (await (await response).json()) as EvaluationInfo;

/** Follows it until it neither waits nor runs. */
const ended = async (id: string): Promise<EvaluationInfo> => {
  const text = await (await fetch(url(`/${id}/events`))).text();
  return JSON.parse(/event: result\ndata: (.*)/.exec(text)![1]!) as EvaluationInfo;
};
const detailOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as Readonly<Record<string, unknown>>)["detail"];
const rowsOf = async (id: string): Promise<string> => (await fetch(url(`/${id}/rows`))).text();

const withoutEvaluations = (text: string): readonly object[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => ({ ...(JSON.parse(line) as object), evaluations: undefined }));

const spec = { networks: ["one"], data: { path: "noise" }, attacks: ["ifgsm"], epsilon: [1, 4] };
/** Thousands of steps a picture, so that it lasts for several looks of the service, and there is time to stop it. */
const long = { ...spec, attacks: [{ attack: "pgd", steps: 5000 }], epsilon: 2 };

/** The rows of the command line, whose folder has the same names. */
const local = async (): Promise<string> => {
  const paths = { ...long, networks: ["models/one"], data: { path: "data/noise" } };
  writeFileSync(path("local.json"), JSON.stringify(paths));
  const argv = ["evaluate", "local.json", "--workers", "1", "-o", "local.jsonl"];
  await promisify(execFile)(process.execPath, [`${root}bin/faultline.js`, ...argv], { cwd: folder });
  return readFileSync(path("local.jsonl"), "utf8");
};

describe("an evaluation of a server", () => {
  it("is planned, carried out and reported, once for a key", async () => {
    const key = { "Idempotency-Key": "a" };
    const first = await infoOf(post({ spec }, key));
    // It begins as soon as it is kept, which may be before the answer.
    expect(["queued", "running"]).toContain(first.state);
    expect(first).toMatchObject({ units: { total: 9, done: 0, failed: 0 }, maxCpuHours: 1 });
    expect(first.predicted).toMatchObject({ units: 9, pictures: 3, workers: 1 });
    expect((await infoOf(post({ spec }, key))).id).toBe(first.id);
    expect((await post({ spec: long }, key)).status).toBe(422);
    expect(await ended(first.id)).toMatchObject({ state: "done", units: { total: 9, done: 9, failed: 0 } });
    expect((await rowsOf(first.id)).split("\n")).toHaveLength(9 + 1);
    const argv = ["one", "--data", "noise", "--attacks", "ifgsm", "--epsilon", "1,4", "-o", path("on.jsonl")];
    const on = await faultline("evaluate", ...argv, "--on", server.url);
    expect(on).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^9 rows in .*\n[^]*one +ifgsm +4 +3 /) as string,
    });
    expect(readFileSync(path("on.jsonl"), "utf8")).toBe(await rowsOf(first.id));
    const report = await fetch(url(`/${first.id}/report`), { headers: { accept: "text/markdown" } });
    const told = await report.text();
    expect(told).toMatch(/"networks": \[\s*"one"\s*\][^]*"path": "noise"/);
    expect(told).not.toMatch(/To run it again|evaluation\.json|models\/one/);
    expect((await fetch(url(`/${first.id}/retry`), { method: "POST" })).status).toBe(409);
    expect((await fetch(url(`/${first.id}`), { method: "DELETE" })).status).toBe(204);
    expect((await fetch(url(`/${first.id}`))).status).toBe(404);
  });

  it("is begun by a robustness request that prefers to be answered later, of its own images", async () => {
    const ask = async (headers: Readonly<Record<string, string>>, epsilons = [1, 4]) => {
      const given = { model: "one", attacks: ["ifgsm"], epsilons };
      const body = formBody({ image: new Uint8Array(encodePng(noiseImage(12, 16, 7))) }, given);
      return fetch(`${server.url}/v1/robustness`, { method: "POST", headers, body });
    };
    const later = { prefer: "respond-async", "idempotency-key": "later" };
    const [first, again] = [await infoOf(ask(later)), await infoOf(ask(later))];
    expect(again.id).toBe(first.id);
    expect((await ask(later, [2])).status).toBe(422);
    expect(await ended(first.id)).toMatchObject({ state: "done", units: { total: 3, done: 3 } });
    const rows = await (await ask({ accept: "application/jsonl" })).text();
    // There, the clean prediction was made before the first row, which does not count it.
    const counted = (text: string): string => text.replaceAll(/"forward":\d+/g, "");
    expect(counted(await rowsOf(first.id))).toBe(counted(rows));
    const answer = (await (await fetch(url(`/${first.id}/robustness`))).json()) as RobustnessResult;
    const { verdict, smallestEpsilon, summary } = (await (await ask({})).json()) as RobustnessResult;
    expect(answer).toMatchObject({ verdict, smallestEpsilon, summary, receipt: { backend: "wasm" } });
    // What was refused for its key has left nothing.
    const sets = () => readdirSync(path("data")).filter((name) => name.startsWith("robustness-"));
    expect(sets()).toEqual([first.spec.data!.path]);
    expect((await fetch(url(`/${first.id}`), { method: "DELETE" })).status).toBe(204);
    expect(sets()).toEqual([]);
  });

  it("that cannot be is refused with what is wrong and what there is", async () => {
    const problems = await Promise.all(
      [
        { ...spec, networks: ["two"] },
        { ...spec, data: { path: "photographs" } },
        { ...spec, data: { path: "../data" } },
        { ...spec, data: { path: "empty", dataset: "folders" } },
      ].map(async (given) => detailOf(await post({ spec: given }))),
    );
    const alone = { path: "alone", dataset: "pictures" };
    const truth = await (await post({ spec: { ...spec, data: alone, label: "ground-truth" } })).json();
    expect(truth).toMatchObject({
      type: "/problems/invalid-request",
      errors: [{ pointer: "/spec/label", detail: expect.stringContaining("goes with label maps") as string }],
    });
    expect(await detailOf(await post({ spec: { ...spec, data: { path: "alone" } } }))).toContain(
      "--dataset pictures (data.dataset of a specification) takes pictures without label maps.",
    );
    expect(problems).toEqual([
      'There is no model "two"; there is one.',
      "/spec/data/path must be the name of a data set of this deployment: alone, empty, noise.",
      "/spec/data/path must be the name of a data set of this deployment: alone, empty, noise.",
      expect.stringMatching(/^data\/empty: holds no pictures/) as string,
    ]);
    const on = (...argv: readonly string[]) => faultline("evaluate", "one", "-o", path("no.jsonl"), "--on", ...argv);
    const said = await Promise.all([
      on(server.url, "--data", "photographs"),
      on(server.url, "--workers", "2"),
      on("faultline.example"),
      on("http://127.0.0.1:2"),
    ]);
    expect(said.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual([
      expect.stringContaining("1 faultline: http://localhost:"),
      expect.stringContaining("2 faultline: --workers does not go with --on"),
      expect.stringContaining("2 faultline: --on faultline.example: must be the address of a service"),
      expect.stringContaining("1 faultline: http://127.0.0.1:2: cannot be reached: connect ECONNREFUSED"),
    ]);
    const costly = await post({ spec: long, maxCpuHours: 1e-9 });
    expect(await costly.json()).toMatchObject({ status: 422, type: "/problems/cost-exceeded", maxCpuHours: 1e-9 });
  });

  it("of a picture without a label map, behind what stands around networks, has the rows of POST /v1/robustness on it", async () => {
    const around = { transform: [{ name: "jpeg", quality: [50, 90] }], through: "bpda", draws: 2, crf: "none" };
    const { id } = await infoOf(
      post({ spec: { ...spec, data: { path: "alone", dataset: "pictures" }, around, seed: 3 } }),
    );
    expect(await ended(id)).toMatchObject({ state: "done", units: { total: 3, done: 3 } });
    const grid = { model: "one", attacks: ["ifgsm"], epsilons: [1, 4], ...around, seed: 3 };
    const body = formBody({ image: picture }, grid);
    const init = { method: "POST", body, headers: { accept: "application/jsonl" } };
    const response = await fetch(`${server.url}/v1/robustness`, init);
    // The request predicts the clean picture once, and each of the units by itself: `evaluations` differ.
    expect(withoutEvaluations(await rowsOf(id))).toEqual(withoutEvaluations(await response.text()));
  });

  it("of an uploaded network has its rows, and another one once it is replaced", async () => {
    const upload = async (seed: number, scale = 1): Promise<string> => {
      const file = tinyFile({ activation: "Tanh", seed }, { name: "mine", input: { scale } });
      const form = new FormData();
      form.append("model", new Blob([file.bytes]));
      form.append("manifest", JSON.stringify(file.manifest));
      const response = await fetch(`${server.url}/v1/models?replace=true`, { method: "POST", body: form });
      const { sha256 }: { readonly sha256: string } = await response.json();
      return sha256;
    };
    const on = (file: string) =>
      faultline(
        "evaluate",
        "mine",
        "--data",
        "noise",
        "--attacks",
        "fgsm",
        "--epsilon",
        "4",
        "-o",
        path(file),
        "--on",
        server.url,
      );
    const rowsIn = (file: string): string => readFileSync(path(file), "utf8");
    const digestsIn = (file: string): Set<string> => new Set(rowsIn(file).match(/(?<="networkSha256":")[0-9a-f]{64}/g));
    const first = await upload(2);
    const said = await on("first.jsonl");
    expect([said.code, said.stderr]).toEqual([
      0,
      expect.stringContaining(`, of mine (uploaded, ${first.slice(0, 12)}…): 0 of 6`),
    ]);
    expect(digestsIn("first.jsonl")).toEqual(new Set([first]));
    const second = await upload(3);
    expect(await on("second.jsonl")).toMatchObject({ code: 0 });
    expect(digestsIn("second.jsonl")).toEqual(new Set([second]));
    // The same file, so that the rows have the same ids.
    expect(await upload(3, 0.5)).toBe(second);
    expect(await on("second.jsonl")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /second\.jsonl: holds rows of another evaluation than [^]* name another file with -o/,
      ) as string,
    });
    expect(await on("third.jsonl")).toMatchObject({ code: 0 });
    expect(digestsIn("third.jsonl")).toEqual(new Set([second]));
    expect(rowsIn("third.jsonl")).not.toBe(rowsIn("second.jsonl"));
    const deleted = await fetch(`${server.url}/v1/models/mine`, { method: "DELETE" });
    expect(deleted.status).toBe(204);
    expect(await on("again.jsonl")).toMatchObject({ code: 0 });
    expect(rowsIn("again.jsonl")).toBe(rowsIn("first.jsonl"));
    const unknown = await post({ spec: { ...spec, networks: ["mine"] } });
    expect(await detailOf(unknown)).toBe('There is no model "mine"; there is one.');
  });

  it("is cancelled and retried, goes on after the server was killed, and has the rows of the command line", async () => {
    const { id } = await infoOf(post({ spec: long }));
    const running = async (): Promise<void> => {
      while ((await infoOf(fetch(url(`/${id}`)))).units.done === 0) await setTimeout(50);
    };
    await running();
    expect((await fetch(url(`/${id}/report`))).status).toBe(409);
    const cancelled = await infoOf(fetch(url(`/${id}/cancel`), { method: "POST" }));
    expect(cancelled.state).toBe("cancelled");
    expect(cancelled.units.done).toBeLessThan(6);
    expect(await infoOf(fetch(url(`/${id}/retry`), { method: "POST" }))).toMatchObject({ state: "queued" });
    while ((await infoOf(fetch(url(`/${id}`)))).state !== "running") await setTimeout(50);
    server.child.kill("SIGKILL");
    await server.ended;
    server = await start();
    expect(await ended(id)).toMatchObject({ state: "done", units: { total: 6, done: 6, failed: 0 } });
    expect(await rowsOf(id)).toBe(await local());
  });
});
