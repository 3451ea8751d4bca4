/** Evaluations of the Worker: its queue, its Workflow, its ledger and its bucket in workerd, with real networks. */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { Answer } from "../../src/api/robustness-schemas.ts";
import type { EvaluationInfo } from "../../src/contract/evaluations.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { faultline } from "../cli/terminal.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { makeScene } from "./scene.ts";
import { okJson, openWorker, refused } from "./worker.ts";

const client = openWorker({ evaluations: "forgotten", bucket: "forgotten" });
const bare = openWorker();
const folder = mkdtempSync(join(tmpdir(), "evaluations-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = "/v1/evaluations";
const spec = {
  networks: ["enet-street"],
  data: { images: 2, size: { width: 64, height: 48 } },
  attacks: ["ifgsm"],
  epsilon: [1, 4],
} as const;
const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  client.send(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

const followed = async (id: string): Promise<EvaluationInfo> => {
  for (;;) {
    const info = await okJson<EvaluationInfo>(await client.send(`${path}/${id}`));
    if (info.state !== "queued" && info.state !== "running") return info;
    await setTimeout(200);
  }
};

/** Without the times, the numbers of signs, and why the backend was chosen. */
const withoutRun = (answer: ReturnType<typeof Answer.parse>): object => {
  if ("images" in answer) throw new Error("one image was sent");
  const kinds = (signs: readonly { readonly kind: string }[]) => signs.map(({ kind }) => kind);
  const curve = answer.curve.map((point) => ({ ...point, signs: kinds(point.signs) }));
  const { backendWhy: _, ...receipt } = answer.receipt;
  return { ...answer, curve, receipt, signs: kinds(answer.signs), timings: {} };
};

/** The rows of an evaluation that was submitted. */
const ended = async (response: Response): Promise<string> => {
  const { id } = (await response.json()) as EvaluationInfo;
  expect(await followed(id)).toMatchObject({ state: "done" });
  return (await client.send(`${path}/${id}/rows`)).text();
};

it("gives the rows and the report of an evaluation on one machine, byte for byte", async () => {
  const predicted = await okJson<EvaluationInfo["predicted"]>(await post({ spec, dryRun: true }));
  // Two pictures are two parcels, and Miniflare's queue has one consumer.
  expect(predicted).toMatchObject({ units: 6, pictures: 2, evaluations: { forward: 24, backward: 14 }, workers: 1 });
  expect(predicted.seconds).toBeCloseTo(predicted.cpuHours * 3600);
  const key = { "Idempotency-Key": "mine" };
  const response = await post({ spec }, key);
  const { id } = (await response.json()) as EvaluationInfo;
  expect([response.status, response.headers.get("location")]).toEqual([202, `${path}/${id}`]);
  expect(await (await post({ spec }, key)).json()).toMatchObject({ id });
  const info = await followed(id);
  expect(info).toMatchObject({ state: "done", units: { total: 6, done: 6, failed: 0 } });
  expect(info.spentCpuHours).toBeGreaterThan(0);
  const [rows, report] = [join(folder, "rows.jsonl"), join(folder, "report.json")];
  const flags = ["--images", "2", "--size", "48x64", "--attacks", "ifgsm", "--epsilon", "1,4", "--workers", "1"];
  const local = await faultline("evaluate", "enet-street", ...flags, "-o", rows, "--report", report);
  expect(local.code).toBe(0);
  expect(await (await client.send(`${path}/${id}/rows`)).text()).toBe(readFileSync(rows, "utf8"));
  const { runs: _, ...made } = await okJson<Record<string, unknown>>(await client.send(`${path}/${id}/report`));
  const { runs: __, ...expected } = JSON.parse(readFileSync(report, "utf8")) as Record<string, unknown>;
  expect(made).toEqual(expected);
  expect((await client.send(`${path}/${id}`, { method: "DELETE" })).status).toBe(204);
  await refused(await client.send(`${path}/${id}`), 404, "unknown-evaluation");
});

it("keeps the connection that the queue writes to after each parcel, however long the next one takes", async () => {
  const timeouts: number[] = [];
  const finished = (message: unknown): void => {
    const { request, server } = message as { readonly request: IncomingMessage; readonly server: Server };
    if (request.url === "/core/log") timeouts.push(server.keepAliveTimeout);
  };
  subscribe("http.server.response.finish", finished);
  await ended(await post({ spec }));
  unsubscribe("http.server.response.finish", finished);
  expect(timeouts.length).toBeGreaterThan(1);
  expect(timeouts.filter((milliseconds) => milliseconds !== 0)).toEqual([]);
});

it("answers while a parcel is under way", async () => {
  /** Answers between the ends of two parcels, of which the queue writes a line each. */
  let answers = 0;
  const between: number[] = [];
  const finished = (message: unknown): void => {
    const { request } = message as { readonly request: IncomingMessage };
    if (request.url !== "/core/log") return;
    between.push(answers);
    answers = 0;
  };
  subscribe("http.server.response.finish", finished);
  const long = { ...spec, attacks: [{ attack: "pgd", steps: 150 }], epsilon: 4 };
  const { id } = (await (await post({ spec: long })).json()) as EvaluationInfo;
  for (let state = ""; state !== "done";) {
    expect((await client.send("/health/live")).status).toBe(200);
    answers += 1;
    ({ state } = await okJson<EvaluationInfo>(await client.send(`${path}/${id}`)));
    answers += 1;
  }
  unsubscribe("http.server.response.finish", finished);
  // One or two where a parcel lets nothing in; one for some two of its steps where it does.
  expect(Math.max(...between)).toBeGreaterThan(10);
});

it("refuses what is too large, unknown or too dear before anything is kept", async () => {
  const large = await refused(
    await post({ spec: { ...spec, data: { images: 1, size: { width: 1600, height: 1200 } } } }),
    422,
    "evaluation-refused",
  );
  expect(large.detail).toContain("MiB");
  // Units are counted before any is made: an isolate could not hold those that it takes here.
  const epsilon = Array.from({ length: 99 }, (_, i) => i + 1);
  const many = { ...spec, attacks: ["ifgsm", "pgd"], epsilon, seeds: 1000, repeats: 1000 };
  const { detail } = await refused(await post({ spec: many }), 422, "evaluation-refused");
  expect(detail).toContain("has 594200 units");
  expect(detail).toContain("at most 500000");
  const fewer = { ...many, data: { ...spec.data, images: 1 } };
  expect(await okJson(await post({ spec: fewer, dryRun: true }))).toMatchObject({ units: 297_100 });
  await refused(await post({ spec: { ...spec, networks: ["psp"] } }), 404, "unknown-model");
  await refused(await post({ spec: { ...spec, data: { path: "voc" } } }), 422, "invalid-spec");
  await refused(await post({ spec, maxCpuHours: 1e-9 }), 422, "cost-exceeded");
});

it("names the bindings where they are missing", async () => {
  const problem = await refused(await bare.send(`${path}/0`), 501, "evaluations-disabled");
  for (const binding of ["UNITS", "DATA", "LEDGER", "EVALUATION"]) expect(problem.detail).toContain(binding);
});

it("evaluates pictures without label maps, behind what stands around networks, with the counts of POST /v1/robustness", async () => {
  const set = join(folder, "photographs");
  mkdirSync(join(set, "deep"), { recursive: true });
  const { png } = makeScene(3, 64, 48);
  writeFileSync(join(set, "deep", "one.png"), png);
  const pushed = await faultline("data", "push", set, "--on", (await client.url()).origin);
  expect([pushed.code, pushed.stderr]).toEqual([0, ""]);
  const data = { path: "photographs", dataset: "pictures" } as const;
  const crf = { iterations: 1, attacked: true };
  const around = { transform: [{ name: "jpeg", quality: 75 }], through: "bpda", crf } as const;
  const own = (await ended(await post({ spec: { ...spec, data, around, seed: 3 } }))).trimEnd().split("\n");
  const grid = { model: "enet-street", attacks: spec.attacks, epsilons: spec.epsilon, ...around, seed: 3 };
  const answer = await client.form("/v1/robustness", { image: png }, grid, { accept: "application/jsonl" });
  const requested = (await answer.text()).trimEnd().split("\n");
  const named = requested.map((line) => {
    const { counts, unit, reference, receipt } = JSON.parse(line) as Row;
    return { counts, unit: { ...unit, item: "deep/one" }, reference, receipt };
  });
  expect(own.map((line) => JSON.parse(line) as Row)).toMatchObject(named);
  await refused(await post({ spec: { ...spec, data: { path: "photographs" } } }), 422, "evaluation-refused");
  await refused(await post({ spec: { ...spec, data, label: "ground-truth" } }), 422, "invalid-request");
});

it("evaluates a data set that was pushed into its bucket, as the folder that it came from, from an ensemble too", async () => {
  const set = join(folder, "streets");
  for (const part of ["images", "labels"]) mkdirSync(join(set, part), { recursive: true });
  for (const seed of [1, 2]) {
    const { png, labelsPng } = makeScene(seed, 64, 48);
    writeFileSync(join(set, "images", `${seed}.png`), png);
    writeFileSync(join(set, "labels", `${seed}.png`), labelsPng);
  }
  const pushed = await faultline("data", "push", set, "--on", (await client.url()).origin);
  expect([pushed.code, pushed.stderr]).toEqual([0, ""]);
  const attacked = { attacks: ["fgsm"], epsilon: 2, transferFrom: [{ networks: ["enet-street", "icnet"] }] };
  const rows = await ended(await post({ spec: { networks: spec.networks, data: { path: "streets" }, ...attacked } }));
  const local = join(folder, "local.jsonl");
  const attacks = ["--attacks", "fgsm", "--epsilon", "2", "--transfer-from", "enet-street+icnet"];
  const flags = ["--data", set, ...attacks, "--workers", "1"];
  expect((await faultline("evaluate", "enet-street", ...flags, "-o", local)).code).toBe(0);
  expect(rows.split("\n")).toHaveLength(2 * 3 + 1);
  expect(rows).toBe(readFileSync(local, "utf8"));
});

it("answers a robustness request later, from its own images, as at once", async () => {
  const { png, labelsPng } = makeScene(3, 64, 48);
  const files = { image: png, labels: labelsPng };
  const grid = { attacks: ["ifgsm", { attack: "apgd", steps: 3 }], epsilons: [1, 4], label: "ground-truth", seed: 2 };
  const response = await client.form("/v1/robustness", files, grid, { prefer: "respond-async" });
  const {
    id,
    robustness,
    spec: submitted,
  } = (await response.json()) as EvaluationInfo & { readonly robustness: string };
  expect([response.status, response.headers.get("preference-applied")]).toEqual([202, "respond-async"]);
  expect(robustness).toBe(`${path}/${id}/robustness`);
  expect(await followed(id)).toMatchObject({ state: "done", units: { total: 5, done: 5 } });
  const later = Answer.parse(await okJson(await client.send(robustness)));
  const now = Answer.parse(await okJson(await client.form("/v1/robustness", files, grid)));
  expect(withoutRun(later)).toEqual(withoutRun(now));
  // Its images are its own, and go with it.
  expect(await okJson(await client.send("/v1/data"))).not.toMatchObject({ data: [{ name: submitted.data?.path }] });
  const set = `/v1/data/${submitted.data?.path}`;
  await refused(await client.send(set, { method: "DELETE" }), 422, "data-refused");
  expect((await client.send(`${path}/${id}`, { method: "DELETE" })).status).toBe(204);
  await refused(await client.send(set, { method: "DELETE" }), 404, "unknown-data");
});

it("evaluates an uploaded network, and ends a run whose network was replaced or deleted", async () => {
  const upload = async (seed: number): Promise<string> => {
    const { bytes, manifest } = tinyFile({ activation: "Tanh", classes: 11, seed }, { name: "mine" });
    const form = new FormData();
    form.set("model", new Blob([bytes]), "model.onnx");
    form.set("manifest", new Blob([JSON.stringify(manifest)], { type: "application/json" }), "manifest.json");
    expect((await client.send("/v1/models?replace=true", { method: "POST", body: form })).ok).toBe(true);
    return manifest.sha256;
  };
  const first = await upload(1);
  const own = { ...spec, networks: ["mine"], transferFrom: ["enet-street"], attacks: ["fgsm"], epsilon: 4 };
  const key = { "Idempotency-Key": "uploaded" };
  const response = await post({ spec: own }, key);
  const submitted = (await response.clone().json()) as EvaluationInfo;
  expect(submitted.uploaded).toEqual({ mine: first });
  const rows = await ended(response);
  expect(new Set(rows.match(/(?<="networkSha256":")[0-9a-f]{64}/g))).toEqual(new Set([first]));
  const report = await okJson<{ readonly networks: readonly object[] }>(
    await client.send(`${path}/${submitted.id}/report`),
  );
  expect(report.networks).toMatchObject([{ name: "mine", sha256: first }]);

  // Long enough to be under way when its network is replaced.
  const long = {
    ...own,
    transferFrom: [],
    data: { ...spec.data, images: 20 },
    attacks: [{ attack: "pgd", steps: 1000 }],
  };
  const { id } = (await (await post({ spec: long })).json()) as EvaluationInfo;
  while ((await okJson<EvaluationInfo>(await client.send(`${path}/${id}`))).units.done === 0) await setTimeout(50);
  const second = await upload(2);
  const failed = await followed(id);
  expect(failed).toMatchObject({
    state: "failed",
    uploaded: { mine: first },
    reason: expect.stringContaining(second) as string,
  });
  const kept = await (await client.send(`${path}/${id}/rows`)).text();
  expect(new Set(kept.match(/(?<="networkSha256":")[0-9a-f]{64}/g))).toEqual(new Set([first]));
  const reused = await refused(await post({ spec: own }, key), 422, "key-reused");
  expect(reused).toMatchObject({ replaced: { mine: expect.stringMatching(/^[0-9a-f]{64}$/) as string } });

  expect((await client.send("/v1/models/mine", { method: "DELETE" })).status).toBe(204);
  await okJson(await client.send(`${path}/${id}/retry`, { method: "POST" }));
  expect(await followed(id)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("was deleted") as string,
  });
  expect(await (await post({ spec: own }, key)).json()).toMatchObject({ id: submitted.id });
  await refused(await post({ spec: own }), 404, "unknown-model");
});
