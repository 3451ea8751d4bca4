/**
 * The page /lab of the built Worker, driven in Chromium: the numbers are those of the same attack in Node, and axe-core finds no
 * fault in any state. Screenshots go to out/lab.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../scripts/workerd.ts";
import { crfRnn } from "../../src/crf/parameters.ts";
import { measure, type Measured } from "../../src/evaluation/measure.ts";
import { attackScores, perturbationFrom, type AttackScores } from "../../src/evaluation/scores.ts";
import type { RegionResult } from "../../src/evaluation/region-goal.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { changedShare } from "../../src/metrics/distances.ts";
import { percent } from "../../src/playground/words.ts";
import type { Labels } from "../../src/segmenter/segmenter.ts";
import { faultline, jsonOf } from "../cli/terminal.ts";
import { makeScene } from "../conformance/scene.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { findChromium, openPage, type Page } from "./chromium.ts";
import { coloursOf, differing, file, imageFrom, names, pixelsOf, put, scene, segmenter } from "./lab-node.ts";
import { labPage, out } from "./lab-page.ts";

const chromium = findChromium();
const without = chromium ? "" : ": none on the PATH, none named by CHROMIUM, none in the development dependencies";

const common = { alpha: 1, seed: 0, pixelRange: "clip" } as const;
const inNode = (plan: { attack: "ifgsm-ii" | "fgsm"; epsilon: number; steps: number }, truth?: Labels) =>
  measure({ segmenter, image: scene.image, item: "street", truth }, { ...common, ...plan });

/** The attack that most tests look at. */
const plan = { attack: "ifgsm-ii", epsilon: 8, steps: 4 } as const;
let known: Promise<Measured> | undefined;
const planned = (): Promise<Measured> => (known ??= inNode(plan));

const scored = ({ row: { counts } }: Measured): AttackScores =>
  attackScores(scoresOf(counts.clean), scoresOf(counts.uint8), names);

describe.skipIf(!chromium)(`the page /lab in Chromium${without}`, () => {
  let worker: RunningWorker;
  let page: Page;
  let lab: ReturnType<typeof labPage>;
  const own = put("street.png", scene.png);
  const address = async (search: string): Promise<URL> => new URL(`/lab?backend=wasm${search}`, await worker.ready);

  beforeAll(async () => {
    worker = startWorker();
    page = await openPage(chromium!);
    lab = labPage(page);
    await page.send("DOM.enable");
    await page.send("Emulation.setDeviceMetricsOverride", { width: 1360, height: 900, deviceScaleFactor: 1, mobile: false }); // prettier-ignore
    await page.open(await address(`&attack=${plan.attack}&epsilon=8&steps=${plan.steps}&longest=160`));
    await lab.ready();
    await lab.keptOffline();
  });
  afterAll(async () => {
    await page?.close();
    await worker?.dispose();
  });

  it("attacks the visitor's own picture, which goes nowhere, with the numbers of Node", async () => {
    const before = page.requests.length;
    await lab.files("file", [own]);
    await lab.ready();
    expect(differing(await lab.pixels("picture", "before"), pixelsOf(scene.image))).toBe(0);
    expect(await lab.faults()).toEqual([]);

    // By the keyboard alone: every stop has a name, and the button keeps the focus.
    const stops: string[] = [];
    while (stops.at(-1) !== "start" && stops.length < 40) {
      await lab.press("Tab");
      stops.push(await lab.focused());
    }
    expect(stops).toEqual(expect.arrayContaining(["file", "add-truth", "network", "add-network", "attack", "epsilon", "steps", "start"])); // prettier-ignore
    await lab.press("Enter");
    await lab.says("status", "Done");
    expect(await lab.focused()).toBe("start");

    const node = await planned();
    expect(differing(await lab.pixels("labels", "before"), coloursOf(node.clean.labels))).toBe(0);
    expect(differing(await lab.pixels("labels", "after"), coloursOf(node.uint8.labels))).toBe(0);
    expect(differing(await lab.pixels("picture", "after"), pixelsOf(node.uint8.image))).toBe(0);
    expect(await lab.number("iou-ratio")).toBe(scored(node).iouRatio);
    expect(await lab.number("changed-share")).toBe(changedShare(node.clean.labels, node.uint8.labels));
    const { linf, l2, l0, psnr, ssim } = perturbationFrom(scene.image)(node.uint8.image);
    const told = await Promise.all(["linf", "l2", "l0", "psnr", "ssim"].map((id) => lab.number(id)));
    expect(told).toEqual([linf, l2, l0, psnr, ssim]);
    expect(await lab.text("signs")).toBe(node.signs.map(({ kind, detail }) => `${kind}: ${detail}`).join(""));
    expect(await lab.text("unchecked")).toContain(node.unchecked.detail);
    expect(page.requests.slice(before).filter((url) => !url.startsWith("blob:"))).toEqual([]);
  });

  it("probes a pixel with the arrow keys, and hides a class", async () => {
    await page.evaluate(`document.getElementById("frame").focus()`);
    for (const key of ["ArrowLeft", "ArrowLeft", "ArrowDown"]) await lab.press(key);
    const node = await planned();
    const [x, y] = [96 / 2 - 1, 64 / 2 + 1];
    const [first, second] = [node.clean, node.uint8].map(({ labels }) => names[labels.data[y * 96 + x]!]);
    const after = await segmenter.predict(node.uint8.image);
    const sure = [node.clean, after].map(({ confidence }) => percent(confidence.data[y * 96 + x]!));
    expect(await lab.text("probe")).toContain(
      `x ${x}, y ${y} · ${first} → ${second} · confidence ${sure.join(" → ")} ·`,
    );
    const shown = await lab.pixels("labels", "after");
    const toggle = () => page.evaluate(`document.querySelectorAll("#legend input")[${names.indexOf(second!)}].click()`);
    await toggle();
    const without = await lab.pixels("labels", "after");
    const count = node.uint8.labels.data.filter((label) => names[label] === second).length;
    const changed = shown.filter((_, i) => i % 3 === 0 && [0, 1, 2].some((c) => shown[i + c] !== without[i + c]));
    expect(changed.length).toBe(count);
    await toggle();
    expect(differing(await lab.pixels("labels", "after"), shown)).toBe(0);
  });

  /** The IoU ratios of the run on show as the lab's command line and its request have them. */
  const elsewhere = async (spec: object): Promise<readonly (number | null)[]> => {
    const picture = put("picture.png", await lab.saved("picture.png"));
    const [npx, name, ...line] = (await lab.value("cli")).replace("picture.png", picture).split(" ");
    expect([npx, name]).toEqual(["npx", "faultline"]);
    const told = await jsonOf<{ pooled: { uint8: AttackScores } }>(...line, "-o", out);
    expect(await lab.value("curl")).toContain(JSON.stringify(spec));
    const form = new FormData();
    form.set("image", new Blob([new Uint8Array(readFileSync(picture))], { type: "image/png" }), "picture.png");
    form.set("spec", new Blob([JSON.stringify(spec)], { type: "application/json" }));
    const answer = await fetch(new URL("/v1/attack", await worker.ready), { method: "POST", body: form });
    const { scores } = (await answer.json()) as { scores: { uint8: AttackScores } };
    return [told.pooled.uint8.iouRatio, scores.uint8.iouRatio];
  };

  it("takes everything away, and the command line's run is the same", async () => {
    const report = JSON.parse((await lab.saved("scores.json")).toString()) as { scores: AttackScores; spec: object };
    const node = scored(await planned());
    expect(report.scores).toEqual(node);
    expect((await lab.saved("scores.csv")).toString()).toContain(`road,1,${node.perClass[3]!.adversarial}\n`);
    const link = new URL(await lab.value("link"));
    expect(Object.fromEntries(link.searchParams)).toMatchObject({ attack: "ifgsm-ii", epsilon: "8", steps: "4" });
    expect(await elsewhere(report.spec)).toEqual([node.iouRatio, node.iouRatio]);
    await lab.shoot("done", 1360, 900, "dark");
    expect(await lab.faults()).toEqual([]);
  });

  it("says that what is on show is of other settings, and keeps what a cancelled attack had reached", async () => {
    await lab.set("epsilon", 3);
    await lab.set("steps", 200);
    expect(await lab.text("stale")).toMatch(/^On show is Iterative FGSM II at ε = 8 in 4 steps on enet-street\./);
    expect(await lab.faults()).toEqual([]);
    await page.evaluate(`document.getElementById("start").focus()`);
    await lab.click("start");
    await lab.until(`/^Step [2-9]\\d* of 200/.test(document.getElementById("detail").textContent)`);
    expect([await lab.text("start"), await lab.focused()]).toEqual(["Cancel", "start"]);
    expect(await lab.faults()).toEqual([]);
    await lab.click("start");
    await lab.says("status", "Stopped after step");
    expect([await lab.text("start"), await lab.focused(), await lab.text("stale")]).toEqual(["Attack", "start", ""]);
    const kept = imageFrom(await lab.pixels("picture", "after"));
    const { labels } = await segmenter.predict(kept);
    expect(differing(await lab.pixels("labels", "after"), coloursOf(labels))).toBe(0);
    expect(await lab.number("linf")).toBe(2);
    const share = labels.data.filter((label) => label === 3).length / labels.data.length;
    expect(await lab.text("legend")).toContain(`${(100 * share).toFixed(1)}\u00a0%`);
    expect(await lab.faults()).toEqual([]);
  });

  it("scores against the visitor's labels, and draws the curve over ε, with the numbers of Node", async () => {
    const wrong = put("wrong.png", makeScene(1, 32, 32).labelsPng);
    await lab.files("truth-file", [wrong]);
    await lab.ready();
    expect(await lab.text("error")).toBe("wrong.png is 32 × 32 pixels, but the picture is 96 × 64; a label for each pixel is needed."); // prettier-ignore
    await lab.predicted(() => lab.click("drop-truth"));
    await lab.predicted(() => lab.drop([put("labels.png", scene.labelsPng)], "labels-drop"));
    await lab.click("protocol");
    await lab.set("attack", "fgsm");
    await lab.attack();
    expect(await lab.number("miou")).toBe(scored(await inNode({ attack: "fgsm", epsilon: 2, steps: 1 }, scene.labels)).miou.adversarial); // prettier-ignore
    expect(differing(await lab.pixels("truth", "before"), coloursOf(scene.labels))).toBe(0);
    await lab.click("trace");
    await lab.says("status", "The curve is complete");
    const points: string[] = [];
    for (const epsilon of [0.25, 0.5, 1, 2, 4, 8, 16, 32]) {
      const { iouRatio } = scored(await inNode({ attack: "fgsm", epsilon, steps: 1 }, scene.labels));
      points.push(`${iouRatio!.toFixed(2)} at ${epsilon}`);
    }
    expect(await page.evaluate(`document.getElementById("epsilon-curve").ariaLabel`)).toContain(points.join(", "));
    await lab.shoot("phone", 390, 844, "light");
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    expect(await lab.faults()).toEqual([]);
  });

  it("takes a network in as the command line does, refuses in its words, and keeps it until it is removed", async () => {
    const bad = put("bad.onnx", "no network");
    await lab.files("network-file", [bad]);
    await lab.until(`!document.getElementById("own-error").hidden`);
    const { stderr } = await faultline("init", bad);
    expect(`faultline: ${await lab.text("own-error")}`).toBe(stderr.trim().replace(bad, "bad.onnx"));
    expect(await lab.faults()).toEqual([]);
    await lab.click("own-cancel");

    const net = put("My Net.onnx", file("models/enet-street-float/model.onnx"));
    await lab.drop([net]);
    const offered = `document.getElementById("own-use").ariaDisabled === "false"`;
    await lab.until(offered);
    await lab.set("own-palette", "camvid");
    await lab.until(`!(${offered})`);
    await lab.until(offered);
    const { manifest: found } = await jsonOf<{ manifest: object }>("init", net, "--palette", "camvid", "--force", "-o", join(out, "my.json")); // prettier-ignore
    const { assumed, ...rest } = found as { assumed: readonly string[] };
    expect(JSON.parse(await lab.value("own-manifest"))).toEqual(rest);
    for (const sentence of assumed) expect(await lab.text("own-assumed")).toContain(sentence);
    await lab.shoot("own", 390, 844, "dark");
    expect(await lab.faults()).toEqual([]);
    await lab.predicted(() => lab.click("own-use"));
    await lab.until(`navigator.storage.getDirectory().then(async (root) => {
      const folder = await (await root.getDirectoryHandle("networks")).getDirectoryHandle("my-net");
      return (await (await folder.getFileHandle("manifest.json")).getFile()).size > 0;
    }).catch(() => false)`);
    await page.open(await address("&network=my-net&longest=160"));
    await lab.ready();
    expect([await lab.value("network"), await lab.text("error")]).toEqual(["my-net", ""]);
    await lab.predicted(() => lab.click("remove-network"));
    expect(await lab.value("network")).toBe("enet-street");
    expect(await lab.text("network")).not.toContain("my-net");
  });

  it("tells what a network leaves out of the picture, as the command line does", async () => {
    await lab.predicted(() => lab.files("file", [own]));
    expect(await lab.isHidden("reading-told")).toBe(true);
    const input = { height: 8, width: 12, multipleOf: 1 };
    const small = tinyFile({ activation: "Tanh" }, { name: "small", input });
    await lab.drop([put("small.onnx", small.bytes), put("small.json", JSON.stringify(small.manifest))]);
    await lab.until(`document.getElementById("own-use").ariaDisabled === "false"`);
    await lab.predicted(() => lab.click("own-use"));
    expect([await lab.text("reading-told"), await lab.isHidden("reading-told")]).toEqual([
      "The picture is resized from 96×64 to 12×8 (width×height) before small, which reads 6.3 % of its pixels; the others have no influence.",
      false,
    ]);
    expect(await lab.faults()).toEqual([]);
    await lab.predicted(() => lab.click("remove-network"));
    await lab.predicted(() => lab.click("example"));
    expect([await lab.text("reading-told"), await lab.isHidden("reading-told")]).toEqual(["", true]);
  });

  it("says in words that a file is no picture, and keeps the one it has", async () => {
    await lab.files("file", [put("no-picture.png", "not a picture")]);
    await lab.until(`!document.getElementById("error").hidden`);
    expect(await lab.text("error")).toContain("no-picture.png is no picture");
    expect(await lab.text("picture-name")).toBe("Example street");
  });

  it("gives a class of the picture another one, with the numbers of the command line", async () => {
    await page.open(await address("&attack=pgd&epsilon=8&steps=3&longest=160&region=road&becomes=pavement"));
    await lab.ready();
    await lab.predicted(() => lab.files("file", [own]));
    await lab.attack();
    const link = new URL(await lab.value("link"));
    expect(Object.fromEntries(link.searchParams)).toMatchObject({ region: "road", becomes: "pavement" });
    const line = await lab.value("cli");
    expect(line).toContain(" --swap road:pavement");
    const [, , ...given] = line.replace("picture.png", put("picture.png", scene.png)).split(" ");
    const { images } = await jsonOf<{ images: { region: RegionResult }[] }>(...given, "-o", out);
    const { reached, kept } = images[0]!.region.uint8;
    expect([await lab.number("reached"), await lab.number("kept")]).toEqual([reached, kept]);
    expect(reached).toBeGreaterThan(images[0]!.region.clean.reached!);
    const report = JSON.parse((await lab.saved("scores.json")).toString()) as { spec: object };
    expect(report.spec).toMatchObject({ targeted: { kind: "swap", classes: ["road"], to: "pavement" } });
    expect(await lab.faults()).toEqual([]);
  });

  it("puts transformations and a CRF around the network, from a link, with the numbers of Node", async () => {
    await page.open(await address("&attack=fgsm&epsilon=8&seed=3&longest=160&transform=jpeg%2Bnoise"));
    await lab.ready();
    await lab.predicted(() => lab.files("file", [own]));
    await lab.predicted(() => lab.set("crf", "crf-rnn"));
    await lab.attack();
    const defence = { transform: [{ name: "jpeg" }, { name: "noise" }], seed: 3, through: "differentiable", draws: 1 } as const; // prettier-ignore
    const around = segmenter.withCrf({ parameters: crfRnn, attacked: true }).withTransform(defence);
    const node = await measure(
      { segmenter: around, image: scene.image, item: "street" },
      { attack: "fgsm", epsilon: 8, steps: 1, alpha: 1, seed: 3, pixelRange: "clip" },
    );
    expect(differing(await lab.pixels("labels", "before"), coloursOf(node.clean.labels))).toBe(0);
    expect(differing(await lab.pixels("labels", "after"), coloursOf(node.uint8.labels))).toBe(0);
    expect(await lab.number("iou-ratio")).toBe(scored(node).iouRatio);
    const link = new URL(await lab.value("link"));
    expect(Object.fromEntries(link.searchParams)).toMatchObject({ transform: "jpeg+noise", crf: "crf-rnn", seed: "3" });
    const { spec } = JSON.parse((await lab.saved("scores.json")).toString()) as { spec: object };
    expect(spec).toMatchObject({ transform: [{ name: "jpeg" }, { name: "noise" }], crf: crfRnn, seed: 3 });
    expect(await lab.value("cli")).toMatch(/ --seed 3 --transform jpeg\+noise --crf crf-rnn$/);
    await page.evaluate(`document.querySelector("details.more").open = true`);
    expect(await lab.faults()).toEqual([]);
    await lab.shoot("around", 390, 844, "light");
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
  });

  it("climbs the network at other scales, from a link, with the numbers of Node, the command line and the request", async () => {
    await page.open(await address("&attack=fgsm&epsilon=8&longest=160&scales=0.5%2C0.75%2C1%3Amean"));
    await lab.ready();
    await lab.predicted(() => lab.files("file", [own]));
    await lab.attack();
    const source = segmenter.withScales([0.5, 0.75, 1], "mean");
    const node = await measure(
      { segmenter, source, image: scene.image, item: "street" },
      { attack: "fgsm", epsilon: 8, steps: 1, alpha: 1, seed: 0, pixelRange: "clip" },
    );
    expect(differing(await lab.pixels("picture", "after"), pixelsOf(node.uint8.image))).toBe(0);
    expect(differing(await lab.pixels("labels", "before"), coloursOf(node.clean.labels))).toBe(0);
    expect(differing(await lab.pixels("labels", "after"), coloursOf(node.uint8.labels))).toBe(0);
    expect(new URL(await lab.value("link")).searchParams.get("scales")).toBe("0.5,0.75,1:mean");
    const { spec } = JSON.parse((await lab.saved("scores.json")).toString()) as { spec: object };
    expect(spec).toMatchObject({ scales: [0.5, 0.75, 1], fusion: "mean" });
    const { iouRatio } = scored(node);
    expect([await lab.number("iou-ratio"), ...(await elsewhere(spec))]).toEqual([iouRatio, iouRatio, iouRatio]);
    await page.evaluate(`document.querySelector("details.more").open = true`);
    expect(await lab.faults()).toEqual([]);
    await lab.shoot("scales", 390, 844, "dark");
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
  });

  it("is isolated, its policy lets nothing out, and it has given no cause for complaint", async () => {
    const { headers, status } = await fetch(new URL("/lab", await worker.ready));
    expect(status).toBe(200);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
    // onnxruntime logs the sizes that a network refuses while its manifest is found.
    expect(page.complaints.filter((complaint) => !complaint.includes("onnxruntime:"))).toEqual([]);
  });
});
