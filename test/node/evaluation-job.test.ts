/** A job of a service: its cap is kept, and lines of a file that grows are counted once. */

import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { createLineCounter, makeFolder, writeSent } from "../../src/node/evaluations/folder.ts";
import { createJob } from "../../src/node/evaluations/job.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";

const { path, put } = temporaryFolder();

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
  await makeFolder(path("job"), spec, { models: path("models"), data: path("data") });
  const evaluations = { forward: 1, backward: 1 };
  const predicted = { units: 2, pictures: 1, evaluations, workers: 1, cpuHours: 0, seconds: 0 };
  const record = { id: "a", created: "", spec, predicted, maxCpuHours: 1e-6, state: "queued" } as const;
  const fresh = { ...record, spentCpuHours: 0, done: 0, failed: 0 };
  const job = createJob(fresh, path("job"), { flags: ["--workers", "1"], isRemote: false });
  await job.carryOut();
  expect(job.info()).toMatchObject({ state: "capped", reason: "it took more than maxCpuHours", units: { total: 2 } });
  expect(job.info().units.done).toBeLessThan(2);
  expect(job.info().spentCpuHours).toBeGreaterThan(1e-6);
});

it("counts whole lines once, whoever asks, and begins anew where the file was cut or replaced", async () => {
  const file = path("lines.jsonl");
  const count = createLineCounter(file);
  expect(await count()).toEqual({ lines: 0, bytes: 0 });
  writeFileSync(file, "one\ntwo\nthr");
  const both = { lines: 2, bytes: 8 };
  expect(await Promise.all([count(), count()])).toEqual([both, both]);
  appendFileSync(file, "ee\n");
  expect(await count()).toEqual({ lines: 3, bytes: 14 });
  writeFileSync(file, "one\n");
  expect(await count()).toEqual({ lines: 1, bytes: 4 });
  // The rows in order take the place of those as they came: another file, which may be larger.
  writeFileSync(`${file}.draft`, "longer\nlines\n");
  renameSync(`${file}.draft`, file);
  expect(await count()).toEqual({ lines: 2, bytes: 13 });
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
