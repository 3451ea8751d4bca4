/** `evaluate`: rows of a data set on disk, resumed, sharded, interrupted and killed, always with the same bytes. */

import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { run } from "../../src/cli/main.ts";
import { specFrom } from "../../src/cli/evaluate-options.ts";
import type { RunFile } from "../../src/cli/run-file.ts";
import { readDeltas } from "../../src/cli/evaluate-prepare.ts";
import { attacksOf } from "../../src/evaluation/attacks-of.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { unitId, type Row } from "../../src/evaluation/row.ts";
import { tensorOf } from "../../src/tensor.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeNpy } from "../../src/image/npy.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { random } from "../../src/random.ts";
import { smallObjects } from "../../src/metrics/components.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const files = [tinyFile({ activation: "Tanh" }, { name: "one" }), tinyFile({ seed: 3 }, { name: "two" })] as const;
for (const { bytes, manifest } of files) {
  mkdirSync(path(manifest.name));
  put(`${manifest.name}/model.onnx`, bytes);
  put(`${manifest.name}/manifest.json`, JSON.stringify(manifest));
}
const channels = { channels: ["red", "green", "blue", "depth"], mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
mkdirSync(path("depth"));
put(
  "depth/manifest.json",
  JSON.stringify({ ...files[0].manifest, name: "depth", input: { ...files[0].manifest.input, ...channels } }),
);
const [one, two] = [path("one"), path("two")];
const names = Array.from({ length: 4 }, (_, i) => `picture-${i}`);
for (const folder of ["data", "data/images", "data/labels"]) mkdirSync(path(folder));
for (const [i, name] of names.entries()) {
  put(`data/images/${name}.png`, encodePng(noiseImage(12, 16 + 2 * (i % 2), i)));
  put(`data/labels/${name}.png`, encodeLabels(noiseLabels(12, 16 + 2 * (i % 2), 4, i, true), []));
}

for (const folder of ["large", "large/images", "large/labels"]) mkdirSync(path(folder));
put("large/images/a.png", encodePng(noiseImage(800, 800, 1)));
put("large/labels/a.png", encodeLabels(noiseLabels(800, 800, 4, 1), []));

const base = [one, two, "--data", path("data"), "--attacks", "fgsm,ifgsm", "--epsilon", "2,4"] as const;
const flags = [...base, "--transfer-from", one, "--repeats", "1", "--workers", "2"] as const;
const rowsOf = (file: string): Row[] =>
  readFileSync(path(file), "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);

/** Units: both networks clean, and on each 4 attacks twice; the first one's scored on the second as well. */
const UNITS = 4 * (2 * (1 + 8) + 8);

/** One network, two pictures, one attack. */
const onPart = [one, "--data", path("part"), "--attacks", "fgsm", "--epsilon", "2"] as const;
const partly = [...onPart, "--workers", "1", "-o", path("part.jsonl")] as const;

const evaluate = (...argv: readonly string[]) => faultline("evaluate", ...argv);
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

describe("a specification file", () => {
  const fields = {
    networks: [one, two],
    data: { path: "data", images: 7, remap: { 11: 255 } },
    attacks: ["fgsm" as const, { attack: "pgd" as const, steps: 20, epsilon: [2, 4], norm: "l2" as const }],
    epsilon: [2, 4],
    transform: [{ transform: [{ name: "jpeg", quality: [50, 90] }, { name: "blur" }], through: "bpda", draws: 3 }],
    crf: ["none"],
    targeted: { kind: "swap", classes: ["car", 3], to: "road", outside: "free" },
    scales: [{ scales: [0.5, 1] }, { scales: [1, 2], fusion: "mean", attacked: false }],
    transferFrom: [one, { networks: ["a", "b"], scales: [0.5], fusion: "max" }],
    seeds: 2,
    repeats: 1,
    seed: 5,
  };
  const typed = {
    data: "data",
    images: "7",
    remap: "11:255",
    attacks: "fgsm,pgd:steps=20:epsilon=2:norm=l2",
    epsilon: "2,4",
    transform: ["jpeg:quality=50..90+blur"],
    through: "bpda",
    draws: "3",
    crf: ["none"],
    swap: "car,3:road",
    outside: "free",
    scales: ["0.5,1", "1,2:mean:around"],
    "transfer-from": [one, "a+b@0.5:max"],
    seeds: "2",
    repeats: "1",
    seed: "5",
  };

  it("says the same as flags, in JSON and in YAML", async () => {
    const single = { ...fields, attacks: ["fgsm", { ...(fields.attacks[1] as object), epsilon: 2 }] };
    const spec = await specFrom([put("spec.json", JSON.stringify(single))], {});
    expect(spec).toEqual(await specFrom([put("spec.yml", stringify(single))], {}));
    expect(spec).toEqual(await specFrom([one, two], typed));
  });

  it("takes perturbations beside attacks by their names", async () => {
    const attacks = ["fgsm", { attack: "universal", delta: "d.npy" }];
    expect(await specFrom([one], { attacks: "fgsm", delta: ["d.npy"] })).toMatchObject({ attacks });
    expect(await specFrom([one], { delta: ["d.npy"] })).toMatchObject({ attacks: attacks.slice(1) });
    const { stderr } = await evaluate(
      one,
      "--data",
      path("data"),
      "--delta",
      put("d.npy", encodeNpy(noiseImage(12, 16))),
    );
    expect(stderr).toMatch(/d.npy: the perturbation is 16×12 .* and the image 18×12/);
  });

  it.each([
    [{ attacks: "paper", delta: ["d.npy"] }, "not with the preset paper"],
    [{ hide: "mask:m.png" }, "a mask is of one picture"],
    [{ attacks: "pgd,fgsm:stepz=2" }, "fgsm has no option stepz; accepted: epsilon, norm, label, pixelRange, target"],
    [{ scales: ["1:median"] }, 'after the scales come max, mean or around, not "median"'],
    [{ "transfer-from": ["a@1:around"] }, "around goes with --scales"],
  ])("refuses the flags %j", async (values, told) => {
    await expect(specFrom([one], values)).rejects.toThrow(told);
  });

  it("that has perturbations alone takes no region and no radius that they exceed", async () => {
    const delta = put("small.npy", encodeNpy(tensorOf("float32", [3, 1, 1], [0, 3.2, -1])));
    const spec = (flags: object) => specFrom([one], { delta: [delta], ...flags });
    const made = async (flags: object) =>
      attacksOf(await spec(flags), { classes: files[0].manifest.classes, deltas: await readDeltas(await spec(flags)) });
    await expect(made({ epsilon: "1,2" })).rejects.toThrow("changes a value by 3.2 grey levels, and epsilon is 2");
    await expect(made({ hide: "0" })).rejects.toThrow("targeted, --hide and --swap go with attacks");
    expect(await made({ epsilon: "1,3.2" })).toMatchObject([{ attack: "universal", epsilon: 3.2 }]);
    expect(await made({ epsilon: "1", hide: "0", attacks: "fgsm" })).toMatchObject([
      { attack: "fgsm", epsilon: 1 },
      { attack: "universal", epsilon: 3.2 },
    ]);
  });

  it("is changed by flags, field by field", async () => {
    const file = put("spec.yaml", stringify(fields));
    const spec = await specFrom([file], { images: "2", epsilon: "8", attacks: "sea" });
    expect(spec).toMatchObject({ data: { path: "data", images: 2 }, attacks: "sea", epsilon: [8], repeats: 1 });
  });

  it("that is wrong names its field", async () => {
    const { code, stderr } = await evaluate(put("bad.yml", "networks: [a]\nepsilons: 3\n"));
    expect(code).toBe(1);
    expect(stderr).toContain("epsilons: is no field here; accepted: networks, data");
    expect((await evaluate(put("worse.yml", "networks: [a"))).stderr).toContain("cannot be read");
  });
});

it("says how many pictures have the region of an attack, where not all have it", async () => {
  // The pictures are 16 and 18 wide by turns.
  const argv = [one, "--data", path("data"), "--attacks", "fgsm,pgd:steps=1", "--epsilon", "2,4", "--workers", "1"];
  const linesOf = async (hide: string, out: string) => {
    const { code, stdout } = await evaluate(...argv, "--hide", hide, "-o", path(out));
    return [code, ...stdout.split("\n").filter((line) => line.includes("the region"))];
  };
  expect(await linesOf("box:16,0,2,12", "some.jsonl")).toEqual(
    expect.arrayContaining([0, "fgsm, hide box 16,0,2,12: 2 of 4 pictures have the region"]),
  );
  expect(await linesOf("box:40,0,2,2", "none.jsonl")).toEqual([
    0,
    "fgsm, hide box 40,0,2,2: 0 of 4 pictures have the region; none was attacked",
    "pgd, hide box 40,0,2,2: 0 of 4 pictures have the region; none was attacked",
  ]);
  expect(await linesOf("box:0,0,2,2", "all.jsonl")).toEqual([0]);
});

describe("what is wrong", () => {
  it("with the pictures is said together, before anything runs", async () => {
    for (const folder of ["wrong", "wrong/images", "wrong/labels"]) mkdirSync(path(folder));
    put("wrong/images/a.png", encodePng(noiseImage(4, 4, 1)));
    put("wrong/labels/a.png", encodeLabels(noiseLabels(4, 4, 9, 1), []));
    put("wrong/images/b.png", encodePng(noiseImage(4, 4, 1)));
    const { code, stderr } = await evaluate(one, "--data", path("wrong"), "-o", path("wrong.jsonl"));
    expect(code).toBe(1);
    expect(stderr).toContain("images/b.png: has no label map labels/b.png");
    expect(stderr).toMatch(/--remap 4:255,5:255/);
    expect(stderr).toContain("the data has 2 faults");
  });

  it("of a picture that is cut short is found before the first attack", async () => {
    for (const folder of ["part", "part/images", "part/labels"]) mkdirSync(path(folder));
    for (const name of ["a", "b"]) put(`part/labels/${name}.png`, encodeLabels(noiseLabels(12, 16, 4, 1), []));
    put("part/images/a.png", encodePng(noiseImage(12, 16, 0)));
    put("part/images/b.png", encodePng(noiseImage(12, 16, 2)).slice(0, -40));
    const { code, stderr } = await evaluate(...partly);
    expect(code).toBe(1);
    expect(stderr).toMatch(/images\/b\.png: .*PNG/);
    expect(stderr).toContain("the data has 1 fault");
  });

  it("with one unit loses no other, is listed, and is tried again", async () => {
    const good = encodePng(noiseImage(12, 16, 2));
    put("part/images/b.png", good);
    expect((await evaluate(...partly, "--attacks", "none")).code).toBe(0);
    // That rows are there is said after the check: from then on one picture is gone.
    let told = "";
    const stderr = (text: string): void => {
      told += text;
      if (text.includes("are there already")) rmSync(path("part/images/b.png"));
    };
    expect(await run(["evaluate", ...partly], { stdout: () => undefined, stderr })).toBe(1);
    expect(told).toContain("1 of 4 units failed");
    expect(rowsOf("part.jsonl").map(({ unit: { item } }) => item)).toEqual(["a", "a", "b"]);
    const failed = readFileSync(path("part.failed.jsonl"), "utf8").trim().split("\n");
    expect(failed.map((line) => (JSON.parse(line) as Row).unit.item)).toEqual(["b"]);
    put("part/images/b.png", good);
    expect((await evaluate(...partly, "--report", path("part.md"))).code).toBe(0);
    expect(rowsOf("part.jsonl")).toHaveLength(4);
    expect(readFileSync(path("part.md"), "utf8")).toContain("| one | fgsm | 2 |");
    expect(() => readFileSync(path("part.failed.jsonl"))).toThrow("ENOENT");
  });

  it("is that the pictures are no longer those of the rows", async () => {
    put("part/images/a.png", encodePng(noiseImage(12, 16, 9)));
    const { code, stderr } = await evaluate(...partly);
    expect(code).toBe(1);
    expect(stderr).toContain("have changed");
  });

  it.each([
    [[one, "--attacks", "ifgms"], "attacks, no. 1: must be one of fgsm", 2],
    [[one, "--epsilon", "-2"], '--epsilon has no value, or one that begins with "-", which is written --epsilon=-…', 2],
    [
      [one, "--attacks", "fgsm:momentum=1", "--data", path("data")],
      "momentum must be absent: fgsm has no such option",
      1,
    ],
    [[one, "--shard", "3/2"], "--shard", 2],
    [[one, "--data", path("nowhere")], "no such file or folder", 1],
    [[one], "streets have the 11 classes", 1],
    [[one, "--data", path("one")], "no data set is recognised", 1],
    [[one, "--memory", "16", "--data", path("large")], "raise --memory", 1],
    [[one, path("depth"), "--data", path("data")], "takes pictures of 3 channels and depth of 4", 1],
    [[one, "-o", "rows.csv"], "JSON Lines", 2],
    [[one, "--report", "report.pdf"], "--report report.pdf: a report is a file .html, .md or .json", 2],
    [[one, "--draws", "3"], "--transform", 2],
    [[one, "--threads", "2"], "--threads 2 goes with --backend native or auto", 2],
  ])("with the command line is said: %j", async (argv, told, code) => {
    const ended = await evaluate(...argv, ...(argv.includes("-o") ? [] : ["-o", path("none.jsonl")]));
    expect(ended.stderr).toContain(told);
    expect(ended.code).toBe(code);
  });
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
