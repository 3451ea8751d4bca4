import { beforeAll, describe, expect, test } from "vitest";
import { useCodecModules } from "../../src/image/codecs.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { probe } from "../../src/image/probe.ts";
import { encodeJpeg, encodeWebp, scene } from "./encoders.ts";

const maxPixels = 1e6;
const picture = scene(53, 38);

beforeAll(useNodeCodecs);

/** Mean absolute difference from the picture's RGB. */
const errorOf = async (file: Uint8Array): Promise<number> => {
  const { shape, data } = await decodeImage(file, { maxPixels });
  expect(shape).toEqual([3, 38, 53]);
  const size = 38 * 53;
  return (
    data.reduce((sum, v, i) => sum + Math.abs(v - picture.data[4 * (i % size) + Math.floor(i / size)]!), 0) /
    data.length
  );
};

describe("JPEG", () => {
  test.each([
    { progressive: true, optimize_coding: true },
    { progressive: false, baseline: true },
    { arithmetic: false, auto_subsample: false, chroma_subsample: 1 },
  ])("%j decodes to about its source", async (options) => {
    const file = await encodeJpeg(picture, { quality: 95, ...options });
    expect(probe(file)).toEqual({ format: "jpeg", width: 53, height: 38 });
    expect(await errorOf(file)).toBeLessThan(3);
  });

  test("a grey JPEG has three equal channels", async () => {
    const { data } = await decodeImage(await encodeJpeg(picture, { color_space: 1 }), { maxPixels });
    const size = 38 * 53;
    expect(data.subarray(0, size)).toEqual(data.subarray(size, 2 * size));
    expect(new Set(data.subarray(0, size)).size).toBeGreaterThan(20);
  });

  test("an EXIF orientation is ignored", async () => {
    const file = await encodeJpeg(picture, { quality: 95 });
    // APP1 "Exif", big-endian TIFF with one entry: tag 0x0112 (orientation), SHORT, 1, value 6 (rotate by 90°).
    const exif = Buffer.from("ffe100224578696600004d4d002a00000008000101120003000000010006000000000000", "hex");
    const rotated = Buffer.concat([file.subarray(0, 2), exif, file.subarray(2)]);
    expect(await decodeImage(rotated, { maxPixels })).toEqual(await decodeImage(file, { maxPixels }));
  });

  test("CMYK and arithmetic coding are named as unsupported", async () => {
    const file = await encodeJpeg(picture);
    const frame = file.findIndex((b, i) => b === 0xff && file[i + 1]! >= 0xc0 && file[i + 1]! <= 0xc2);
    const cmyk = file.slice();
    cmyk[frame + 9] = 4;
    expect(() => probe(cmyk)).toThrow(expect.objectContaining({ kind: "unsupported-format" }));
    const arithmetic = file.slice();
    arithmetic[frame + 1] = 0xc9;
    expect(() => probe(arithmetic)).toThrow(/SOF9/);
  });
});

describe("WebP", () => {
  test.each([
    { name: "lossy (VP8)", options: { quality: 95 }, tolerance: 4 },
    { name: "lossless (VP8L)", options: { lossless: 1, exact: 1 }, tolerance: 0 },
  ])("$name decodes to its source", async ({ options, tolerance }) => {
    const file = await encodeWebp(picture, options);
    expect(probe(file)).toEqual({ format: "webp", width: 53, height: 38 });
    expect(await errorOf(file)).toBeLessThanOrEqual(tolerance);
  });

  test("extended (VP8X), with alpha composited over black", async () => {
    const faded = { ...picture, data: picture.data.map((v, i) => (i % 4 === 3 ? 51 : v)) };
    const file = await encodeWebp(faded, { quality: 100, alpha_quality: 100 });
    expect(Buffer.from(file.subarray(12, 16)).toString("latin1")).toBe("VP8X");
    expect(probe(file)).toEqual({ format: "webp", width: 53, height: 38 });
    const [opaque, dark] = await Promise.all(
      [await encodeWebp(picture, { quality: 100 }), file].map((bytes) => decodeImage(bytes, { maxPixels })),
    );
    const ratios = dark!.data.reduce((a, b) => a + b, 0) / opaque!.data.reduce((a, b) => a + b, 0);
    expect(ratios).toBeCloseTo(0.2, 2);
  });

  test("animations are named as unsupported", async () => {
    const file = await encodeWebp({ ...picture, data: picture.data.map((v, i) => (i % 4 === 3 ? 51 : v)) });
    file[20]! |= 2;
    expect(() => probe(file)).toThrow(/animations/);
  });
});

describe("codec start", () => {
  test("a decoder that cannot be loaded is no fault of the image, and is tried again", async () => {
    const file = await encodeJpeg(picture);
    let loads = 0;
    const failing = async (): Promise<never> => {
      loads += 1;
      throw new Error("no such file");
    };
    useCodecModules({ jpeg: failing, webp: failing });
    for (const _ of [1, 2]) {
      await expect(decodeImage(file, { maxPixels })).rejects.toMatchObject({
        name: "Error",
        message: "the jpeg decoder cannot be loaded",
      });
    }
    expect(loads).toBe(2);
    useNodeCodecs();
    await expect(decodeImage(file, { maxPixels })).resolves.toMatchObject({ shape: [3, 38, 53] });
  });
});
