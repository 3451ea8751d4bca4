/** Evaluations of a service, in a folder and in a bucket alike: carried out, stopped and gone on with on another machine, removed. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { EvaluationInfo } from "../../src/contract/evaluations.ts";
import type { GivenSpec } from "../../src/evaluation/spec.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { startEvaluations } from "../../src/node/evaluations/evaluations.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";

const { folder, path, put } = temporaryFolder();
const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "one" });
for (const part of ["models/one", "data/noise/images", "data/noise/labels", "scratch", "kept"])
  mkdirSync(path(part), { recursive: true });
put("models/one/model.onnx", bytes);
put("models/one/manifest.json", JSON.stringify(manifest));
for (let i = 0; i < 3; i++) {
  put(`data/noise/images/${i}.png`, encodePng(noiseImage(12, 16, i)));
  put(`data/noise/labels/${i}.png`, encodeLabels(noiseLabels(12, 16, 4, i, true), []));
}
/** So many steps that there is time to stop it. */
const pgd = { attack: "pgd", steps: 1500 } as const;
const spec: GivenSpec = { networks: ["one"], data: { path: "noise" }, attacks: [pgd], epsilon: 2 };

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

const start = (place: string) =>
  startEvaluations({
    place,
    models: path("models"),
    data: path("data"),
    workers: 1,
    maxCpuHours: 1,
    lease: { beatMs: 50, onLost: expect.unreachable },
  });
const textOf = async (file: Promise<{ readonly body: ReadableStream<Uint8Array> }>): Promise<string> =>
  new Response((await file).body).text();
const idsIn = (rows: string): unknown[] =>
  rows
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly id: unknown }).id);

/** What each of them has of the same evaluations. */
const seen: { readonly rows: string; readonly report: string }[] = [];

/** What is there of an evaluation, and its record as whoever was killed left it. */
interface Place {
  readonly place: string;
  readonly left: (id: string) => readonly string[];
  readonly leaveRunning: (id: string) => void;
}

const running = (text: string): string => text.replace('"state": "queued"', '"state": "running"');
const inFolder = (): Place => {
  const place = mkdtempSync(join(folder, "kept", "a-"));
  const record = (id: string) => join(place, id, "record.json");
  return {
    place,
    left: (id) => readdirSync(place).filter((name) => name === id),
    leaveRunning: (id) => writeFileSync(record(id), running(readFileSync(record(id), "utf8"))),
  };
};
let prefixes = 0;
const inBucket = (): Place => {
  const prefix = `served/${(prefixes += 1)}`;
  const object = (key: string): string => new TextDecoder().decode(s3.objects.get(`${prefix}/${key}`));
  const change = (key: string, to: (text: string) => string) =>
    s3.objects.set(`${prefix}/${key}`, new TextEncoder().encode(to(object(key))));
  return {
    place: `s3://results/${prefix}`,
    left: (id) => [...s3.objects.keys()].filter((key) => key.startsWith(prefix) && key.includes(id)),
    leaveRunning: (id) => {
      change(`records/${id}.json`, running);
      change("service/000000001.json", (text) => text.replace(',"released":true', ""));
    },
  };
};

describe.each([
  ["a folder", inFolder],
  ["a bucket", inBucket],
] as const)("evaluations in %s", (_, made) => {
  it("are stopped, go on where their service was killed, are found again by the next one, and removed", async () => {
    const { place, left, leaveRunning } = made();
    const request = { spec, idempotencyKey: "a" };
    const first = await start(place);
    const { id } = (await first.evaluations.submit(request)).evaluation;
    const some = async (): Promise<EvaluationInfo> => {
      for (;;) {
        const info = await first.evaluations.get(id);
        if (info.units.done > 0 || (info.state !== "running" && info.state !== "queued")) return info;
        await setTimeout(20);
      }
    };
    expect(await some()).toMatchObject({ state: "running" });
    expect(idsIn(await textOf(first.evaluations.rows(id))).length).toBeLessThan(6);
    expect(await first.evaluations.cancel(id)).toMatchObject({ state: "cancelled" });
    const kept = idsIn(await textOf(first.evaluations.rows(id)));
    await expect(first.evaluations.report(id, "text/html")).rejects.toMatchObject({
      failure: { kind: "evaluation-state" },
    });
    expect(await first.evaluations.retry(id)).toMatchObject({ state: "queued" });
    await setTimeout(100);
    await first.end();
    leaveRunning(id);

    const second = await start(place);
    const done = await second.evaluations.follow(id, { onChange: () => undefined });
    expect(done).toMatchObject({ state: "done", units: { total: 6, done: 6, failed: 0 } });
    await second.end();
    expect(readdirSync(path("scratch")).filter((name) => name.startsWith("faultline"))).toEqual([]);

    const { evaluations, end } = await start(`${place}/`);
    expect(await evaluations.submit(request)).toEqual({ isNew: false, evaluation: done });
    const rows = await textOf(evaluations.rows(id));
    const report = await textOf(evaluations.report(id, "application/json"));
    expect((await evaluations.rows(id)).bytes).toBe(rows.length);
    // What was there before is among them.
    expect(idsIn(rows).length).toBe(6);
    expect(new Set([...kept, ...idsIn(rows)]).size).toBe(6);
    expect(report).not.toMatch(/s3:|evaluation\.json|models\/one/);
    for (const type of ["text/html", "text/markdown"] as const)
      expect((await evaluations.report(id, type)).bytes).toBeGreaterThan(1000);
    seen.push({ rows, report });
    await evaluations.remove(id);
    expect(left(id)).toEqual([]);
    await expect(evaluations.get(id)).rejects.toMatchObject({ failure: { kind: "unknown-evaluation" } });
    await end();
  });
});

it("has the same rows and reports in a bucket as in a folder", () => {
  expect(seen.length).toBe(2);
  expect(seen[1]).toEqual(seen[0]);
});
