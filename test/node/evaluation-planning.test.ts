/** Evaluations of a service before a process is started for them: what is too much is refused, and what was measured is remembered. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { leastUnits } from "../../src/evaluation/served.ts";
import type { GivenSpec } from "../../src/evaluation/spec.ts";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { runCommand } from "../../src/node/evaluations/command.ts";
import { startEvaluations } from "../../src/node/evaluations/evaluations.ts";
import { folderEvaluations } from "../../src/node/evaluations/folder-store.ts";
import { MAX_UNITS } from "../../src/node/evaluations/planning.ts";
import { folderUploads } from "../../src/store/folder.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { temporaryFolder } from "../cli/terminal.ts";

vi.mock(import("../../src/node/evaluations/command.ts"), () => ({ runCommand: vi.fn<typeof runCommand>() }));
const command = vi.mocked(runCommand);
vi.mock(import("node:fs/promises"), async (load) => {
  const own = await load();
  return { ...own, rm: vi.fn<typeof rm>(own.rm) };
});

const { path, put } = temporaryFolder();
mkdirSync(path("models", "one"), { recursive: true });
put("models/one/manifest.json", "{}");
const places = { models: path("models"), data: null };
const spec: GivenSpec = { networks: ["one"], data: { images: 4 }, attacks: ["ifgsm"], epsilon: [1] };
const predicted = { units: 8, pictures: 4, evaluations: { forward: 1, backward: 1 }, workers: 2 };
const capped = { id: "a", created: "", spec, predicted: { ...predicted, cpuHours: 0, seconds: 0 }, maxCpuHours: 1 };
const record = { ...capped, spentCpuHours: 0, done: 0, failed: 0, state: "capped", reason: "it took more" } as const;
await (await folderEvaluations(path("kept"), places)).at("a").create(record, path("none"));
// Of a service that was killed.
mkdirSync(path("kept", ".planning-0", "uploaded"), { recursive: true });
const uploads = path("uploads");
const { evaluations, end } = await startEvaluations({ ...places, uploads, place: path("kept"), maxCpuHours: 1 });
afterAll(end);

it("refuses more units than are planned, and a cap below the start of a process, without one", async () => {
  const millions = { ...spec, data: { images: 1_000_000, size: { height: 16, width: 16 } } };
  const refused = {
    kind: "evaluation-refused",
    reason: expect.stringMatching(`has at least 2000000 units .* at most ${MAX_UNITS};`) as string,
  };
  await expect(evaluations.predict({ spec: millions })).rejects.toMatchObject({ failure: refused });
  const many = evaluations.predict({
    spec: { ...spec, seeds: 1000, repeats: 1000, epsilon: Array.from({ length: 99 }, (_, i) => i + 1) },
  });
  await expect(many).rejects.toMatchObject({ failure: { kind: "evaluation-refused" } });
  const tiny = evaluations.submit({ spec, maxCpuHours: 1e-7 });
  await expect(tiny).rejects.toMatchObject({ failure: { kind: "cost-exceeded", maxCpuHours: 1e-7 } });
  expect(command).not.toHaveBeenCalled();
});

it("counts each image once for each setting that scores it, with the seeds of what is random", () => {
  const given = {
    networks: ["a", "b"],
    transferFrom: ["a"],
    attacks: ["ifgsm", "pgd"],
    epsilon: [1, 2, 1],
    seeds: 3,
    repeats: 2,
  } as const;
  // Clean 2; at 2 radii ifgsm is run 1 + 2 times and pgd 3 + 2, for each network on itself, and those of a on b.
  expect(leastUnits(parseSpec(given), 5)).toBe(5 * (2 + 2 * 8 * 3));
  // Four variants at scales, of which two are attacked around their scales, on their networks' images: and an ensemble's, on all six.
  const scales = [[0.5], { scales: [1, 2], attacked: false }];
  const wider = { ...given, scales, transferFrom: [{ networks: ["a", "b"] }] };
  expect(leastUnits(parseSpec(wider), 5)).toBe(5 * (6 + 2 * 8 * (6 + 6)));
});

it("finds the networks of ensembles by their names, and reads no perturbation", async () => {
  const source = { networks: ["one"], scales: [0.5, 1] };
  command.mockClear();
  command.mockImplementationOnce((_, folder) => {
    const written = JSON.parse(readFileSync(join(folder, "evaluation.json"), "utf8")) as GivenSpec;
    expect(written.transferFrom).toEqual([{ ...source, networks: ["models/one"] }]);
    return Promise.resolve({
      code: 0,
      stdout: JSON.stringify({ ...predicted, milliseconds: 1 }),
      stderr: "",
      refusal: "",
    });
  });
  expect(await evaluations.predict({ spec: { ...spec, transferFrom: [source] } })).toMatchObject({ units: 8 });
  const lacking = evaluations.submit({ spec: { ...spec, transferFrom: [{ networks: ["one", "two"] }] } });
  await expect(lacking).rejects.toMatchObject({ failure: { kind: "unknown-model", model: "two" } });
  const added = evaluations.predict({ spec: { ...spec, attacks: [{ attack: "universal", delta: "/etc/passwd" }] } });
  const reason = expect.stringMatching("a service has none") as string;
  await expect(added).rejects.toMatchObject({ failure: { kind: "evaluation-refused", reason } });
  expect(command).toHaveBeenCalledTimes(1);
  command.mockClear();
});

it("predicts the start as well, and refuses by what was measured", async () => {
  const takes = async () => {
    await new Promise((resolve) => void setTimeout(resolve, 60));
    return { code: 0, stdout: JSON.stringify({ ...predicted, milliseconds: 36_000 }), stderr: "", refusal: "" };
  };
  command.mockImplementationOnce(takes);
  const { seconds, cpuHours } = await evaluations.predict({ spec });
  expect(seconds).toBeGreaterThan(36.05);
  expect(cpuHours).toBeCloseTo((seconds * 2) / 3600, 12);
  // Ten times the pictures: 720 s of a processor, and the start.
  const more = evaluations.submit({ spec: { ...spec, data: { images: 40 } }, maxCpuHours: 0.19 });
  await expect(more).rejects.toMatchObject({ failure: { kind: "cost-exceeded" } });
  expect(command).toHaveBeenCalledTimes(1);
});

it("takes what was measured of an upload for no other one of its name, and plans with the files of the upload alone", async () => {
  expect(existsSync(path("kept", ".planning-0"))).toBe(false);
  const upload = (seed: number) => {
    const { bytes, manifest } = tinyFile({ seed }, { name: "mine" });
    return folderUploads(uploads).write({ manifest, info: {} as never, foundBy: "" }, bytes);
  };
  const mine = { ...spec, networks: ["one", "mine"], transferFrom: ["mine"] };
  command.mockReset();
  command.mockImplementation((_, folder) => {
    const written = JSON.parse(readFileSync(join(folder, "evaluation.json"), "utf8")) as GivenSpec;
    expect(written).toMatchObject({ networks: ["models/one", "uploaded/mine"], transferFrom: ["uploaded/mine"] });
    expect(readdirSync(join(folder, "uploaded")).concat(readdirSync(join(folder, "uploaded", "mine")))).toEqual([
      "mine",
      "manifest.json",
      "model.onnx",
    ]);
    return Promise.resolve({
      code: 0,
      stdout: JSON.stringify({ ...predicted, milliseconds: 3_600_000 }),
      stderr: "",
      refusal: "",
    });
  });
  await upload(1);
  const dear = () => evaluations.submit({ spec: mine, maxCpuHours: 0.5 });
  for (const calls of [1, 1]) {
    await expect(dear()).rejects.toMatchObject({ failure: { kind: "cost-exceeded" } });
    expect(command).toHaveBeenCalledTimes(calls);
  }
  await upload(2);
  await expect(dear()).rejects.toMatchObject({ failure: { kind: "cost-exceeded" } });
  expect(command).toHaveBeenCalledTimes(2);
  expect(readdirSync(path("kept"))).toEqual(["a"]);
  await upload(3);
  command.mockImplementationOnce((_, folder) => {
    rmSync(join(folder, "uploaded"), { recursive: true });
    return Promise.resolve({
      code: 0,
      stdout: JSON.stringify({ ...predicted, milliseconds: 1 }),
      stderr: "",
      refusal: "",
    });
  });
  await expect(evaluations.submit({ spec: mine })).rejects.toThrow("ENOENT");
  expect(readdirSync(path("kept"))).toEqual(["a"]);
});

it("carries out what it has kept, whatever becomes of the folder in which it was planned", async () => {
  command.mockReset();
  command.mockResolvedValue({
    code: 0,
    stdout: JSON.stringify({ ...predicted, milliseconds: 1 }),
    stderr: "",
    refusal: "",
  });
  const removed = vi.mocked(rm).getMockImplementation()!;
  const busy: typeof rm = (name, options) =>
    /\.planning-\w+$/.test(name.toString()) ? Promise.reject(new Error("EBUSY")) : removed(name, options);
  vi.mocked(rm).mockImplementation(busy);
  const request = { spec, idempotencyKey: "kept" };
  await expect(evaluations.submit(request)).rejects.toThrow("EBUSY");
  vi.mocked(rm).mockImplementation(removed);
  const { isNew, evaluation } = await evaluations.submit(request);
  expect(isNew).toBe(false);
  await vi.waitFor(async () => expect(await evaluations.get(evaluation.id)).toMatchObject({ state: "done" }));
  await evaluations.remove(evaluation.id);
});

it("ends when what is being planned has been kept", async () => {
  const own = await startEvaluations({ ...places, place: path("ended"), maxCpuHours: 1 });
  let ended: Promise<string[]> | undefined;
  command.mockReset();
  command.mockImplementationOnce(async () => {
    ended = own.end().then(() => readdirSync(path("ended")));
    await new Promise((resolve) => void setTimeout(resolve, 60));
    return { code: 0, stdout: JSON.stringify({ ...predicted, milliseconds: 1 }), stderr: "", refusal: "" };
  });
  const { id, state } = (await own.evaluations.submit({ spec })).evaluation;
  expect([state, await ended]).toEqual(["queued", [id]]);
  expect(command).toHaveBeenCalledTimes(1);
});

it("has no reason any more when it is tried again", async () => {
  expect((await evaluations.get("a")).reason).toBe("it took more");
  command.mockResolvedValue({ code: 0, stdout: "", stderr: "", refusal: "" });
  const { state, reason } = await evaluations.retry("a");
  expect([state, reason]).toEqual(["queued", undefined]);
});
