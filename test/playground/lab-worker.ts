/** The page /lab of the built Worker in Chromium, as its tests begin, and what they compare. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect } from "vitest";
import { startWorker, type RunningWorker } from "../../scripts/workerd.ts";
import type { Measured } from "../../src/evaluation/measure.ts";
import { attackScores, type AttackScores } from "../../src/evaluation/scores.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { jsonOf } from "../cli/terminal.ts";
import { findChromium, openPage, type Page } from "./chromium.ts";
import { names, put, scene } from "./lab-node.ts";
import { labPage, out } from "./lab-page.ts";

export const chromium = findChromium();
/** Why the tests are skipped. */
export const without = chromium
  ? ""
  : ": none on the PATH, none named by CHROMIUM, none in the development dependencies";

/** The visitor's picture. */
export const own = put("street.png", scene.png);

export const scored = ({ row: { counts } }: Measured): AttackScores =>
  attackScores(scoresOf(counts.clean), scoresOf(counts.uint8), names);

export interface OpenedLab {
  readonly page: Page;
  readonly lab: ReturnType<typeof labPage>;
  /** Of the page with these settings, or of the service. */
  readonly address: (search: string) => Promise<URL>;
  readonly worker: RunningWorker;
}

/** Opens the page before the tests of a file, and ends all after them. @returns what is there once they run. */
export const openedLab = (search: string): (() => OpenedLab) => {
  let worker: RunningWorker;
  let page: Page;
  let lab: ReturnType<typeof labPage>;
  const address = async (more: string): Promise<URL> => new URL(`/lab?backend=wasm${more}`, await worker.ready);
  beforeAll(async () => {
    worker = startWorker();
    page = await openPage(chromium!);
    lab = labPage(page);
    await page.send("DOM.enable");
    await page.send("Emulation.setDeviceMetricsOverride", { width: 1360, height: 900, deviceScaleFactor: 1, mobile: false }); // prettier-ignore
    await page.open(await address(search));
    await lab.ready();
    await lab.keptOffline();
  });
  afterAll(async () => {
    await page?.close();
    await worker?.dispose();
  });
  return () => ({ page, lab, address, worker });
};

/** The IoU ratios of the run on show as the lab's command line and its request have them. */
export const elsewhere = async ({ lab, worker }: OpenedLab, spec: object): Promise<readonly (number | null)[]> => {
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
