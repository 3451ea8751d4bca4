/** `attack`: what it writes and prints is what `measure` finds, picture by picture and pooled by counts. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { optionNames } from "../../src/attacks/options.ts";
import { distanceOf } from "../../src/attacks/norms.ts";
import { planFrom } from "../../src/cli/attack-options.ts";
import type { AttackReport } from "../../src/cli/attack-report.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { roundToUint8 } from "../../src/image/encode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { atScales, ensembleOf } from "../../src/segmenter/ensemble.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { readNpy } from "../segmenter/npy.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, jsonOf } from "./terminal.ts";
import { attackFolder, csvLines, flags, plan } from "./attack-folder.ts";

const { path, put, tiny, described, images, truths, segmenter, one } = attackFolder();
const maxPixels = 2 ** 20;

describe("pictures of a folder", async () => {
  const out = path("out");
  const argv = [...described, path("pictures"), ...flags, "--labels", path("truth"), "--npy", "-o", out] as const;
  const report = await jsonOf<AttackReport>("attack", ...argv);
  const expected = await Promise.all(
    (["one", "two"] as const).map((name) =>
      measure({ segmenter, image: images[name], item: "", truth: truths[name] }, plan),
    ),
  );

  it("have the counts of `measure`, in their order", () => {
    expect(report.images.map(({ row }) => row.counts)).toEqual(expected.map(({ row }) => row.counts));
    expect(report.images.map(({ row }) => row.evaluations)).toEqual(expected.map(({ row }) => row.evaluations));
    expect(report).toMatchObject({ network: "tiny", reference: "ground-truth", attack: { attack: "ifgsm", steps: 3 } });
  });

  it("are pooled by pixels, not by pictures", () => {
    const right = (kind: "clean" | "uint8") =>
      expected.flatMap(({ row }) => row.counts[kind].truePositive).reduce((a, b) => a + b, 0);
    const pixels = [...truths.one.data, ...truths.two.data].filter((label) => label !== 255).length;
    const { pixelAccuracy } = report.pooled.uint8;
    expect(pixelAccuracy.clean).toBeCloseTo(right("clean") / pixels, 12);
    expect(pixelAccuracy.adversarial).toBeCloseTo(right("uint8") / pixels, 12);
    const mean = report.images.reduce((all, { scores }) => all + scores.uint8.pixelAccuracy.adversarial!, 0) / 2;
    expect(Math.abs(mean - pixelAccuracy.adversarial!)).toBeGreaterThan(1e-3);
    expect(report.pooled.evaluations.backward).toBe(6);
  });

  it("are written: the adversarial picture, exact floats, labels before and after", async () => {
    const name = (stem: string) => [
      `${stem}.adversarial.npy`,
      `${stem}.adversarial.png`,
      `${stem}.labels-after.png`,
      `${stem}.labels-before.png`,
    ];
    expect(readdirSync(out).toSorted()).toEqual([...name("one"), ...name("two")]);
    const read = (file: string) => readFileSync(path("out", file));
    const adversarial = await decodeImage(read("one.adversarial.png"), { maxPixels });
    expect([...adversarial.data]).toEqual([...expected[0]!.uint8.image.data]);
    expect([...Float32Array.from(readNpy(read("one.adversarial.npy")).data)]).toEqual([
      ...expected[0]!.float.image.data,
    ]);
    const before = decodeLabels(read("one.labels-before.png"), { maxPixels });
    const after = decodeLabels(read("one.labels-after.png"), { maxPixels });
    expect([...before.data]).toEqual([...(await segmenter.predict(images.one)).labels.data]);
    expect([...after.data]).toEqual([...(await segmenter.predict(adversarial)).labels.data]);
  });

  it("make a table with a line for each, and one for all; elsewhere than on a terminal, lines of progress", async () => {
    const { code, stdout, stderr } = await faultline("attack", ...argv);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^tiny, ifgsm at ε = 8, 8-bit pictures in .*, against the ground truth/);
    expect(lines.slice(2, 5).map((line) => line.split(/\s+/)[0])).toEqual([one, path("pictures", "two.png"), "pooled"]);
    // Three steps have no course to judge; what one attack leaves open is said.
    expect(lines.slice(5)).toEqual([expect.stringMatching(/^not checked: gradient-free-stronger, .*faultline audit/)]);
    expect(lines[4]).toContain(report.pooled.uint8.iouRatio!.toFixed(4));
    expect(stderr.trimEnd().split("\n")).toEqual([
      `1/2 ${one} …`,
      expect.stringMatching(/^1\/2 .*one.png: IoU ratio \d\.\d{4}$/),
      expect.stringMatching(/^2\/2 .*two.png …, \d+ s left$/),
      expect.stringMatching(/^2\/2 .*two.png: IoU ratio/),
    ]);
  });

  it("make CSV of floats and of 8-bit pictures", async () => {
    const { stdout } = await faultline("attack", ...argv, "--csv");
    const [head, ...rows] = stdout
      .trimEnd()
      .split("\r\n")
      .map((line) => line.split(","));
    expect(head?.slice(0, 3)).toEqual(["image", "kind", "miou_clean"]);
    expect(rows.map(([image, kind]) => [image, kind])).toEqual(
      ["float", "uint8"].flatMap((kind) => [one, path("pictures", "two.png"), "pooled"].map((image) => [image, kind])),
    );
    expect(Number(rows[5]![4])).toBe(report.pooled.uint8.iouRatio);
  });

  it("show the signs that the attack was weaker than it seems, in every form", async () => {
    const few = ["attack", ...argv, "--steps", "6", "--alpha", "0.75"] as const;
    const { images: attacked, unchecked } = await jsonOf<AttackReport>(...few);
    expect(attacked.map(({ signs }) => signs.map(({ kind }) => kind))).toEqual([
      ["loss-still-moving"],
      ["loss-still-moving"],
    ]);
    expect(unchecked.kinds).toContain("gradient-free-stronger");
    const [text, csv] = [await faultline(...few), await faultline(...few, "--csv")].map(({ stdout }) => stdout);
    expect(text).toMatch(/\nsign: loss-still-moving on 2 of 2 pictures, the first: \d+\.\d % of the loss's change/);
    expect(
      csv!
        .trimEnd()
        .split("\r\n")
        .map((line) => line.split(",").at(-1)),
    ).toEqual(["signs", ...Array.from({ length: 6 }, () => "loss-still-moving")]);
  });
});

describe("an attack of minimum norm", () => {
  const asked = ["--attack", "minimal-fgsm", "--steps", "4", "-o", path("out-minimal")];

  it.each([
    { changes: ["--epsilon", "0.01"], cells: ["no", "no", "0 of 2"], reached: ["0", "0", "0"] },
    { changes: ["--success", "0.05"], cells: ["yes", "yes", "2 of 2"], reached: ["1", "1", "2"] },
  ])("says where it missed its goal, and for how many pictures: $changes", async ({ changes, cells, reached }) => {
    const argv = [path("net"), path("pictures"), ...asked, ...changes];
    const { stdout } = await faultline("attack", ...argv);
    const [head, ...lines] = stdout.trimEnd().split("\n").slice(1);
    expect(head).toMatch(/evaluations +succeeded$/);
    expect(lines.slice(0, cells.length).map((line) => line.slice(head!.indexOf("succeeded")).trim())).toEqual(cells);
    expect((await csvLines(...argv)).map(({ succeeded }) => succeeded)).toEqual([...reached, ...reached]);
    const { images } = await jsonOf<AttackReport>("attack", ...argv);
    expect(images.map(({ row }) => row.success)).toEqual(cells.slice(0, 2).map((cell) => cell === "yes"));
  });
});

it("weighs the classes as --class-weights says", async () => {
  const argv = [path("net"), one, "--attack", "sea", "--steps", "3", "-o", path("out-weights")];
  const { attack } = await jsonOf<AttackReport>("attack", ...argv, "--class-weights", "1,0,0.5,2");
  expect(attack).toMatchObject({ attack: "sea", classWeights: [1, 0, 0.5, 2] });
});

describe("a network", () => {
  it.each([
    ["a folder", path("net")],
    ["a file with its manifest beside it", path("net", "model.onnx")],
  ])("may be %s", async (_, net) => {
    const report = await jsonOf<AttackReport>("attack", net, one, ...flags, "-o", path("out-net"));
    const { row } = await measure({ segmenter, image: images.one, item: "" }, plan);
    expect(report.images[0]?.row.counts).toEqual(row.counts);
    expect(report.reference).toBe("prediction");
  });

  it("may be attacked by the gradients of another", async () => {
    const other = tinyFile({ activation: "Tanh", seed: 7 }, { name: "other" });
    mkdirSync(path("other"));
    put("other/model.onnx", other.bytes);
    put("other/manifest.json", JSON.stringify(other.manifest));
    const report = await jsonOf<AttackReport>(
      "attack",
      path("net"),
      one,
      ...flags,
      "--source",
      path("other"),
      "-o",
      path("out-source"),
    );
    const source = createSegmenter(openNetwork(other.manifest, other.bytes), new SessionCache(startWasm(), 2 ** 30));
    const { row } = await measure({ segmenter, source, image: images.one, item: "" }, plan);
    const whiteBox = await measure({ segmenter, image: images.one, item: "" }, plan);
    expect(report.images[0]?.row.counts).toEqual(row.counts);
    expect(row.counts.float).not.toEqual(whiteBox.row.counts.float);

    const sources = ["--source", path("other"), "--source", path("net"), "--scales", "0.5,1", "--fusion", "mean"];
    const out = path("out-both");
    const both = await jsonOf<AttackReport>("attack", path("net"), one, ...flags, ...sources, "-o", out);
    expect(both.source).toBe("other+tiny@0.5,1 mean");
    const [tinyNetwork, otherNetwork] = [tiny, other].map((file) => openNetwork(file.manifest, file.bytes));
    const climbed = atScales(ensembleOf([otherNetwork!, tinyNetwork!]), [0.5, 1], "mean");
    const fused = createSegmenter(climbed, new SessionCache(startWasm(), 2 ** 30));
    const expected = await measure({ segmenter, source: fused, image: images.one, item: "" }, plan);
    expect(both.images[0]?.row.counts).toEqual(expected.row.counts);
  });
});

describe("a radius that is not given", () => {
  it("is 8, and none at all for attacks of minimum norm", () => {
    const radius = (attack: string, epsilon?: string) => planFrom({ attack, epsilon, seed: "0" }).epsilon;
    expect([radius("pgd"), radius("ddn"), radius("fmn"), radius("ddn", "40")]).toEqual([8, undefined, undefined, 40]);
  });
});

describe("a ball in L2", () => {
  it.each(["pgd:norm=l2:steps=2", "ddn:steps=5"])("holds for the 8-bit image of %s", async (attack) => {
    const attacked = planFrom({ attack, epsilon: "9", seed: "0" });
    const { float, uint8 } = await measure({ segmenter, image: images.one, item: "" }, attacked);
    const lengthOf = ({ data }: typeof float.image) => distanceOf(data, images.one.data, "l2");
    expect(lengthOf(uint8.image)).toBeLessThanOrEqual(9);
    expect(lengthOf(roundToUint8(float.image))).toBeGreaterThan(9);
  });

  it("without a bound leaves the nearest integers", async () => {
    const attacked = planFrom({ attack: "ddn:steps=5", seed: "0" });
    const { float, uint8 } = await measure({ segmenter, image: images.one, item: "" }, attacked);
    expect(uint8.image).toEqual(roundToUint8(float.image));
  });

  it("is attacked as `measure` does it, by --norm or in the attack's own spelling", async () => {
    const parts = ["--attack", "pgd", "--norm", "l2", "--epsilon", "300", "--steps", "3"];
    const l2 = planFrom({ attack: "pgd:norm=l2:steps=3", epsilon: "300", seed: "0" });
    expect(l2).toMatchObject({ attack: "pgd", norm: "l2", epsilon: 300, steps: 3 });
    expect(planFrom({ attack: "pgd", norm: "l2", steps: "3", epsilon: "300", seed: "0" })).toEqual(l2);
    const { row } = await measure({ segmenter, image: images.one, item: "" }, l2);
    for (const argv of [parts, ["--attack", "pgd:norm=l2:steps=3:epsilon=300"]]) {
      const { code, stdout } = await faultline("attack", path("net"), one, ...argv, "-o", path("l2"));
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^tiny, pgd at ε = 300 in L2, /)]);
      expect(stdout.split("\n")[1]).toMatch(/ L2 +evaluations/);
      expect(stdout).not.toContain("L∞ ");
      const report = await jsonOf<AttackReport>("attack", path("net"), one, ...argv, "-o", path("l2"));
      expect(report.images[0]?.row.unit.attack).toEqual({ ...(row.unit.attack as object), norm: "l2" });
      expect(report.images[0]?.row.counts).toEqual(row.counts);
      expect(report.images[0]?.row.distances.l2).toBeLessThanOrEqual(300.01);
      expect(report.images[0]?.perturbation.uint8.l2).toBeLessThanOrEqual(300);
    }
    expect(row.distances.l2).toBeGreaterThan(255);
  });

  it("stands in the title, the table and the CSV of attacks of minimum norm, which have it of their own", async () => {
    const argv = [path("net"), one, "--attack", "ddn:steps=3", "--epsilon", "9", "-o", path("l2 of ddn")] as const;
    const { stdout } = await faultline("attack", ...argv);
    const { images: attacked, pooled } = await jsonOf<AttackReport>("attack", ...argv);
    const { float, uint8 } = attacked[0]!.perturbation;
    expect(stdout.split("\n")[0]).toMatch(/^tiny, ddn at ε = 9 in L2, /);
    expect(stdout.split("\n")[2]).toMatch(new RegExp(` ${Number(uint8.l2.toFixed(3))} +\\d`));
    expect((await csvLines(...argv)).map(({ l2 }) => Number(l2))).toEqual([float.l2, uint8.l2]);
    expect(pooled.l2).toEqual({ float: float.l2, uint8: uint8.l2 });
    expect(float.l2).toBeGreaterThan(0);
  });
});

it("says where rounding to 8 bits undoes the attack", async () => {
  const argv = [
    "--attack",
    "ifgsm",
    "--alpha",
    "0.2",
    "--steps",
    "3",
    "--epsilon",
    "0.4",
    "-o",
    path("rounded"),
  ] as const;
  const [single, several] = [
    await faultline("attack", path("net"), one, ...argv),
    await faultline("attack", path("net"), path("pictures"), ...argv),
  ];
  expect(single.stdout).toContain("\nnote: rounding to 8 bits undoes the attack: the 8-bit image is the clean one.");
  expect(several.stdout).toContain("\nnote: on 2 of 2 pictures, the first: rounding to 8 bits undoes the attack: ");
  const larger = await faultline("attack", path("net"), one, ...argv, "--alpha", "4", "--epsilon", "8");
  expect(larger.stdout).not.toContain("rounding");
});

it("the help names every attack of the catalogue, and a flag for each option", async () => {
  const { stdout } = await faultline("attack", "--help");
  for (const name of attackNames) expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, "m"));
  for (const option of optionNames) expect(stdout).toMatch(new RegExp(`^ {6}--${option} N`, "m"));
});

it("Ctrl-C ends the attack at its next step, and says what is written", async () => {
  const out = path("out-interrupted");
  const running = faultline(
    "attack",
    path("net"),
    path("pictures"),
    "--attack",
    "ifgsm",
    "--steps",
    "100000",
    "-o",
    out,
  );
  const interrupt = setInterval(() => process.listenerCount("SIGINT") > 0 && process.emit("SIGINT"), 20);
  const { code, stdout, stderr } = await running;
  clearInterval(interrupt);
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).toMatch(/faultline: interrupted: of 2 pictures nothing is written\n$/);
  expect(readdirSync(out)).toEqual([]);
  expect(process.listenerCount("SIGINT")).toBe(0);
});
