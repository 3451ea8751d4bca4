/** What the page /lab of the built Worker puts around an attack: networks of the visitor's, regions, transformations, a CRF, other scales; with the numbers of Node. */

import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { crfRnn } from "../../src/crf/parameters.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { RegionResult } from "../../src/evaluation/region-goal.ts";
import { faultline, jsonOf } from "../cli/terminal.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import type { Page } from "./chromium.ts";
import { coloursOf, differing, file, pixelsOf, put, scene, segmenter } from "./lab-node.ts";
import { out, type labPage } from "./lab-page.ts";
import { chromium, elsewhere, openedLab, own, scored, without } from "./lab-worker.ts";

describe.skipIf(!chromium)(`what /lab puts around an attack${without}`, () => {
  let page: Page;
  let lab: ReturnType<typeof labPage>;
  const opened = openedLab("&longest=160");
  beforeAll(() => ({ page, lab } = opened()));

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
    await page.open(await opened().address("&network=my-net&longest=160"));
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
    await page.open(await opened().address("&attack=pgd&epsilon=8&steps=3&longest=160&region=road&becomes=pavement"));
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
    await page.open(await opened().address("&attack=fgsm&epsilon=8&seed=3&longest=160&transform=jpeg%2Bnoise"));
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
    await page.open(await opened().address("&attack=fgsm&epsilon=8&longest=160&scales=0.5%2C0.75%2C1%3Amean"));
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
    expect([await lab.number("iou-ratio"), ...(await elsewhere(opened(), spec))]).toEqual([
      iouRatio,
      iouRatio,
      iouRatio,
    ]);
    await page.evaluate(`document.querySelector("details.more").open = true`);
    expect(await lab.faults()).toEqual([]);
    await lab.shoot("scales", 390, 844, "dark");
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
  });

  it("has given no cause for complaint", () => {
    // onnxruntime logs the sizes that a network refuses while its manifest is found.
    expect(page.complaints.filter((complaint) => !complaint.includes("onnxruntime:"))).toEqual([]);
  });
});
