/** What the sender of an evaluation is told of a command that ended without all rows. */

import { beforeAll, expect, it, vi } from "vitest";
import { refusalIn, runCommand } from "../../src/node/evaluations/command.ts";
import { folderEvaluations } from "../../src/node/evaluations/folder-store.ts";
import { createJob } from "../../src/node/evaluations/job.ts";
import type { EvaluationStore } from "../../src/node/evaluations/store.ts";
import { temporaryFolder } from "../cli/terminal.ts";

vi.mock(import("../../src/node/evaluations/command.ts"), async (original) => ({
  ...(await original()),
  runCommand: vi.fn<typeof runCommand>(),
}));
const command = vi.mocked(runCommand);

const { path } = temporaryFolder();
const progress = "3 of 18 units, 0.20 units/s, 1 min 43 s left\nnote: pgd has its own radius\n";
const told = (reason: string): string => reason.replaceAll("s3://sets#", "data/");
let store: EvaluationStore;
beforeAll(async () => {
  store = await folderEvaluations(path("kept"), { models: path("models"), data: null });
});

/** The end of an evaluation whose command ended so, and what was logged. */
const endOf = async (
  id: string,
  { code = 1, stdout = "", stderr = "" }: { code?: number | null; stdout?: string; stderr?: string },
) => {
  const log: string[] = [];
  const evaluations = { forward: 1, backward: 1 };
  const predicted = { units: 18, pictures: 9, evaluations, workers: 1, cpuHours: 0, seconds: 0 };
  const spec = { networks: ["one"] };
  const record = { id, created: "", spec, predicted, maxCpuHours: 1, spentCpuHours: 0, done: 0, failed: 0 };
  const fresh = { ...record, state: "queued" } as const;
  await store.at(id).create(fresh, path("none"));
  command.mockResolvedValueOnce({ code, stdout, stderr, refusal: refusalIn(stderr) });
  const job = createJob(fresh, store.at(id), { flags: [], isRemote: false, told, log: (text) => void log.push(text) });
  await job.carryOut();
  const { state, reason, units } = job.info();
  return { state, reason, failed: units.failed, log };
};

it("is how many units failed, the first error, and how to run them again", async () => {
  const firstFailure = { item: "images/a.png", error: "s3://sets#x/images/a.png:\n no such object" };
  const stdout = JSON.stringify({ rows: "rows.jsonl", units: 18, known: 0, failed: 9, firstFailure });
  const stderr = `${progress}faultline: evaluation.json: 9 of 18 units failed, listed in rows.failed.jsonl; the same command tries them again\n`;
  expect(await endOf("a", { stdout, stderr })).toEqual({
    state: "incomplete",
    failed: 9,
    reason:
      "9 of 18 units failed; the first, on images/a.png: data/x/images/a.png: no such object; POST /v1/evaluations/a/retry runs them again",
    log: [],
  });
});

it("is the refusal of the command with the faults that it lists, without notes and progress", async () => {
  const stderr = `${progress}  a.png: is no PNG\nwarning: 2 pictures are alike\nfaultline: evaluation.json: the data has 1 fault, listed above\n`;
  const reason = "a.png: is no PNG\nthe data has 1 fault, listed above";
  expect(await endOf("b", { stderr })).toEqual({ state: "failed", failed: 0, reason, log: [] });
});

it.each([
  [
    "c",
    134,
    "FATAL ERROR: heap out of memory\n    at /srv/faultline/lib/cli.js:1:1",
    "its process ended with code 134",
  ],
  ["d", null, "", "its process was ended from outside"],
  ["e", 130, "faultline: interrupted: the same command goes on from there", "its process was ended from outside"],
])("is, after a crash, no trace of it: %s", async (id, code, stderr, reason) => {
  const end = await endOf(id, { code, stderr });
  expect(end).toMatchObject({ state: "failed", reason });
  expect(end.log).toEqual(code === 130 ? [] : [stderr]);
});
