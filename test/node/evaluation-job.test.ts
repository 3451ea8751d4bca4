/** A job of a service: its cap is kept, and of rows that are being written only whole ones are given. */

import { mkdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { folderEvaluations, openLines, writeSent } from "../../src/node/evaluations/folder-store.ts";
import { createJob } from "../../src/node/evaluations/job.ts";
import { toldReason } from "../../src/node/evaluations/told.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";

const { path, put } = temporaryFolder();
const fail = (text: string): never => expect.fail(text);

it("stops what takes more than its cap, and says so", async () => {
  const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "one" });
  for (const folder of ["models/one", "data/noise/images", "data/noise/labels"])
    mkdirSync(path(folder), { recursive: true });
  put("models/one/model.onnx", bytes);
  put("models/one/manifest.json", JSON.stringify(manifest));
  put("data/noise/images/a.png", encodePng(noiseImage(12, 16)));
  put("data/noise/labels/a.png", encodeLabels(noiseLabels(12, 16, 4), []));
  const endless = { attack: "pgd", steps: 1_000_000 } as const;
  const spec = { networks: ["one"], data: { path: "noise" }, attacks: [endless], epsilon: 2 };
  const evaluations = { forward: 1, backward: 1 };
  const predicted = { units: 2, pictures: 1, evaluations, workers: 1, cpuHours: 0, seconds: 0 };
  const record = { id: "a", created: "", spec, predicted, maxCpuHours: 1e-6, state: "queued" } as const;
  const fresh = { ...record, spentCpuHours: 0, done: 0, failed: 0 };
  const store = await folderEvaluations(path("jobs"), { models: path("models"), data: path("data") });
  await store.at("a").create(fresh, path("none"));
  const job = createJob(fresh, store.at("a"), {
    flags: ["--workers", "1"],
    isRemote: false,
    told: (reason) => reason,
    log: fail,
  });
  await job.carryOut();
  expect(job.info()).toMatchObject({ state: "capped", reason: "it took more than maxCpuHours", units: { total: 2 } });
  expect(job.info().units.done).toBeLessThan(2);
  expect(job.info().spentCpuHours).toBeGreaterThan(1e-6);
});

it("gives whole lines of a file that is being written", async () => {
  const long = "x".repeat(70_000);
  const cases = ["", "one", "one\n", "one\ntwo\nthr", `one\n${long}`, `${long}\n${long}`, `${long}${long}`];
  for (const text of cases) {
    put("lines.jsonl", text);
    const { bytes, body } = await openLines(path("lines.jsonl"));
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    expect(await new Response(body).text()).toBe(whole);
    expect(bytes).toBe(whole.length);
  }
  expect(await openLines(path("none.jsonl"))).toMatchObject({ bytes: 0 });
});

it("tells names, not addresses: these are for the log", () => {
  const log: string[] = [];
  const told = (reason: string, data: string | null = "s3://pictures/sets/", rows?: string) =>
    toldReason(reason, { data, rows, folders: ["/kept/runs"] }, "it cannot be read", (text) => void log.push(text));
  expect(told("s3://pictures/sets/#noise: holds no pictures")).toBe("data/noise: holds no pictures");
  expect(told("s3://pictures/sets#noise/a.png: is none")).toBe("data/noise/a.png: is none");
  expect(told("listed in s3://kept/runs/a/rows.failed.jsonl", "data", "s3://kept/runs/a/")).toBe(
    "listed in rows.failed.jsonl",
  );
  expect(told("data/noise: holds no pictures", null)).toBe("data/noise: holds no pictures");
  expect(log).toEqual([]);
  const secret = [
    "s3://pictures/sets/files/ab: denied by https://minio.example to the keys of the environment",
    "evaluation.json: 1 of 2 units failed; the first, on a.png: s3://pictures/sets/b: no such object",
    "redis://user:word@queue.example: cannot be reached",
    "ENOSPC: no space left on device, write '/kept/runs/a/record.json'",
  ];
  for (const reason of secret) expect(told(reason)).toBe("it cannot be read; the log of the service says why");
  expect(log).toEqual(secret);
});

it("has its report made of the specification as it was sent, and of no command that its sender could not run", async () => {
  mkdirSync(path("told"));
  put("told/rows.jsonl", "old\n");
  put("told/rows.run.json", JSON.stringify({ schema: 1, spec: { networks: ["models/one"] }, command: "faultline" }));
  const spec = { networks: ["one"] };
  await writeSent(path("told"), spec);
  put("told/rows.jsonl", "new\n");
  await writeSent(path("told"), spec);
  expect(JSON.parse(readFileSync(path("told", "sent.run.json"), "utf8"))).toEqual({ schema: 1, spec });
  expect(readFileSync(path("told", "sent.jsonl"), "utf8")).toBe("new\n");
  expect(readFileSync(path("told", "rows.run.json"), "utf8")).toContain("models/one");
});
