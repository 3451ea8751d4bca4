import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { ImageError } from "../../src/image/error.ts";
import { decodeLabels, encodeLabels } from "../../src/image/labels.ts";
import { tensor, tensorOf } from "../../src/tensor.ts";
import { encodeWebp, scene } from "./encoders.ts";
import { writePicture } from "./png-writer.ts";

const maxPixels = 1e6;
const palette = [
  [10, 20, 30],
  [40, 50, 60],
] as const;

const refusal = (bytes: Uint8Array, options: object = {}): ImageError => {
  try {
    decodeLabels(bytes, Object.assign({ maxPixels }, options));
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error("the labels were accepted");
};

describe("label maps", () => {
  test("decode ∘ encode is the identity on every label", () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (height, width, stream) => {
        const labels = tensorOf("uint8", [height, width], Array.from(stream.take(height * width)));
        expect(decodeLabels(encodeLabels(labels, palette), { maxPixels })).toEqual(labels);
      }),
    );
  });

  test("the file shows the palette's colours, void its own", async () => {
    const labels = tensorOf("uint8", [1, 4], [0, 1, 255, 7]);
    const shown = await decodeImage(encodeLabels(labels, palette, { voidColour: [255, 254, 253] }), { maxPixels });
    expect(Array.from(shown.data)).toEqual([10, 40, 255, 0, 20, 50, 254, 0, 30, 60, 253, 0]);
  });

  test.each([1, 2, 4, 8].flatMap((depth) => [0, 3].map((colour) => ({ depth, colour }))))(
    "colour type $colour with $depth bits gives its raw values",
    ({ depth, colour }) => {
      const samples = Array.from({ length: 33 }, (_, i) => (i * 7) % 2 ** depth);
      const colours = colour === 3 ? { palette: Array.from({ length: 3 * 2 ** depth }, (_, i) => i % 256) } : {};
      for (const interlaced of [false, true]) {
        const file = writePicture({ width: 11, height: 3, depth, colour, interlaced, samples, ...colours });
        expect(decodeLabels(file, { maxPixels })).toEqual(tensor("uint8", [3, 11], Uint8Array.from(samples)));
      }
    },
  );

  test("an RGB picture is read by a palette; black is void", () => {
    const file = writePicture({ width: 3, height: 1, depth: 8, colour: 2, samples: [40, 50, 60, 0, 0, 0, 10, 20, 30] });
    expect(Array.from(decodeLabels(file, { maxPixels, palette }).data)).toEqual([1, 255, 0]);
  });

  test("black is a class where the palette says so", () => {
    const file = writePicture({ width: 1, height: 1, depth: 8, colour: 6, samples: [0, 0, 0, 255] });
    expect(Array.from(decodeLabels(file, { maxPixels, palette: [...palette, [0, 0, 0]] }).data)).toEqual([2]);
  });

  test("what is no label map is refused, and why", async () => {
    const rgb = writePicture({ width: 2, height: 1, depth: 8, colour: 2, samples: [10, 20, 30, 1, 2, 3] });
    expect(refusal(rgb)).toMatchObject({
      kind: "not-labels",
      message: expect.stringContaining("greyscale or palette"),
    });
    expect(refusal(rgb, { palette })).toMatchObject({
      message: expect.stringMatching(/\(1, 2, 3\) at x 1, y 0 .* class indices/),
    });
    const alpha = writePicture({ width: 1, height: 1, depth: 8, colour: 4, samples: [1, 255] });
    expect(refusal(alpha)).toMatchObject({ kind: "not-labels", message: expect.stringContaining("alpha") });
    const deep = writePicture({ width: 1, height: 1, depth: 16, colour: 0, samples: [1] });
    expect(refusal(deep)).toMatchObject({ kind: "not-labels", message: expect.stringContaining("16 bits") });
    const webp = await encodeWebp(scene(16, 16));
    expect(refusal(webp)).toMatchObject({ kind: "not-labels", message: expect.stringContaining("WEBP") });
    expect(refusal(rgb, { maxPixels: 1 })).toMatchObject({ kind: "too-large" });
  });

  test("a palette that leaves no room for void, and other shapes, are refused", () => {
    const labels = tensorOf("uint8", [1, 1], [0]);
    expect(() =>
      encodeLabels(
        labels,
        Array.from({ length: 256 }, () => [0, 0, 0] as const),
      ),
    ).toThrow(RangeError);
    expect(() => encodeLabels(tensorOf("uint8", [1], [0]), palette)).toThrow(/\[H, W\]/);
  });
});
