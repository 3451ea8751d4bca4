/**
 * What the page /lab has around the attack, driven in Chromium on Node's own server: marking a region, the steps, the loupe, the report,
 * the camera, and the page without its server.
 */

import type { ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RegionResult } from "../../src/evaluation/region-goal.ts";
import { createApp } from "../../src/api/app.ts";
import { drawCharts } from "../../src/node/charts.ts";
import { htmlReport } from "../../src/report/html.ts";
import { createReader } from "../../src/report/reader.ts";
import { buildReport } from "../../src/report/report.ts";
import { labPages } from "../../src/serve/lab.ts";
import { jsonOf } from "../cli/terminal.ts";
import { fakeService } from "../support/fake-service.ts";
import { listening } from "../support/listening.ts";
import { findChromium, openPage, type Page } from "./chromium.ts";
import { coloursOf, differing, file, imageFrom, manifest, names, put, scene, segmenter } from "./lab-node.ts";
import { labPage, out } from "./lab-page.ts";

const chromium = findChromium();
const [width, height] = [96, 64];

describe.skipIf(!chromium)(`the tools of /lab in Chromium${chromium ? "" : ": there is none"}`, () => {
  let server: ServerType;
  let page: Page;
  let lab: ReturnType<typeof labPage>;
  let url = "";
  /** The digest of another version, once there is one. */
  let newer = "";
  const own = put("street.png", scene.png);
  const service = fakeService();
  const address = (search: string): URL => new URL(`/lab?backend=wasm&longest=160${search}`, url);

  beforeAll(async () => {
    const app = new Hono();
    app.get("/lab/offline.js", async (c, next) => {
      if (!newer) return next();
      const script = file("dist/browser/lab/offline.js")
        .toString()
        .replace(/"[0-9a-f]{16}"/, `"${newer}"`);
      return c.body(script, 200, { "Content-Type": "text/javascript", "Service-Worker-Allowed": "../lab" });
    });
    app.route("/", labPages()).route("/", createApp(service));
    ({ server, url } = await listening(app.fetch));
    page = await openPage(chromium!, ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
    lab = labPage(page);
    await page.send("DOM.enable");
    await page.send("Emulation.setDeviceMetricsOverride", { width: 1360, height: 900, deviceScaleFactor: 1, mobile: false }); // prettier-ignore
    await page.open(address("&attack=ifgsm&epsilon=8&steps=5"));
    await lab.ready();
    await lab.predicted(() => lab.files("file", [own]));
    await lab.keptOffline();
  });
  afterAll(async () => {
    await page?.close();
    server?.close();
  });

  /** Where the centre of a pixel of the picture is on the screen. */
  const placeOf = (x: number, y: number): Promise<{ x: number; y: number }> =>
    page.evaluate(`(() => {
      const frame = document.getElementById("frame");
      frame.scrollIntoView({ behavior: "instant", block: "center" });
      const { left, top, width, height } = frame.getBoundingClientRect();
      return { x: left + (${x + 0.5} * width) / ${width}, y: top + (${y + 0.5} * height) / ${height} };
    })()`);
  const mouse = async (type: string, x: number, y: number): Promise<void> =>
    void (await page.send("Input.dispatchMouseEvent", { type, ...(await placeOf(x, y)), button: "left", buttons: 1, clickCount: 1 })); // prettier-ignore
  const press = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await lab.press(key);
  };

  it("marks a region by the pointer and by keys, and gives it a class with the numbers of the command line", async () => {
    await page.evaluate(`(() => {
      const region = document.getElementById("region");
      region.selectedIndex = 1;
      region.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
    await lab.set("becomes", "pavement");
    await lab.click("start");
    expect(await lab.text("error")).toContain("Nothing is marked");
    await mouse("mousePressed", 20, 30);
    await mouse("mouseMoved", 40, 40);
    await mouse("mouseMoved", 59, 53);
    await mouse("mouseReleased", 59, 53);
    expect(await lab.text("painted-told")).toBe(`${((100 * 40 * 24) / (width * height)).toFixed(1)}\u00a0% of the picture is marked.`); // prettier-ignore
    expect(await lab.faults()).toEqual([]);
    const attacked = async (flag: string): Promise<void> => {
      await lab.attack();
      const line = await lab.value("cli");
      expect(line).toContain(flag);
      if (line.includes("mask:")) put("region.png", await lab.saved("region.png"));
      const [, , ...given] = line.replace("picture.png", own).replace("region.png", `${out}/region.png`).split(" ");
      const { images } = await jsonOf<{ images: { region: RegionResult }[] }>(...given, "-o", out);
      const { reached, kept } = images[0]!.region.uint8;
      expect([await lab.number("reached"), await lab.number("kept")]).toEqual([reached, kept]);
      expect(reached).toBeGreaterThan(images[0]!.region.clean.reached!);
    };
    await attacked(" --swap box:20,30,40,24:pavement");
    expect(new URL(await lab.value("link")).searchParams.get("box")).toBe("20,30,40,24");

    await lab.set("tool", "erase-rectangle");
    await page.evaluate(`document.getElementById("frame").focus()`);
    await press([" ", "ArrowLeft", "ArrowLeft", "ArrowUp", " "]);
    expect(await lab.text("painted-told")).toBe(`${((100 * (40 * 24 - 6)) / (width * height)).toFixed(1)}\u00a0% of the picture is marked.`); // prettier-ignore
    expect(await lab.text("stale")).toMatch(/^On show is /);
    await attacked(" --swap mask:region.png:pavement");
    expect(await lab.value("curl")).toContain(" -F target=@region.png ");
    await page.evaluate(`(() => {
      const region = document.getElementById("region");
      region.selectedIndex = 0;
      region.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
  });

  it("shows each step as it happened, and the result at the end", async () => {
    await lab.attack();
    const result = await lab.pixels("labels", "after");
    await lab.set("step-range", 1);
    expect(await lab.text("step-told")).toMatch(/^step 2 of 5: /);
    const reached = imageFrom(await lab.pixels("picture", "after"));
    const { labels } = await segmenter.predict(reached);
    expect(differing(await lab.pixels("labels", "after"), coloursOf(labels))).toBe(0);
    expect(differing(await lab.pixels("labels", "after"), result)).toBeGreaterThan(0);
    const { labels: before } = await segmenter.predict(scene.image);
    const changed = before.data.filter((label, i) => label !== labels.data[i]).length / before.data.length;
    expect(await lab.text("step-told")).toContain(`: ${(100 * changed).toFixed(1)}\u00a0% of the labels changed`);
    await lab.set("step-range", 5);
    expect(await lab.text("step-told")).toBe("the result");
    expect(differing(await lab.pixels("labels", "after"), result)).toBe(0);
  });

  it("magnifies around the probe, by keys, by the pointer and by touch", async () => {
    await page.evaluate(`document.getElementById("frame").focus()`);
    await press(["l", "+"]);
    expect(await lab.text("loupe-told")).toBe("11 pixels across");
    const middle = (side: string): Promise<number[]> =>
      page.evaluate(`(() => {
        const canvas = document.getElementById("loupe-${side}");
        return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
      })()`);
    const magnified = async (x: number, y: number): Promise<void> => {
      for (const side of ["before", "after"] as const) {
        const at = 3 * (y * width + x);
        expect(await middle(side)).toEqual(Array.from((await lab.pixels("labels", side)).subarray(at, at + 3)));
      }
    };
    await mouse("mouseMoved", 30, 20);
    await magnified(30, 20);
    const touch = async (type: string, points: readonly { x: number; y: number }[]): Promise<void> =>
      void (await page.send("Input.dispatchTouchEvent", { type, touchPoints: points }));
    await touch("touchStart", [await placeOf(60, 40)]);
    await touch("touchMove", [await placeOf(66, 50)]);
    await touch("touchEnd", []);
    expect(await lab.text("probe")).toContain("x 66, y 50 ·");
    await magnified(66, 50);
    expect(await lab.faults()).toEqual([]);
    await page.evaluate(`document.getElementById("frame").focus()`);
    await press(["l"]);
    expect(await lab.isHidden("loupe-panel")).toBe(true);
  });

  it("makes the report of `faultline report` from its rows", async () => {
    const rows = await lab.saved("rows.jsonl");
    const page = (await lab.saved("report.html")).toString();
    const reader = createReader();
    reader.push(rows);
    const { name, sha256, architecture, dataset } = manifest;
    const networks = [{ name, sha256, architecture, dataset, classes: names }];
    const report = buildReport(reader.end(), { runs: [{ networks }], title: "Robustness on street.png" });
    // The browser measures the texts of charts, and Node estimates them.
    const withoutPictures = (html: string): string =>
      html
        .replace(/<section id="examples"[^]*?<\/section>\n/, "")
        .replace('<li><a href="#examples">Examples</a></li>', "")
        .replaceAll(/<svg .*?<\/svg>/g, "<svg>");
    expect(withoutPictures(page)).toBe(withoutPictures(htmlReport(report, await drawCharts(report))));
    expect(page).toMatch(/<svg [^]*>IoU ratio, %<\/text>/);
    expect(report.rows).toBe(rows.toString().trim().split("\n").length);
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(6);
    expect(page).not.toMatch(/<script|src="(?!data:)/);
  });

  it("takes a picture from the camera, which then stops, and says plainly that it was refused", async () => {
    // The fake camera asks nobody: the refusal is what a browser's would be.
    await page.evaluate(`{
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = async (wanted) => {
        window.asked = (window.asked ?? 0) + 1;
        if (window.asked === 1) throw new DOMException("Permission denied", "NotAllowedError");
        return (window.given = await ask(wanted));
      };
    }`);
    await lab.click("open-camera");
    await lab.until(`!document.getElementById("camera-error").hidden`);
    expect(await lab.text("camera-error")).toMatch(/^The camera was not allowed\. Allow it/);
    expect(await lab.faults()).toEqual([]);
    await lab.click("camera-cancel");
    expect(await lab.focused()).toBe("open-camera");

    await lab.click("open-camera");
    await lab.until(`document.getElementById("camera-shoot").ariaDisabled === "false"`);
    expect(await lab.faults()).toEqual([]);
    await lab.predicted(() => lab.click("camera-shoot"));
    expect(await lab.text("picture-name")).toBe("Camera");
    expect(await page.evaluate("given.getTracks().map(({ readyState }) => readyState)")).toEqual(["ended"]);
    const shown = await lab.pixels("picture", "before");
    expect(new Set(shown).size).toBeGreaterThan(20);
  });

  it("tries an operation of the API from the form of /docs", async () => {
    await page.open(new URL("/docs", address("")));
    await lab.until(`document.querySelector("#segment .try")?.hidden === false`);
    expect(await lab.faults()).toEqual([]);
    const choose = (operation: string, part: string, files: readonly string[]): Promise<void> =>
      lab.choose(`#${operation} input[type=file][name=${part}]`, files);
    await choose("segment", "image", [own]);
    const answered = async (operation: string): Promise<string> => {
      await page.evaluate(`{
        document.querySelector("#${operation} details.try").open = true;
        document.querySelector("#${operation} .try button").click();
      }`);
      await lab.until(`/^\\d{3} /.test(document.querySelector("#${operation} .answer").innerText)`);
      return page.evaluate(`document.querySelector("#${operation} .answer").innerText`);
    };
    expect(await answered("getModel")).toMatch(/^200 OK, \d+ ms\s+{\s+"name": "enet-street"/);
    const said = await answered("segment");
    expect(said).toMatch(/^200 OK/);
    expect(said).toContain('"model": "enet-street"');
    expect(await page.evaluate(`document.querySelector("#segment .answer img").src`)).toMatch(
      /^data:image\/png;base64,iVBOR/,
    );
    // A part that may be repeated is sent as often as there are files.
    await choose("robustness", "image", [own, own]);
    expect(await answered("robustness")).toMatch(/^200 OK/);
    const images = service.calls.robustnessOfSet.map((request) => request.pictures.map(({ image }) => image.length));
    expect(images).toEqual([[scene.png.length, scene.png.length]]);
    await page.evaluate(`document.querySelector('#segment textarea').value = '{"model":'`);
    await page.evaluate(`document.querySelector("#segment .try button").click()`);
    await lab.until(`document.querySelector("#segment .answer").innerText.startsWith("Nothing was")`);
    expect(await page.evaluate(`document.querySelector("#segment .answer").innerText`)).toContain("spec is no JSON");
    expect(await lab.faults()).toEqual([]);
    await page.open(address("&attack=fgsm&epsilon=8"));
    await lab.ready();
  });

  it("works without its server once loaded, and has kept nothing of the API", async () => {
    await page.evaluate(`fetch("/v1/models").then((answer) => answer.json())`);
    const kept = (): Promise<Record<string, string[]>> =>
      page.evaluate(`caches.keys().then(async (names) =>
        Object.fromEntries(await Promise.all(names.map(async (name) =>
          [name, (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)]))))`);
    const [[cache, paths], ...others] = Object.entries(await kept()) as [[string, string[]]];
    expect([cache, others]).toEqual([expect.stringMatching(/^faultline-lab-[0-9a-f]{16}$/), []]);
    expect(paths.filter((path) => !path.startsWith("/lab"))).toEqual([]);

    // A newer version takes the place of the cache, with all that the page needs.
    newer = "0123456789abcdef";
    await page.open(address("&attack=fgsm&epsilon=8"));
    await lab.ready();
    await lab.until(`caches.keys().then((names) => names.join() === "faultline-lab-${newer}")`);
    // The files come one after another, each when it has been loaded again.
    await expect.poll(async () => (await kept())[`faultline-lab-${newer}`]!.toSorted(), { timeout: 60_000 }).toEqual(paths.toSorted()); // prettier-ignore

    server.close();
    (server as unknown as { closeAllConnections: () => void }).closeAllConnections();
    await expect(fetch(address(""))).rejects.toThrow("fetch failed");
    await page.open(address("&attack=fgsm&epsilon=8"));
    await lab.ready();
    await lab.attack();
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
    expect((await lab.saved("report.html")).toString()).toContain("</html>");
    expect(page.complaints.filter((complaint) => !complaint.includes("onnxruntime:"))).toEqual([]);
  });
});
