import { beforeAll, describe, expect, test } from "vitest";
import { useCodecModules } from "../../src/image/codecs.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { probe } from "../../src/image/probe.ts";
import { pictureFile } from "./fixtures.ts";
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

  // APP1 "Exif", big-endian TIFF with one entry: tag 0x0112 (orientation), SHORT, 1, the value.
  const exif = (value: number) =>
    Buffer.from(
      `ffe100224578696600004d4d002a000000080001011200030000000100${value.toString(16).padStart(2, "0")}000000000000`,
      "hex",
    );
  const oriented = (file: Uint8Array, value: number) =>
    Buffer.concat([file.subarray(0, 2), exif(value), file.subarray(2)]);

  /** By the standard's words: where the stored picture's 0th row and 0th column are, seen upright. */
  const sides: Readonly<Record<number, readonly [row: string, column: string]>> = {
    1: ["top", "left"],
    2: ["top", "right"],
    3: ["bottom", "right"],
    4: ["bottom", "left"],
    5: ["left", "top"],
    6: ["right", "top"],
    7: ["right", "bottom"],
    8: ["left", "bottom"],
  };

  test.each(Object.keys(sides).map(Number))("orientation %i turns the picture upright", async (value) => {
    const file = await encodeJpeg(picture, { quality: 95 });
    const stored = await decodeImage(file, { maxPixels });
    const turned = await decodeImage(oriented(file, value), { maxPixels });
    const [, height, width] = stored.shape as [number, number, number];
    const [row, column] = sides[value]!;
    const exchanged = row === "left" || row === "right";
    expect(turned.shape).toEqual(exchanged ? [3, width, height] : [3, height, width]);
    const [newHeight, newWidth] = turned.shape.slice(1) as [number, number];
    /** The place of the stored row (or column) `i` along the side where the 0th one is. */
    const from = (side: string, i: number) =>
      side === "top" || side === "left" ? i : (side === "bottom" ? newHeight : newWidth) - 1 - i;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y += 5) {
        for (let x = 0; x < width; x += 5) {
          const [along, across] = [from(row, y), from(column, x)];
          const [newY, newX] = exchanged ? [across, along] : [along, across];
          const got = turned.data[(c * newHeight + newY) * newWidth + newX];
          expect(got).toBe(stored.data[(c * height + y) * width + x]);
        }
      }
    }
    const { width: w, height: h } = probe(oriented(file, value));
    expect([w, h]).toEqual([newWidth, newHeight]);
  });

  test.each([0, 9, 255])("the value %i is no orientation, and changes nothing", async (value) => {
    const file = await encodeJpeg(picture);
    expect(await decodeImage(oriented(file, value), { maxPixels })).toEqual(await decodeImage(file, { maxPixels }));
  });

  test("damaged Exif segments are no fault of the picture", async () => {
    const file = await encodeJpeg(picture);
    const segment = exif(6);
    for (let at = 10; at < segment.length; at++) {
      const damaged = Buffer.from(segment);
      damaged[at] = 0xff;
      const bytes = Buffer.concat([file.subarray(0, 2), damaged, file.subarray(2)]);
      expect((await decodeImage(bytes, { maxPixels })).data.length).toBe(3 * 53 * 38);
    }
  });

  test("CMYK and arithmetic coding are named as unsupported", async () => {
    const file = await encodeJpeg(picture);
    const frame = file.findIndex((b, i) => b === 0xff && file[i + 1]! >= 0xc0 && file[i + 1]! <= 0xc2);
    const cmyk = file.slice();
    cmyk[frame + 9] = 4;
    for (const bytes of [cmyk, pictureFile("cmyk.jpg")]) {
      expect(() => probe(bytes)).toThrow(expect.objectContaining({ kind: "unsupported-format" }));
      expect(() => probe(bytes)).toThrow(/JPEG with .*CMYK.*convert it to RGB/);
    }
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

  test("of an animation the first frame is decoded", async () => {
    const file = pictureFile("anim.webp");
    expect(probe(file)).toEqual({ format: "webp", width: 120, height: 80, animated: true });
    const { shape, data } = await decodeImage(file, { maxPixels });
    expect(shape).toEqual([3, 80, 120]);
    expect(new Set(data).size).toBeGreaterThan(10);
  });

  /** A chunk of an extended file. */
  const riff = (name: string, ...parts: readonly Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    return Buffer.concat([Buffer.from(name, "latin1"), size, body, Buffer.alloc(body.length % 2)]);
  };
  const uint24 = (value: number) => Buffer.from([value & 255, (value >> 8) & 255, value >> 16]);

  /** An animation of one frame at (2·x, 2·y) on a canvas. */
  const animation = async (x: number, y: number, width: number, height: number) => {
    const still = await encodeWebp(picture, { lossless: 1, exact: 1 });
    const place = [uint24(x), uint24(y), uint24(53 - 1), uint24(38 - 1), uint24(100), Buffer.from([0])];
    return riff(
      "RIFF",
      Buffer.from("WEBP"),
      riff("VP8X", Buffer.from([2, 0, 0, 0]), uint24(width - 1), uint24(height - 1)),
      riff("ANIM", Buffer.alloc(6)),
      riff("ANMF", ...place, Buffer.from(still.subarray(12))),
    );
  };

  test("whose place on the canvas is kept; the rest is black", async () => {
    const { data } = await decodeImage(await animation(3, 4, 70, 60), { maxPixels });
    const source = await decodeImage(await encodeWebp(picture, { lossless: 1, exact: 1 }), { maxPixels });
    for (let y = 0; y < 60; y++) {
      for (let x = 0; x < 70; x++) {
        const inside = x >= 6 && x < 59 && y >= 8 && y < 46;
        expect(data[y * 70 + x]).toBe(inside ? source.data[(y - 8) * 53 + x - 6] : 0);
      }
    }
  });

  test("a frame outside its canvas, and an animation without frames, are malformed", async () => {
    const outside = decodeImage(await animation(20, 0, 70, 60), { maxPixels });
    await expect(outside).rejects.toThrow(/outside its canvas/);
    const none = riff("RIFF", Buffer.from("WEBP"), riff("VP8X", Buffer.from([2, 0, 0, 0]), uint24(9), uint24(9)), riff("ANIM", Buffer.alloc(6))); // prettier-ignore
    await expect(decodeImage(none, { maxPixels })).rejects.toThrow(/no frame/);
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
