/** The page /lab on the browser's WebGPU, which here is software and takes half a minute: FAULTLINE_ALL_ON_GPU=1 runs it. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { startWorker } from "../../scripts/workerd.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { makeScene } from "../conformance/scene.ts";
import { findChromium, openPage } from "./chromium.ts";
import { labPage, out } from "./lab-page.ts";

const file = (path: string): Buffer => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)));
const wanted = process.env["FAULTLINE_ALL_ON_GPU"] === "1";
const chromium = wanted ? findChromium() : null;

describe.skipIf(!chromium)(`the page /lab on WebGPU${wanted ? "" : ": only where FAULTLINE_ALL_ON_GPU is 1"}`, () => {
  it("gives the labels that WebAssembly gives on the same pictures", async (context) => {
    const scene = makeScene(11, 96, 64);
    const own = join(out, "own-webgpu.png");
    writeFileSync(own, scene.png);
    const worker = startWorker();
    const page = await openPage(chromium!, ["--enable-unsafe-webgpu"]);
    try {
      const lab = labPage(page);
      await page.send("DOM.enable");
      await page.open(new URL("/lab?backend=wasm&attack=fgsm-ii&epsilon=8&longest=160", await worker.ready));
      await lab.ready();
      const adapter = await page.evaluate<boolean>("navigator.gpu?.requestAdapter().then(Boolean) ?? false");
      context.skip(!adapter, "this Chromium has no WebGPU adapter");
      await lab.files("file", [own]);
      await lab.ready();
      await lab.predicted(() => lab.set("backend", "webgpu"));
      expect(await lab.text("backend-told")).toMatch(/^Runs on WebGPU: there is an adapter, .+/);
      await lab.attack();
      const manifest = parseManifest(JSON.parse(file("models/enet-street/manifest.json").toString()));
      const network = openNetwork(manifest, file("models/enet-street/model.onnx"));
      const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 30));
      // Activations are rounded to int8, where the last bit of a float may decide: hence the tolerances.
      for (const [side, most] of [
        ["before", 0.001],
        ["after", 0.005],
      ] as const) {
        const pixels = await lab.pixels("picture", side);
        const area = pixels.length / 3;
        const planes = Float32Array.from(pixels, (_, i) => pixels[3 * (i % area) + Math.floor(i / area)]!);
        const { labels } = await segmenter.predict(tensor("float32", scene.image.shape, planes));
        const shown = await lab.pixels("labels", side);
        const other = labels.data.filter((label, i) =>
          manifest.classes[label]!.color.some((value, c) => value !== shown[3 * i + c]),
        );
        expect(other.length / area).toBeLessThan(most);
      }
      expect(await lab.number("linf")).toBe(8);
      // By itself the page does not take an adapter that is software.
      await lab.predicted(() => lab.set("backend", "auto"));
      expect(await lab.text("backend-told")).toMatch(/^Runs on WebAssembly, .*: the only WebGPU adapter is software/);
    } finally {
      await page.close();
      await worker.dispose();
    }
  });
});
