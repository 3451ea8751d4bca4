/**
 * The page /lab of the built Worker, driven in Chromium: the numbers are those of the same attack in Node, and axe-core finds no
 * fault in any state. Screenshots go to out/lab.
 */

import { beforeAll, describe, expect, it } from "vitest";
import { measure, type Measured } from "../../src/evaluation/measure.ts";
import { perturbationFrom, type AttackScores } from "../../src/evaluation/scores.ts";
import { changedShare } from "../../src/metrics/distances.ts";
import { percent } from "../../src/playground/words.ts";
import type { Labels } from "../../src/segmenter/segmenter.ts";
import { makeScene } from "../conformance/scene.ts";
import type { Page } from "./chromium.ts";
import { coloursOf, differing, imageFrom, names, pixelsOf, put, scene, segmenter } from "./lab-node.ts";
import type { labPage } from "./lab-page.ts";
import { chromium, elsewhere, openedLab, own, scored, without } from "./lab-worker.ts";

const common = { alpha: 1, seed: 0, pixelRange: "clip" } as const;
const inNode = (plan: { attack: "ifgsm-ii" | "fgsm"; epsilon: number; steps: number }, truth?: Labels) =>
  measure({ segmenter, image: scene.image, item: "street", truth }, { ...common, ...plan });

/** The attack that most tests look at. */
const plan = { attack: "ifgsm-ii", epsilon: 8, steps: 4 } as const;
let known: Promise<Measured> | undefined;
const planned = (): Promise<Measured> => (known ??= inNode(plan));

describe.skipIf(!chromium)(`the page /lab in Chromium${without}`, () => {
  let page: Page;
  let lab: ReturnType<typeof labPage>;
  const opened = openedLab(`&attack=${plan.attack}&epsilon=8&steps=${plan.steps}&longest=160`);
  beforeAll(() => ({ page, lab } = opened()));

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

  it("takes everything away, and the command line's run is the same", async () => {
    const report = JSON.parse((await lab.saved("scores.json")).toString()) as { scores: AttackScores; spec: object };
    const node = scored(await planned());
    expect(report.scores).toEqual(node);
    expect((await lab.saved("scores.csv")).toString()).toContain(`road,1,${node.perClass[3]!.adversarial}\n`);
    const link = new URL(await lab.value("link"));
    expect(Object.fromEntries(link.searchParams)).toMatchObject({ attack: "ifgsm-ii", epsilon: "8", steps: "4" });
    expect(await elsewhere(opened(), report.spec)).toEqual([node.iouRatio, node.iouRatio]);
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

  it("is isolated, its policy lets nothing out, and it has given no cause for complaint", async () => {
    const { headers, status } = await fetch(await opened().address(""));
    expect(status).toBe(200);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
    expect(page.complaints).toEqual([]);
  });
});
