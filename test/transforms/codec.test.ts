/** The JPEG fragment against a real encoder and decoder. */

import { beforeAll, expect, it } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { numbersOf, tensorOf } from "../../src/tensor.ts";
import { encodeJpeg, scene } from "../image/encoders.ts";
import { applied } from "./support.ts";

beforeAll(useNodeCodecs);

const [height, width] = [64, 96];

const rootMeanSquare = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length);

// MozJPEG's trellis may choose other coefficients than rounding does, so that the pixels are near each other and not the same.
it.each([90, 75, 50, 25])("at quality %d it leaves nearly the pixels of MozJPEG", async (quality) => {
  const picture = scene(width, height);
  const pixels = height * width;
  const planes = Array.from({ length: 3 * pixels }, (_, i) => picture.data[4 * (i % pixels) + Math.floor(i / pixels)]!);
  const options = { quality, quant_table: 0, auto_subsample: false, chroma_subsample: 2, progressive: false };
  const decoded = await decodeImage(await encodeJpeg(picture, options), { maxPixels: 2 ** 20 });
  const { y } = await applied([{ name: "jpeg", quality }], tensorOf("float32", [3, height, width], planes));
  const codec = numbersOf(decoded);
  const loss = rootMeanSquare(codec, planes);
  expect(rootMeanSquare(y, codec)).toBeLessThan(0.6 * loss);
  expect(Math.abs(rootMeanSquare(y, planes) / loss - 1)).toBeLessThan(0.1);
});
