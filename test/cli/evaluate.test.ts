/** `evaluate`: rows of a data set on disk, resumed, sharded, interrupted and killed, always with the same bytes. */

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { RunFile } from "../../src/cli/run-file.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { unitId } from "../../src/evaluation/row.ts";
import { random } from "../../src/random.ts";
import { smallObjects } from "../../src/metrics/components.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { evaluate, evaluateFolder } from "./evaluate-folder.ts";

const { path, files, one, two, rowsOf } = evaluateFolder();
const base = [one, two, "--data", path("data"), "--attacks", "fgsm,ifgsm", "--epsilon", "2,4"] as const;
const flags = [...base, "--transfer-from", one, "--repeats", "1", "--workers", "2"] as const;

/** Units: both networks clean, and on each 4 attacks twice; the first one's scored on the second as well. */
const UNITS = 4 * (2 * (1 + 8) + 8);

const whole = await evaluate(...flags, "-o", path("whole.jsonl"));
const bytes = readFileSync(path("whole.jsonl"));

describe("the rows of an evaluation", () => {
  const rows = rowsOf("whole.jsonl");

  it("are there for every unit, once, with the ids of their units", async () => {
    expect(whole).toMatchObject({ code: 0 });
    expect(rows).toHaveLength(UNITS);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(UNITS);
    expect(await Promise.all(rows.map(({ unit }) => unitId(unit)))).toEqual(rows.map(({ id }) => id));
  });

  it("are those of `measure` on the same pictures", async () => {
    const cache = new SessionCache(startWasm(), 2 ** 30);
    const [source, target] = files.map(({ manifest, bytes: file }) =>
      createSegmenter(openNetwork(manifest, file), cache),
    ) as [ReturnType<typeof createSegmenter>, ReturnType<typeof createSegmenter>];
    const found = rows.find(
      ({ unit }) =>
        unit.source !== undefined &&
        unit.item === "picture-1" &&
        unit.repeat === 1 &&
        JSON.stringify(unit.attack).includes('"ifgsm"'),
    )!;
    const attack = found.unit.attack as unknown as { readonly epsilon: number; readonly steps: number };
    const plan = { attack: "ifgsm", alpha: 1, pixelRange: "clip", seed: 0, repeat: 1, ...attack } as const;
    const subject = { segmenter: target, source, image: noiseImage(12, 18, 1), item: "picture-1" };
    const truth = noiseLabels(12, 18, 4, 1, true);
    const { row } = await measure(
      { ...subject, truth, small: smallObjects(truth, 0.01), version: found.receipt.faultline },
      plan,
    );
    expect(found).toEqual(row);
  });

  it("share a file that says what they are of", () => {
    const run = JSON.parse(readFileSync(path("whole.run.json"), "utf8")) as RunFile;
    expect(run.networks.map(({ name, sha256 }) => [name, sha256])).toEqual(
      files.map(({ manifest }) => [manifest.name, manifest.sha256]),
    );
    expect(run).toMatchObject({
      schema: 1,
      data: { kind: "folders", items: 4 },
      images: { width: [16, 18], height: [12, 12] },
      spec: { attacks: ["fgsm", "ifgsm"], repeats: 1, small: 0.01, transferFrom: [one] },
    });
    expect(run.command).toContain(`faultline evaluate ${one} ${two} --data`);
    expect(run.command).not.toContain("--workers");
  });

  it("are printed as a table of pooled scores", () => {
    expect(whole.stdout).toMatch(/one +ifgsm +4 +4 +0\.\d{4} +\d\.\d{4} +\d\.\d{4}/);
    expect(whole.stdout).toMatch(/two +one +ifgsm +4 +4/);
  });
});

describe("an evaluation that was stopped", () => {
  const lines = bytes.toString().split("\n").slice(0, -1);

  it("survives kill -9 and Ctrl-C at any time, grows, goes on behind a torn line, and ends with the same bytes", async () => {
    const next = random(7);
    const out = path("killed.jsonl");
    const bin = fileURLToPath(new URL("../../bin/faultline.js", import.meta.url));
    let told = "";
    const sizeOf = (): number => statSync(out, { throwIfNoEntry: false })?.size ?? 0;
    const stopped = async (signal: "SIGKILL" | "SIGINT", argv: readonly string[]): Promise<number | null> => {
      const child = spawn(process.execPath, [bin, "evaluate", ...argv, "-o", out], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      child.stderr.on("data", (chunk: Buffer) => void (told += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
      // After a random part of the rows, at a random moment: before a row, within one, after one.
      const until = sizeOf() + 0.2 * next() * bytes.length;
      while (child.exitCode === null && sizeOf() <= until) await setTimeout(2 + 5 * next());
      child.kill(signal);
      return ended;
    };
    expect(await stopped("SIGKILL", [...base, "--images", "3", "--workers", "2"])).toBeNull();
    expect(await stopped("SIGKILL", flags)).toBeNull();
    expect(await stopped("SIGINT", flags)).toBe(130);
    expect(told).toContain("the same command goes on from there");
    expect(sizeOf()).toBeLessThan(bytes.length);
    appendFileSync(out, lines.at(-1)!.slice(0, 100));
    const { code, stderr } = await evaluate(...flags, "--workers", "1", "-o", out);
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`[1-9]\\d* of ${UNITS} units are there already`));
    expect(readFileSync(out)).toEqual(bytes);
  });

  it("does nothing where all is there, and mixes no rows of another evaluation with its own", async () => {
    const out = path("killed.jsonl");
    expect((await evaluate(...flags, "-o", out)).stderr).toContain(`${UNITS} of ${UNITS} units`);
    const less = await evaluate(...base, "--images", "2", "-o", out);
    expect(less.code).toBe(1);
    expect(less.stderr).toContain("rows that this evaluation does not have");
    expect(lines).toHaveLength(UNITS);
    expect(readFileSync(out)).toEqual(bytes);
  });

  it("in two shards has the same rows, which one run puts in order", async () => {
    for (const shard of ["1/2", "2/2"])
      await evaluate(...flags, "--workers", "1", "--shard", shard, "-o", path(`shard-${shard[0]}.jsonl`));
    const both = ["shard-1.jsonl", "shard-2.jsonl"].map((file) => readFileSync(path(file)));
    expect(both[0]!.length).toBeLessThan(bytes.length);
    writeFileSync(path("joined.jsonl"), Buffer.concat([both[1]!, both[0]!]));
    await evaluate(...flags, "-o", path("joined.jsonl"));
    expect(readFileSync(path("joined.jsonl"))).toEqual(bytes);
  });
});
it("says which attacks take none of the radii that are given, and how to give them one", async () => {
  const stderrOf = async (...argv: readonly string[]) =>
    (await evaluate(one, "--data", path("data"), "--images", "1", "--workers", "1", "--dry-run", ...argv)).stderr;
  const told = await stderrOf("--attacks", "ddn:steps=2,fgsm", "--epsilon", "3");
  expect(told).toMatch(/^note: ddn takes none of the common radii and looks for .*; ddn:epsilon=3 gives it its own$/m);
  expect(told).not.toMatch(/note: fgsm/);
  for (const argv of [
    ["--attacks", "ddn:steps=2"],
    ["--attacks", "ddn:steps=2:epsilon=4,fgsm", "--epsilon", "3"],
  ])
    expect(await stderrOf(...argv)).not.toContain("note:");
});

it("a dry run says what it would take, and writes nothing", async () => {
  const { code, stdout } = await evaluate(...flags, "--dry-run", "--json", "-o", path("dry.jsonl"));
  expect(code).toBe(0);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  const backward = 4 * 2 * 2 * (1 + 1 + 3 + 5);
  expect(told).toMatchObject({ units: UNITS, pictures: 4, workers: 2, evaluations: { backward } });
  expect(told["milliseconds"]).toBeGreaterThan(0);
  const single = [one, "--data", path("data"), "--attacks", "fgsm", "--epsilon", "2", "--images", "1"] as const;
  const text = (await evaluate(...single, "--workers", "1", "--dry-run", "-o", path("dry.jsonl"))).stdout;
  expect(text).toMatch(
    /^2 units on 1 picture of .*\n.*\n  .*one: [\d.]+ ms forward, [\d.]+ ms with the gradient\n1 worker with /,
  );
  expect(() => readFileSync(path("dry.jsonl"))).toThrow("ENOENT");
});
