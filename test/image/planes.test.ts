/** Pictures of one, two, four and more channels: from PNG and NPY, and back. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, encodePng, encodePng16, roundToUint8 } from "../../src/image/encode.ts";
import { ImageError } from "../../src/image/error.ts";
import { greyOf } from "../../src/image/grey.ts";
import { decodeNpy, encodeNpy } from "../../src/image/npy.ts";
import { decodePlanes } from "../../src/image/planes.ts";
import { probe } from "../../src/image/probe.ts";
import { numbersOf, tensor, tensorOf, type Tensor } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";

const limits = { maxPixels: 10_000, maxSide: 200 };
const [height, width] = [5, 7];

/** Whole grey levels, in an order that shows exchanged axes. */
const planes = (count: number): Tensor<"float32"> =>
  tensorOf(
    "float32",
    [count, height, width],
    Array.from({ length: count * height * width }, (_, i) => (i * 37) % 256),
  );

/** [C,H,W] as [H,W,C]. */
const interleaved = <D extends "uint8" | "uint16" | "float32">(dtype: D, t: Tensor<"float32">, by = 1) => {
  const [count = 0] = t.shape;
  const size = height * width;
  const values = Array.from(
    { length: t.data.length },
    (_, i) => by * t.data[(i % count) * size + Math.floor(i / count)]!,
  );
  return tensorOf(dtype, [height, width, count], values);
};

describe("a PNG", () => {
  it.each([1, 2, 3, 4])("of %i channels is written and read back, in 8 and in 16 bits", async (count) => {
    const image = planes(count);
    expect(probe(encodePng(image))).toMatchObject({ format: "png", width, height, channels: count });
    expect(await decodePlanes(encodePng(image), count, limits)).toEqual(image);
    const fine = tensorOf(
      "float32",
      image.shape,
      numbersOf(image).map((v) => Math.min(255, v + 100 / 257)),
    );
    const back = await decodePlanes(encodePng16(fine), count, limits);
    expect(Math.max(...numbersOf(back).map((v, i) => Math.abs(v - fine.data[i]!)))).toBeLessThanOrEqual(1 / 514 + 1e-5);
  });

  it("in colour is made grey by its luma, and a grey one stays as it is", async () => {
    const colour = roundToUint8(noiseImage(height, width, 3));
    const [r = 0, g = 0, b = 0] = [0, 1, 2].map((c) => colour.data[c * height * width + 11]!);
    const grey = await decodePlanes(encodePng(colour), 1, limits);
    expect(grey.shape).toEqual([1, height, width]);
    expect(grey.data[11]).toBeCloseTo(0.299 * r + 0.587 * g + 0.114 * b, 4);
    const same = tensor("float32", [3, height, width], Float32Array.from([...planes(1).data, ...planes(1).data, ...planes(1).data])); // prettier-ignore
    expect(greyOf(same).data).toEqual(planes(1).data);
  });

  it("with other channels than the network's is refused, with both numbers", async () => {
    const four = decodePlanes(encodePng(planes(3)), 4, limits);
    await expect(four).rejects.toThrow(/a picture of 3 channels, where the network takes 4/);
    await expect(decodePlanes(encodePng(planes(4)), 5, limits)).rejects.toThrow(/of 4 channels, .* takes 5/);
  });
});

describe("an NPY file", () => {
  const four = planes(4);

  it.each<[string, Tensor<"float32" | "uint8" | "uint16">]>([
    ["[C, H, W] float32", four],
    ["[C, H, W] uint8", bytesOf(four)],
    ["[H, W, C] uint8", interleaved("uint8", four)],
    ["[H, W, C] uint16, where 257 is one grey level", interleaved("uint16", four, 257)],
    ["[H, W, C] float32", interleaved("float32", four)],
  ])("is a picture: %s", async (_, array) => {
    const bytes = encodeNpy(array);
    expect(probe(bytes)).toEqual({ format: "npy", width, height, channels: 4 });
    expect(await decodePlanes(bytes, 4, limits)).toEqual(four);
  });

  it("of two axes is grey, and each of a colour picture's channels where a network takes three", async () => {
    const bytes = encodeNpy(tensor("uint8", [height, width], bytesOf(planes(1)).data));
    expect(await decodePlanes(bytes, 1, limits)).toEqual(planes(1));
    const colour = await decodePlanes(bytes, 3, limits);
    expect(colour.shape).toEqual([3, height, width]);
    expect(Array.from(colour.data.subarray(70))).toEqual(Array.from(planes(1).data));
  });

  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["other channels", encodeNpy(planes(5)), /a picture of 5 channels, where the network takes 4/],
    [
      "another type",
      encodeNpy(tensorOf("int64", [2, 2], [1, 2, 3, 4])),
      /a picture of int64; uint8, uint16 and float32/,
    ],
    ["another rank", encodeNpy(tensorOf("uint8", [4], [1, 2, 3, 4])), /of shape \[4\]; \[H, W\]/],
    ["no pixels", encodeNpy(tensorOf("uint8", [0, 4], [])), /of shape \[0, 4\]/],
    ["too many pixels", encodeNpy(tensor("uint8", [200, 100], new Uint8Array(20_000))), /100 x 200 = 20000 pixels/],
    ["values beyond the grey levels", encodeNpy(tensorOf("float32", [4, 1, 8], Array.from({ length: 32 }, () => 256))), /from 0 to 255, not 256/], // prettier-ignore
    [
      "no number",
      encodeNpy(
        tensorOf(
          "float32",
          [4, 1, 8],
          Array.from({ length: 32 }, () => Number.NaN),
        ),
      ),
      /not NaN/,
    ],
  ];
  it.each(refused)("is refused with %s", async (_, bytes, message) => {
    const error: unknown = await decodePlanes(bytes, 4, limits).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toMatch(message);
  });

  it("with any header is decoded or refused by an ImageError, and never allocates what is not there", async () => {
    const file = encodeNpy(bytesOf(planes(4)));
    const text = Buffer.from(file).toString("latin1");
    const place = fc.nat({ max: 127 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const changed = file.slice();
          for (const [at, value] of changes) changed[at] = value;
          const result: unknown = await decodePlanes(changed, 4, limits).catch((cause: unknown) => cause);
          const isPicture = !(result instanceof Error) && (result as Tensor).data.length === 4 * height * width;
          expect(isPicture || result instanceof ImageError).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
    for (const shape of [
      "(99999999999, 99999999999)",
      "(1e9, 4, 4)",
      "(-4, 5, 7)",
      `(${"9".repeat(400)},)`,
      `(${"1, ".repeat(60)})`,
    ]) {
      const header = text.slice(10, 128).replace("(4, 5, 7)", shape).trimEnd();
      const length = String.fromCharCode(header.length & 255, header.length >> 8);
      const forged = Buffer.from(`${text.slice(0, 8)}${length}${header}${text.slice(128)}`, "latin1");
      expect(() => decodeNpy(forged)).toThrow(ImageError);
    }
  });
});
