import { Resvg } from "@resvg/resvg-js";
import * as fc from "fast-check";
import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { encodePng, encodePng16, roundToUint8 } from "../../src/image/encode.ts";
import { sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { channelsOfColour, writePicture, type Picture } from "./png-writer.ts";

const maxPixels = 1e6;

const kinds = [
  ...[1, 2, 4, 8, 16].map((depth) => ({ colour: 0, depth })),
  ...[8, 16].flatMap((depth) => [2, 4, 6].map((colour) => ({ colour, depth }))),
  ...[1, 2, 4, 8].map((depth) => ({ colour: 3, depth })),
];

/** Pictures of one kind, with transparency where the kind may have it. */
const pictures = ({ colour, depth }: { colour: number; depth: number }): fc.Arbitrary<Picture> =>
  fc
    .record({
      width: fc.integer({ min: 1, max: 19 }),
      height: fc.integer({ min: 1, max: 11 }),
      interlaced: fc.boolean(),
      filter: fc.constantFrom<number | "mixed">(0, 1, 2, 3, 4, "mixed"),
      seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      transparent: fc.boolean(),
    })
    .map(({ seed, transparent, ...form }) => {
      let state = seed;
      const random = (below: number): number => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const channels = channelsOfColour[colour]!;
      const samples = Array.from({ length: form.width * form.height * channels }, () => random(2 ** depth));
      const key = samples.slice(0, channels).flatMap((v) => [v >> 8, v & 255]);
      const alphas = Array.from({ length: random(2 ** depth) + 1 }, () => random(256));
      const palette = Array.from({ length: 3 * 2 ** depth }, () => random(256));
      return Object.assign(
        { colour, depth, samples },
        form,
        colour === 3 && { palette },
        transparent && colour === 3 && { transparency: alphas },
        transparent && (colour === 0 || colour === 2) && { transparency: key },
      );
    });

/** R, G, B and opacity of a pixel, 0..1, from the picture's samples as the standard defines them. */
const colourOf = ({ colour, depth, samples, palette, transparency }: Picture, pixel: number): number[] => {
  const channels = channelsOfColour[colour]!;
  const own = samples.slice(pixel * channels, (pixel + 1) * channels);
  if (colour === 3) {
    const rgb = palette!.slice(3 * own[0]!, 3 * own[0]! + 3);
    return [...rgb, transparency?.[own[0]!] ?? 255].map((v) => v / 255);
  }
  const opaque = 2 ** depth - 1;
  const keyed =
    transparency !== undefined && own.every((v, c) => v === 256 * transparency[2 * c]! + transparency[2 * c + 1]!);
  const alpha = colour === 4 || colour === 6 ? own.at(-1)! : keyed ? 0 : opaque;
  const rgb = channels < 3 ? [own[0]!, own[0]!, own[0]!] : own.slice(0, 3);
  return [...rgb, alpha].map((v) => v / opaque);
};

describe("decodeImage on PNG", () => {
  test.each(kinds)("colour type $colour with $depth bits gives the picture written, over black", async (kind) => {
    await fc.assert(
      fc.asyncProperty(pictures(kind), async (picture) => {
        const image = await decodeImage(writePicture(picture), { maxPixels });
        const size = picture.width * picture.height;
        expect(image.shape).toEqual([3, picture.height, picture.width]);
        for (let i = 0; i < 3 * size; i++) {
          const colour = colourOf(picture, i % size);
          expect(image.data[i]).toBeCloseTo(255 * colour[Math.floor(i / size)]! * colour[3]!, 4);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("a file of another encoder, with filters of its choice, gives the pixels it was made of", async () => {
    const rendered = new Resvg(
      `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="40"><rect width="64" height="40" fill="#7b9"/>
       <circle cx="30" cy="20" r="15.5" fill="#c31"/><path d="M0 40 L64 7" stroke="#114" stroke-width="3"/></svg>`,
    ).render();
    const { shape, data } = await decodeImage(rendered.asPng(), { maxPixels });
    expect(shape).toEqual([3, 40, 64]);
    const expected = Array.from(data, (_, i) => rendered.pixels[4 * (i % 2560) + Math.floor(i / 2560)]!);
    expect(Array.from(data)).toEqual(expected);
  });

  test("16 bits keep their precision: value / 257", async () => {
    const samples = [0, 1, 257, 258, 32768, 65535];
    const image = await decodeImage(writePicture({ width: 2, height: 1, depth: 16, colour: 2, samples }), {
      maxPixels,
    });
    expect(Array.from(image.data)).toEqual([0, 258, 1, 32768, 257, 65535].map((v) => Math.fround(v / 257)));
  });

  test("transparent pixels are composited over black, opaque ones are exact", async () => {
    const samples = [200, 100, 50, 255, 200, 100, 50, 51, 200, 100, 50, 0];
    const image = await decodeImage(writePicture({ width: 3, height: 1, depth: 8, colour: 6, samples }), { maxPixels });
    const expected = [200, 40, 0, 100, 20, 0, 50, 10, 0];
    expect(Array.from(image.data, (v) => Math.round(v * 1e4) / 1e4)).toEqual(expected);
    expect(image.data[0]).toBe(200);
  });
});

const images = (value: fc.Arbitrary<number>): fc.Arbitrary<Tensor<"float32">> =>
  fc
    .tuple(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 1, max: 17 }))
    .chain(([height, width]) =>
      fc
        .array(value, { minLength: 3 * height * width, maxLength: 3 * height * width })
        .map((values) => tensorOf("float32", [3, height, width], values)),
    );

const level = fc.double({ min: -20, max: 280, noNaN: true });

describe("encodePng", () => {
  test("decode ∘ encode rounds as roundToUint8 does", async () => {
    await fc.assert(
      fc.asyncProperty(images(level), async (image) => {
        expect(await decodeImage(encodePng(image), { maxPixels })).toEqual(roundToUint8(image));
      }),
    );
  });

  test("another decoder reads the same picture", () => {
    const image = tensorOf(
      "float32",
      [3, 5, 7],
      Array.from({ length: 105 }, (_, i) => (i * 37) % 256),
    );
    const interleaved = Array.from({ length: 105 }, (_, i) => image.data[(i % 3) * 35 + Math.floor(i / 3)]!);
    const eight = decode(encodePng(image), { checkCrc: true });
    expect(eight).toMatchObject({ width: 7, height: 5, depth: 8, channels: 3 });
    expect(Array.from(eight.data)).toEqual(interleaved);
    const sixteen = decode(encodePng16(image), { checkCrc: true });
    expect(sixteen).toMatchObject({ width: 7, height: 5, depth: 16, channels: 3 });
    expect(Array.from(sixteen.data)).toEqual(interleaved.map((v) => 257 * v));
  });

  test("halves go up, and values outside 0..255 are clamped", () => {
    const image = tensorOf("float32", [3, 1, 2], [0.5, 1.5, 2.4999, -3, 255.4, 300]);
    expect(Array.from(roundToUint8(image).data)).toEqual([1, 2, 2, 0, 255, 255]);
  });

  test("is the image itself where that holds whole grey levels", () => {
    const of = (...values: number[]) => tensorOf("float32", [1, 1, values.length], values);
    const whole = of(0, 7, 255);
    expect(roundToUint8(whole)).toBe(whole);
    for (const beyond of [-1, 256, 0.5, 2 ** 32, Number.POSITIVE_INFINITY])
      expect(Array.from(roundToUint8(of(beyond)).data)).toEqual([beyond < 0 ? 0 : Math.min(Math.round(beyond), 255)]);
    expect(() => roundToUint8(of(1, Number.NaN))).toThrow(/NaN/);
  });

  test("refuses NaN and other shapes", () => {
    expect(() => encodePng(tensorOf("float32", [3, 1, 1], [0, Number.NaN, 0]))).toThrow(/NaN/);
    expect(() => encodePng(tensorOf("float32", [5, 1, 1], [0, 0, 0, 0, 0]))).toThrow(/\[5, 1, 1\]/);
  });
});

describe("encodePng16", () => {
  test("is within 1/514 grey level, exact for integers, and stable", async () => {
    await fc.assert(
      fc.asyncProperty(
        images(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.double({ min: 0, max: 255, noNaN: true }))),
        async (image) => {
          const back = await decodeImage(encodePng16(image), { maxPixels });
          for (let i = 0; i < sizeOf(image.shape); i++) {
            const v = image.data[i]!;
            expect(Math.abs(back.data[i]! - v)).toBeLessThanOrEqual(Number.isInteger(v) ? 0 : 1 / 514 + 1e-5);
          }
          expect(encodePng16(back)).toEqual(encodePng16(image));
        },
      ),
    );
  });
});
