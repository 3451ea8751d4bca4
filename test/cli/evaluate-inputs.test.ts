/** What `evaluate` is given: specifications in files and in flags, and what is wrong with these, the pictures or the networks. */

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { run } from "../../src/cli/main.ts";
import { specFrom } from "../../src/cli/evaluate-options.ts";
import { readDeltas } from "../../src/cli/evaluate-prepare.ts";
import { attacksOf } from "../../src/evaluation/attacks-of.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { tensorOf } from "../../src/tensor.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeNpy } from "../../src/image/npy.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { evaluate, evaluateFolder } from "./evaluate-folder.ts";

const { path, put, files, one, two, rowsOf } = evaluateFolder();
const channels = { channels: ["red", "green", "blue", "depth"], mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
mkdirSync(path("depth"));
put(
  "depth/manifest.json",
  JSON.stringify({ ...files[0].manifest, name: "depth", input: { ...files[0].manifest.input, ...channels } }),
);

for (const folder of ["large", "large/images", "large/labels"]) mkdirSync(path(folder));
put("large/images/a.png", encodePng(noiseImage(800, 800, 1)));
put("large/labels/a.png", encodeLabels(noiseLabels(800, 800, 4, 1), []));

/** One network, two pictures, one attack. */
const onPart = [one, "--data", path("part"), "--attacks", "fgsm", "--epsilon", "2"] as const;
const partly = [...onPart, "--workers", "1", "-o", path("part.jsonl")] as const;

describe("a specification file", () => {
  const fields = {
    networks: [one, two],
    data: { path: "data", images: 7, remap: { 11: 255 } },
    attacks: ["fgsm" as const, { attack: "pgd" as const, steps: 20, epsilon: [2, 4], norm: "l2" as const }],
    epsilon: [2, 4],
    transform: [{ transform: [{ name: "jpeg", quality: [50, 90] }, { name: "blur" }], through: "bpda", draws: 3 }],
    crf: ["none"],
    around: { transform: [{ name: "jpeg", quality: 60 }], through: "bpda", draws: 3, crf: { attacked: false } },
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
    "around-transform": "jpeg:quality=60",
    "around-crf": "crf-rnn:unary",
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
    [{ attacks: "fgsm,pgd:steps=1:steps=2" }, '--attacks: "pgd:steps=1:steps=2" gives steps twice'],
    [{ transform: ["jpeg:quality=50:quality=75"] }, "gives quality twice"],
    [{ attacks: "fgsm,pgd:norm=l2" }, "epsilon: is required, because pgd has norm l2: the usual radii are of L∞"],
    [{ through: "bpda" }, "--through and --draws go with --transform or --around-transform"],
    [{ draws: "2", "around-transform": "none" }, "--through and --draws go with --transform or --around-transform"],
    [{ "around-transform": "jpg" }, "around, transform"],
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
    let [told, printed] = ["", ""];
    const stdout = (text: string): void => void (printed += text);
    const stderr = (text: string): void => {
      told += text;
      if (text.includes("are there already")) rmSync(path("part/images/b.png"));
    };
    expect(await run(["evaluate", ...partly, "--json"], { stdout, stderr })).toBe(1);
    expect(told).toContain("1 of 4 units failed");
    const error = `${path("part/images/b.png")}: no such file or folder`;
    expect(JSON.parse(printed)).toMatchObject({ units: 4, failed: 1, firstFailure: { item: "b", error } });
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
      2,
    ],
    [[one, "--shard", "3/2"], "--shard", 2],
    [[one, "--data", path("nowhere")], "no such file or folder", 1],
    [[one], "streets have the 11 classes", 1],
    [[one, "--data", path("one")], "no data set is recognised", 1],
    [[...onPart, "--max-units", "3"], "it has 4 units (pictures × networks", 2],
    [[...onPart, "--max-units", "3"], "at most 3 are taken (--max-units)", 2],
    // The pictures have not been looked at: there is one at least.
    [[...onPart, "--max-units", "1"], "it has at least 2 units (pictures × networks", 2],
    [[one, "--memory", "16", "--data", path("large")], "give more memory (--memory)", 1],
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
