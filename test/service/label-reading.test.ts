/** Pictures and label maps that can be read in two ways: turned, refused with both readings, or answered with a warning. */

import enetStreet from "../../models/enet-street/manifest.json";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { encodePng } from "../../src/image/encode.ts";
import { tensorOf } from "../../src/tensor.ts";
import { encodeJpeg, scene } from "../image/encoders.ts";
import { pictureFile } from "../image/fixtures.ts";
import { failureOf, image, imagePng, grid, pngOf, serviceOf, spec } from "./tiny-service.ts";

beforeAll(useNodeCodecs);
/** The colours of the classes of `enet-street`. */
const paletteOfStreet = enetStreet.classes.map(({ color: [r = 0, g = 0, b = 0] }) => [r, g, b] as const);
const service = serviceOf();
const classes = { kind: "count", count: 2 } as const;
const [mask, prediction] = [pictureFile("mask0-255.png"), pictureFile("pred01.png")];

it("a picture with pixels that are not opaque is put on black, with a warning; one with an opaque alpha channel has none", async () => {
  const withAlpha = (alpha: number) =>
    encodePng(tensorOf("float32", [4, 12, 16], [...image.data, ...Array<number>(192).fill(alpha)]));
  const told = async (alpha: number) => (await service.segment({ model: "tiny", image: withAlpha(alpha) })).warnings;
  expect(await told(254)).toMatchObject([{ kind: "translucent", part: "image" }]);
  expect(await told(255)).toEqual([]);
});

describe("a binary mask of 0 and 255", () => {
  const refused = { kind: "labels-malformed", part: "reference", reason: expect.stringMatching(/0 and 255.*label255/) };

  it("for two classes is refused unless the request says what 255 means", async () => {
    expect(await failureOf(service.score({ classes, prediction, reference: mask }))).toMatchObject(refused);
  });

  it("is read as 0 and 1, and then equals the mask that is stored so", async () => {
    const result = await service.score({ classes, prediction, reference: mask, label255: "foreground" });
    expect(result).toMatchObject({ voidPixels: 0, warnings: [], prediction: { miou: 1, pixelAccuracy: 1 } });
    expect(result.prediction.perClass.map(({ iou }) => iou)).toEqual([1, 1]);
  });

  it("is read as void where that is asked for, with a warning", async () => {
    const result = await service.score({ classes, prediction, reference: mask, label255: "void" });
    expect(result.voidPixels).toBeGreaterThan(0);
    expect(result.warnings).toMatchObject([{ kind: "mostly-void", part: "reference" }]);
  });

  it("has no second reading where there are more classes, which the request is told", async () => {
    const three = { kind: "count", count: 3 } as const;
    const asked = service.score({ classes: three, prediction, reference: mask, label255: "foreground" });
    expect(await failureOf(asked)).toMatchObject({ kind: "invalid-spec", errors: [{ pointer: "/spec/label255" }] });
    const result = await service.score({ classes: three, prediction, reference: mask });
    expect(result.warnings).toMatchObject([{ kind: "mostly-void", part: "reference" }]);
  });
});

describe("a palette in another order", () => {
  const street = [
    [128, 128, 128],
    [128, 0, 0],
    [192, 192, 128],
  ] as const;

  it("than the classes is refused, and both readings are named", () => {
    const maxPixels = 1e6;
    const manifest = { palette: paletteOfStreet };
    const [grey, rgb] = ["l-gray8.png", "l-rgb.png"].map((name) =>
      decodeLabels(pictureFile(name), { maxPixels, ...manifest }),
    );
    expect(rgb).toEqual(grey);
    const read = () => decodeLabels(pictureFile("l-rgb2pal.png"), { maxPixels, ...manifest });
    expect(read).toThrow(expect.objectContaining({ kind: "not-labels" }));
    expect(read).toThrow(/index \d+ has the colour \(\d+, \d+, \d+\), which is class \d+'s.*greyscale.*RGB/);
    expect(decodeLabels(pictureFile("l-rgb2pal.png"), { maxPixels }).shape).toEqual(grey!.shape);
    const others = { palette: street.map(([r, g, b]) => [r, g, b + 1] as const) };
    expect(decodeLabels(pictureFile("l-rgb2pal.png"), { maxPixels, ...others }).shape).toEqual(grey!.shape);
  });
});

describe("a map that is void but for one class", () => {
  const filled = (...values: readonly number[]) =>
    pngOf(
      tensorOf(
        "uint8",
        [12, 16],
        Array.from({ length: 192 }, (_, i) => values[i % values.length]!),
      ),
    );

  it.each([
    { name: "one class", map: filled(255, 2, 2), voidPixels: 64 },
    { name: "two classes", map: filled(255, 2, 1), voidPixels: 64 },
  ])("is attacked, scored and answered with a warning: $name", async ({ name, map, voidPixels }) => {
    const expected = name === "one class" ? [{ kind: "mostly-void", part: "labels" }] : [];
    const attacked = await service.attack({ spec, image: imagePng, labels: map, outputs: [] }, {});
    expect(attacked).toMatchObject({ voidPixels, warnings: expected });
    const scored = await service.score({
      classes: { kind: "model", model: "tiny" },
      prediction: filled(0, 1, 2),
      reference: map,
    });
    expect(scored).toMatchObject({ voidPixels, warnings: expected.map((w) => ({ ...w, part: "reference" })) });
  });

  it("is said of a map that is all void, of which nothing can be scored", async () => {
    const scored = await service.score({
      classes: { kind: "model", model: "tiny" },
      prediction: filled(0, 1),
      reference: filled(255),
    });
    expect(scored).toMatchObject({ voidPixels: 192, warnings: [{ kind: "mostly-void" }], prediction: { miou: null } });
  });

  it("is none where there is no void, or no map", async () => {
    expect(await service.segment({ model: "tiny", image: imagePng })).toMatchObject({ warnings: [] });
    const { voidPixels, warnings } = await service.robustness({ spec: grid, image: imagePng }, {});
    expect([voidPixels, warnings]).toEqual([0, []]);
    expect(image.shape).toEqual([3, 12, 16]);
  });
});

describe("a picture with an Exif orientation", () => {
  it("has the size that viewers show, and the answer says that it was turned", async () => {
    const exif = pictureFile("exif6.jpg");
    const { shape } = await decodeImage(exif, { maxPixels: 1e6 });
    expect(shape).toEqual([3, 120, 80]);
    const result = await service.segment({ model: "tiny", image: exif });
    expect([result.height, result.width]).toEqual(shape.slice(1));
    expect(result.warnings).toMatchObject([{ kind: "turned", part: "image", detail: expect.stringContaining("6") }]);
    const upright = await encodeJpeg(scene(16, 12));
    expect((await service.segment({ model: "tiny", image: upright })).warnings).toEqual([]);
  });

  it("that is an animation is said to be one; CMYK is refused by name", async () => {
    const result = await service.segment({ model: "tiny", image: pictureFile("anim.webp") });
    expect(result.warnings).toMatchObject([{ kind: "first-frame" }]);
    const refused = await failureOf(service.segment({ model: "tiny", image: pictureFile("cmyk.jpg") }));
    expect(refused).toMatchObject({ kind: "image-unsupported-format", received: expect.stringContaining("CMYK") });
  });
});

describe("the mean over classes", () => {
  const map = (...values: readonly number[]) => pngOf(tensorOf("uint8", [1, values.length], values));

  it("is over those of the reference by default, or over the union of both maps", async () => {
    const request = {
      classes: { kind: "count", count: 4 },
      reference: map(0, 0, 1, 1),
      prediction: map(0, 0, 1, 3),
    } as const;
    const [reference, union] = [await service.score(request), await service.score({ ...request, meanOver: "union" })];
    expect(reference).toMatchObject({ meanOver: "reference", prediction: { miou: (1 + 1 / 2) / 2 } });
    expect(union).toMatchObject({ meanOver: "union", prediction: { miou: (1 + 1 / 2 + 0) / 3 } });
    expect(union.prediction.perClass.map(({ iou }) => iou)).toEqual([1, 0.5, null, 0]);
  });
});
