import { describe, expect, it } from "vitest";
import { shippedManifests } from "../../scripts/shipped/list.ts";
import { fromBase64 } from "../../src/api/base64.ts";
import type { ModelInfo } from "../../src/contract/models.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { encodeJpeg, encodeWebp } from "../image/encoders.ts";
import { bytesOf, okJson, openWorker, refused } from "./worker.ts";
import { labelPng, makeScene, rgbaOf } from "./scene.ts";

const client = openWorker();
const scene = makeScene(7, 96, 72);
const maxPixels = 1e6;

interface Segmentation {
  readonly width: number;
  readonly height: number;
  readonly model: string;
  readonly classes: readonly { readonly index: number; readonly name: string; readonly share: number }[];
  readonly confidence: { readonly mean: number; readonly min: number };
  readonly labels: { readonly mediaType: string; readonly data: string };
}

describe("the Worker's resources", () => {
  it("lives, and is ready", async () => {
    expect(await okJson(await client.send("/health/live"))).toEqual({ status: "live" });
    expect(await okJson(await client.send("/health/ready"))).toEqual({ status: "ready" });
  });

  it("lists the shipped models, which can be attacked", async () => {
    const { default: name, models } = await okJson<{ default: string; models: ModelInfo[] }>(
      await client.send("/v1/models"),
    );
    expect(models.map((each) => each.name)).toEqual(shippedManifests().map((each) => each.name));
    expect(models.filter(({ gradient }) => !gradient.supported)).toEqual([]);
    expect(name).toBe("enet-street");
    const model = models.find((each) => each.name === name)!;
    expect(model.classes).toHaveLength(11);
    expect(model.bytes).toBeGreaterThan(100_000);
    const { memory, largestAttack, ...outline } = await okJson<ModelInfo>(await client.send(`/v1/models/${name}`));
    expect(outline).toEqual(model);
    expect(memory).toHaveLength(2);
    const { width, height } = largestAttack!;
    expect(width * height).toBeGreaterThan(200 * 150);
    await refused(await client.send("/v1/models/psp"), 404, "unknown-model");
  });

  it("describes itself", async () => {
    const document = await okJson<{ openapi: string; paths: object }>(await client.send("/openapi.json"));
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toContain("/v1/attack");
    expect(await (await client.send("/docs")).text()).toContain("/v1/attack");
  });
});

describe("POST /v1/segment", () => {
  it("labels every pixel, as JSON and as PNG", async () => {
    const result = await okJson<Segmentation>(await client.json("/v1/segment", { image: scene.png }));
    expect(result).toMatchObject({ width: 96, height: 72, model: "enet-street" });
    const png = await bytesOf(
      await client.form("/v1/segment", { image: scene.png }, {}, { accept: "image/png" }),
      "image/png",
    );
    expect(fromBase64(result.labels.data)).toEqual(png);
    const labels = decodeLabels(png, { maxPixels });
    expect(labels.shape).toEqual([72, 96]);
    for (const { index, share } of result.classes) {
      const counted = labels.data.filter((label) => label === index).length;
      expect(share).toBeCloseTo(counted / (96 * 72), 10);
    }
    expect(labels.data.every((label) => label < result.classes.length)).toBe(true);
    const { mean, min } = result.confidence;
    expect(min).toBeGreaterThan(1 / 11 - 1e-6);
    expect(mean).toBeGreaterThan(min);
    expect(mean).toBeLessThanOrEqual(1);
  });

  it.each(["segnet-vgg-float", "deeplab-v2-resnet-50", "crf-rnn"])("has %s by its name", async (model) => {
    const result = await okJson<Segmentation>(await client.json("/v1/segment", { image: scene.png }, { model }));
    expect(result).toMatchObject({ width: 96, height: 72, model });
    expect(result.classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
  });

  it("takes sizes that are no multiple of the network's stride", async () => {
    const odd = makeScene(8, 101, 67);
    const png = await client.form("/v1/segment", { image: odd.png }, {}, { accept: "image/png" });
    expect(decodeLabels(await bytesOf(png, "image/png"), { maxPixels }).shape).toEqual([67, 101]);
  });

  it.each([
    ["JPEG", () => encodeJpeg(rgbaOf(scene), { quality: 100 }), 0.85],
    ["lossless WebP", () => encodeWebp(rgbaOf(scene), { lossless: 1, exact: 1 }), 1],
    ["WebP", () => encodeWebp(rgbaOf(scene), { quality: 95 }), 0.7],
  ])("takes %s, and labels it much as the PNG", async (_, encode, agreement) => {
    const labelled = async (image: Uint8Array<ArrayBuffer>) => {
      const png = await client.form("/v1/segment", { image }, {}, { accept: "image/png" });
      return decodeLabels(await bytesOf(png, "image/png"), { maxPixels }).data;
    };
    const [lossless, lossy] = [await labelled(scene.png), await labelled(new Uint8Array(await encode()))];
    const same = lossy.filter((label, i) => label === lossless[i]).length;
    expect(same / lossless.length).toBeGreaterThanOrEqual(agreement);
  });
});

describe("POST /v1/score", () => {
  const map = (values: readonly number[]) => labelPng(Uint8Array.from(values), 3, 2);

  it("counts by hand", async () => {
    const files = {
      reference: map([0, 0, 1, 1, 2, 255]),
      prediction: map([0, 0, 1, 1, 2, 0]),
      adversarial: map([0, 1, 1, 255, 0, 3]),
    };
    const result = await okJson(await client.form("/v1/score", files, { classes: 4 }));
    expect(result).toMatchObject({
      width: 3,
      height: 2,
      classes: 4,
      voidPixels: 1,
      prediction: { miou: 1, pixelAccuracy: 1 },
      adversarial: {
        confusion: [
          [1, 1, 0, 0, 0],
          [0, 1, 0, 0, 1],
          [1, 0, 0, 0, 0],
          [0, 0, 0, 0, 0],
        ],
        pixelAccuracy: 2 / 5,
        perClass: [{ iou: 1 / 3 }, { iou: 1 / 3 }, { iou: 0 }, { iou: null }],
      },
    });
    expect((result as { iouRatio: number }).iouRatio).toBeCloseTo((1 / 3 + 1 / 3 + 0) / 3, 12);
  });
});
