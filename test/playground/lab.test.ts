/**
 * The page /lab of the built Worker, driven in Chromium: the numbers are those of the same attack in Node. The browser's
 * WebGPU is SwiftShader, by software: small pictures. Screenshots go to out/lab.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../scripts/workerd.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../src/evaluation/plan.ts";
import { attackScores, perturbationFrom } from "../../src/evaluation/scores.ts";
import { countsOf, scoresOf } from "../../src/metrics/counts.ts";
import { changedShare } from "../../src/metrics/distances.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { makeScene } from "../conformance/scene.ts";
import { findChromium, openPage, type Page } from "./chromium.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = (path: string): Buffer => readFileSync(join(root, path));
const out = join(root, "out/lab");

const chromium = findChromium();
const without = chromium ? "" : ": none on the PATH, none named by CHROMIUM";

const manifest = parseManifest(JSON.parse(file("models/enet-street/manifest.json").toString()));
const names = manifest.classes.map(({ name }) => name);

const segmenter = createSegmenter(
  openNetwork(manifest, file("models/enet-street/model.onnx")),
  new SessionCache(startWasm(), 2 ** 30),
);

const scored = (clean: Labels, after: Labels) => {
  const against = (labels: Labels) => scoresOf(countsOf(labels, clean, names.length));
  return attackScores(against(clean), against(after), names);
};

const inNode = async (image: Image, plan: Pick<AttackPlan, "attack" | "epsilon" | "steps">) => {
  const { clean, uint8 } = await measure(
    { segmenter, image, item: "street" },
    { ...plan, alpha: 1, seed: 0, pixelRange: "clip" },
  );
  return {
    clean,
    uint8,
    scores: scored(clean.labels, uint8.labels),
    perturbation: perturbationFrom(image)(uint8.image),
    changed: changedShare(clean.labels, uint8.labels)!,
  };
};
type InNode = Awaited<ReturnType<typeof inNode>>;

/** RGB of a panel, pixel by pixel. */
const panel = async (page: Page, id: string): Promise<Uint8Array> => {
  const text = await page.evaluate<string>(`(() => {
    const canvas = document.getElementById("${id}");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < data.length; i++) if (i % 4 < 3) text += String.fromCharCode(data[i]);
    return btoa(text);
  })()`);
  return new Uint8Array(Buffer.from(text, "base64"));
};

const pixelsOf = ({ data }: Image): Uint8Array => {
  const area = data.length / 3;
  return Uint8Array.from({ length: 3 * area }, (_, i) => data[(i % 3) * area + Math.floor(i / 3)]!);
};

const imageFrom = (pixels: Uint8Array, { shape }: Image): Image => {
  const area = pixels.length / 3;
  const planes = Float32Array.from(pixels, (_, i) => pixels[3 * (i % area) + Math.floor(i / area)]!);
  return tensor("float32", shape, planes);
};

const coloursOf = ({ data }: Labels): Uint8Array =>
  Uint8Array.from({ length: 3 * data.length }, (_, i) => manifest.classes[data[Math.floor(i / 3)]!]!.color[i % 3]!);

const differing = (a: Uint8Array, b: Uint8Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((count, value, i) => count + Number(value !== b[i]), 0) / a.length;
};

const numberIn = (page: Page, id: string): Promise<number> =>
  page.evaluate(`Number(document.querySelector("#${id} data").value)`);

/** Software compiles shaders slowly, and more so on a machine with other work. */
const PATIENCE_MS = 900_000;

const ready = (page: Page) =>
  page.until(`document.querySelector("#status")?.textContent.startsWith("Ready")`, PATIENCE_MS);

const choose = async (page: Page, path: string): Promise<void> => {
  const { root: node } = await page.send("DOM.getDocument");
  const { nodeId: parent } = node as { readonly nodeId: number };
  const { nodeId } = await page.send("DOM.querySelector", { nodeId: parent, selector: "#file" });
  await page.evaluate(`document.querySelector("#status").textContent = ""`);
  await page.send("DOM.setFileInputFiles", { nodeId, files: [path] });
};

const select = (page: Page, id: string, value: string): Promise<void> =>
  page.evaluate(`(() => {
    document.querySelector("#status").textContent = "";
    const control = document.getElementById("${id}");
    control.value = "${value}";
    control.dispatchEvent(new Event(control.type === "number" ? "input" : "change", { bubbles: true }));
  })()`);

const runAttack = async (page: Page): Promise<void> => {
  await page.evaluate(`document.querySelector("#start").click()`);
  await page.until(
    `document.querySelector("#cancel").hidden && document.querySelector("#status").textContent.startsWith("Done")`,
    PATIENCE_MS,
  );
};

const backendOf = (page: Page): Promise<string> => page.evaluate(`document.querySelector("#backend-told").textContent`);

const expectSame = async (page: Page, node: InNode): Promise<void> => {
  expect(differing(await panel(page, "before"), coloursOf(node.clean.labels))).toBe(0);
  expect(differing(await panel(page, "adversarial"), pixelsOf(node.uint8.image))).toBe(0);
  expect(differing(await panel(page, "after"), coloursOf(node.uint8.labels))).toBe(0);
  expect(await numberIn(page, "iou-ratio")).toBe(node.scores.iouRatio);
  expect(await numberIn(page, "changed-share")).toBe(node.changed);
  const { linf, l2, l0, psnr, ssim } = node.perturbation;
  const told = ["linf", "l2", "l0", "psnr", "ssim"].map((id) => numberIn(page, id));
  expect(await Promise.all(told)).toEqual([linf, l2, l0, psnr, ssim]);
};

const desktop = { width: 1360, height: 900, deviceScaleFactor: 1, mobile: false };

const shoot = async (page: Page, name: string, width: number, height: number, scheme: "light" | "dark") => {
  const mobile = width < 600;
  await page.send("Emulation.setDeviceMetricsOverride", {
    width,
    height,
    deviceScaleFactor: 1 + Number(mobile),
    mobile,
  });
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await page.evaluate("scrollTo(0, 0)");
  writeFileSync(join(out, `${name}.png`), await page.screenshot());
  // Nothing may stick out to the side.
  expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
};

describe.skipIf(!chromium)(`the page /lab in Chromium${without}`, () => {
  let worker: RunningWorker;
  let page: Page;
  const scene = makeScene(11, 96, 64);
  const own = join(out, "own.png");
  const plan = { attack: "ifgsm-ii", epsilon: 8, steps: 4 } as const;
  let small: InNode;

  beforeAll(async () => {
    mkdirSync(out, { recursive: true });
    writeFileSync(own, scene.png);
    worker = startWorker();
    page = await openPage(chromium!, ["--enable-unsafe-webgpu"]);
    await page.send("DOM.enable");
    await page.send("Emulation.setDeviceMetricsOverride", desktop);
    small = await inNode(scene.image, plan);
    await page.open(
      new URL(`/lab?backend=wasm&attack=${plan.attack}&epsilon=8&steps=${plan.steps}`, await worker.ready),
    );
    await ready(page);
  });
  afterAll(async () => {
    await page?.close();
    await worker?.dispose();
  });

  it("attacks the example, with the numbers of Node", async () => {
    const image = await decodeImage(file("examples/street.png"), { maxPixels: 2 ** 20 });
    expect(differing(await panel(page, "picture"), pixelsOf(image))).toBe(0);
    expect(await backendOf(page)).toMatch(/^Runs on WebAssembly, .*it was asked for/);
    await runAttack(page);
    await expectSame(page, await inNode(image, plan));
    for (const scheme of ["light", "dark"] as const) {
      await shoot(page, `desktop-${scheme}`, 1360, 900, scheme);
      await shoot(page, `phone-${scheme}`, 390, 844, scheme);
    }
  });

  it("attacks the visitor's own picture, which goes nowhere", async () => {
    const before = page.requests.length;
    await choose(page, own);
    await ready(page);
    expect(differing(await panel(page, "picture"), pixelsOf(scene.image))).toBe(0);
    await runAttack(page);
    await expectSame(page, small);
    expect(page.requests.slice(before).filter((url) => !url.startsWith("blob:"))).toEqual([]);
  });

  it("stops when it is told to", async () => {
    await select(page, "steps", "200");
    await page.evaluate(`document.querySelector("#start").click()`);
    await page.until(`document.querySelector("#numbers")?.textContent.includes("of 200")`, 60_000);
    await page.evaluate(`document.querySelector("#cancel").click()`);
    await page.until(`/^Stopped after step \\d+ of 200/.test(document.querySelector("#status").textContent)`, 60_000);
    expect(await page.evaluate(`document.querySelector("#error").hidden`)).toBe(true);
    await select(page, "steps", String(plan.steps));
  });

  it("says in words that a file is no picture, and keeps the one it has", async () => {
    const text = join(out, "no-picture.png");
    writeFileSync(text, "not a picture");
    await choose(page, text);
    await page.until(`!document.querySelector("#error").hidden`, 10_000);
    const told = await page.evaluate<string>(`document.querySelector("#error").textContent`);
    expect(told).toContain("no-picture.png is no picture");
    expect(differing(await panel(page, "picture"), pixelsOf(scene.image))).toBe(0);
  });

  /**
   * One step: activations are rounded to int8, where the last bit of a float may decide, and over several steps such
   * differences grow until the images have little in common.
   */
  it(
    "runs on WebGPU too, with the same labels and nearly the same step",
    async (context) => {
      const adapter = await page.evaluate<boolean>("navigator.gpu?.requestAdapter().then(Boolean) ?? false");
      context.skip(!adapter, "this Chromium has no WebGPU adapter");
      await choose(page, own);
      await ready(page);
      await select(page, "backend", "webgpu");
      await select(page, "attack", "fgsm-ii");
      await ready(page);
      expect(await backendOf(page)).toMatch(/^Runs on WebGPU: there is an adapter, .+/);
      await runAttack(page);
      const node = await inNode(scene.image, { attack: "fgsm-ii", epsilon: 8, steps: 1 });
      expect(differing(await panel(page, "before"), coloursOf(node.clean.labels))).toBeLessThan(0.001);
      const adversarial = await panel(page, "adversarial");
      expect(differing(adversarial, pixelsOf(node.uint8.image))).toBeLessThan(0.01);
      // The same adversarial picture, seen by WASM.
      const { labels } = await segmenter.predict(imageFrom(adversarial, scene.image));
      expect(differing(await panel(page, "after"), coloursOf(labels))).toBeLessThan(0.005);
      const { iouRatio } = scored(node.clean.labels, labels);
      expect(Math.abs((await numberIn(page, "iou-ratio")) - iouRatio!)).toBeLessThan(0.005);
      await shoot(page, "webgpu", 1360, 900, "light");
      // By itself the page does not take an adapter that is software.
      await select(page, "backend", "auto");
      await ready(page);
      expect(await backendOf(page)).toMatch(/^Runs on WebAssembly, .*: the only WebGPU adapter is software/);
    },
    2 * PATIENCE_MS,
  );

  it("names every control, and has given no cause for complaint", async () => {
    const nameless = `[...document.querySelectorAll("input, select, button, canvas, svg, progress")].filter((e) =>
      !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map((e) => e.id)`;
    expect(await page.evaluate(nameless)).toEqual([]);
    expect(page.complaints).toEqual([]);
  });

  it("is isolated, and its policy lets nothing out", async () => {
    const { headers, status } = await fetch(new URL("/lab", await worker.ready));
    expect(status).toBe(200);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
  });
});
