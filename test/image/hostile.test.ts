import { deflateSync } from "node:zlib";
import * as fc from "fast-check";
import { Unzlib } from "fflate";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { ImageError } from "../../src/image/error.ts";
import { decodeLabels, encodeLabels } from "../../src/image/labels.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { probe } from "../../src/image/probe.ts";
import { usePlatformZlib } from "../../src/image/zlib.ts";
import { tensorOf, type Tensor } from "../../src/tensor.ts";
import { encodeJpeg, encodeWebp, scene } from "./encoders.ts";
import { chunk, ihdr, pngSignature, writePicture } from "./png-writer.ts";

const maxPixels = 1e4;
const picture = scene(24, 17);
const rgb = { width: 24, height: 17, depth: 8, colour: 2 };

const files: Record<string, Promise<Uint8Array> | Uint8Array> = {
  png: writePicture({
    ...rgb,
    filter: "mixed",
    samples: Array.from({ length: 24 * 17 * 3 }, (_, i) => (i * 31) % 256),
  }),
  "interlaced palette png": writePicture({
    width: 9,
    height: 9,
    depth: 4,
    colour: 3,
    interlaced: true,
    palette: Array.from({ length: 48 }, (_, i) => i),
    samples: Array.from({ length: 81 }, (_, i) => i % 16),
  }),
  "baseline jpeg": encodeJpeg(picture, { progressive: false, baseline: true }),
  "progressive jpeg": encodeJpeg(picture, { progressive: true }),
  "lossy webp": encodeWebp(picture),
  "lossless webp": encodeWebp(picture, { lossless: 1 }),
  "webp with alpha": encodeWebp({ ...picture, data: picture.data.map((v, i) => (i % 4 === 3 ? i % 256 : v)) }),
};

beforeAll(useNodeCodecs);

const refusal = async (bytes: Uint8Array): Promise<ImageError> => {
  const outcome = await decodeImage(bytes, { maxPixels }).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(ImageError);
  return outcome as ImageError;
};

describe("every file", () => {
  test.each(Object.keys(files))("%s, truncated anywhere, is refused as malformed", async (name) => {
    const file = await files[name]!;
    await expect(decodeImage(file, { maxPixels })).resolves.toBeDefined();
    for (let length = 0; length < file.length; length += length < 64 ? 1 : 7) {
      const error = await refusal(file.slice(0, length));
      expect(error, `${length} of ${file.length} bytes`).toMatchObject({ kind: "malformed" });
      expect(error.message.length).toBeGreaterThan(10);
    }
    expect(await refusal(file.slice(0, -1))).toMatchObject({ kind: "malformed" });
  });

  test.each(Object.keys(files))("%s, corrupted anywhere, decodes or is refused with an ImageError", async (name) => {
    expect.hasAssertions();
    const file = await files[name]!;
    const damage = fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bad = file.slice();
        for (const [at, value] of changes) bad[at] = value;
        const outcome = await decodeImage(bad, { maxPixels }).catch((error: unknown) => error);
        expect(outcome instanceof ImageError ? "refused" : (outcome as Tensor).dtype).toMatch(/refused|float32/);
      }),
      { numRuns: 60 },
    );
  });

  test("random bytes are refused, by the formats accepted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        expect((await refusal(bytes)).message).toMatch(/PNG, JPEG/);
      }),
    );
    expect(await refusal(Buffer.from("GIF89a, or so it says"))).toMatchObject({ kind: "unsupported-format" });
  });

  test("a view into a larger buffer is read by its own bounds", async () => {
    for (const name of Object.keys(files)) {
      const file = await files[name]!;
      const large = new Uint8Array(file.length + 20).fill(0xff);
      large.set(file, 10);
      const view = large.subarray(10, 10 + file.length);
      expect(await decodeImage(view, { maxPixels })).toEqual(await decodeImage(file, { maxPixels }));
    }
  });
});

describe("too large", () => {
  test("huge dimensions are refused by the header, whatever follows", async () => {
    const huge = { ...rgb, width: 40_000, height: 30_000 };
    const bomb = Buffer.concat([
      pngSignature,
      ihdr(huge),
      chunk("IDAT", deflateSync(Buffer.alloc(9))),
      chunk("IEND", []),
    ]);
    const error = await refusal(bomb);
    expect(error.kind).toBe("too-large");
    expect(error.message).toMatch(/40000 x 30000 .* 10000 /);
    expect(probe(bomb)).toEqual({ format: "png", width: 40_000, height: 30_000, channels: 3 });
  });

  test("JPEG and WebP headers too", async () => {
    const large = scene(120, 100);
    expect(await refusal(await encodeJpeg(large))).toMatchObject({ kind: "too-large" });
    expect(await refusal(await encodeWebp(large))).toMatchObject({ kind: "too-large" });
    expect(await refusal(await encodeWebp(large, { lossless: 1 }))).toMatchObject({ kind: "too-large" });
  });

  test("exactly the limit is allowed", async () => {
    const labels = encodeLabels(
      tensorOf(
        "uint8",
        [4, 5],
        Array.from({ length: 20 }, () => 1),
      ),
      [],
    );
    expect(decodeLabels(labels, { maxPixels: 20 }).shape).toEqual([4, 5]);
    expect(() => decodeLabels(labels, { maxPixels: 19 })).toThrow(/5 x 4/);
  });
});

const png = (...chunks: Buffer[]): Buffer => Buffer.concat([pngSignature, ...chunks, chunk("IEND", [])]);
const data = (bytes: number): Buffer => chunk("IDAT", deflateSync(Buffer.alloc(bytes)));

describe("PNG", () => {
  const whole = 17 * (24 * 3 + 1);

  test.each([
    { what: "data that inflates to 64 MiB", file: png(ihdr(rgb), data(1 << 26)), message: /larger than its header/ },
    { what: "one byte too few", file: png(ihdr(rgb), data(whole - 1)), message: /smaller than its header/ },
    { what: "one byte too many", file: png(ihdr(rgb), data(whole + 1)), message: /larger than its header/ },
    { what: "a second header", file: png(ihdr(rgb), ihdr({ ...rgb, width: 9999 }), data(whole)), message: /two IHDR/ },
    { what: "no data", file: png(ihdr(rgb)), message: /truncated or corrupt|smaller/ },
    { what: "no palette", file: png(ihdr({ ...rgb, colour: 3 }), data(17 * 25)), message: /palette is missing/ },
    { what: "a size of zero", file: png(ihdr({ ...rgb, width: 0 }), data(17)), message: /0 x 17/ },
    { what: "an impossible depth", file: png(ihdr({ ...rgb, depth: 4 }), data(whole)), message: /does not exist/ },
    {
      what: "another first chunk",
      file: png(chunk("gAMA", [0, 0, 0, 1]), ihdr(rgb), data(whole)),
      message: /not IHDR/,
    },
    {
      what: "an unknown filter",
      file: png(ihdr(rgb), chunk("IDAT", deflateSync(Buffer.alloc(whole, 9)))),
      message: /filter 9/,
    },
  ])("with $what is malformed", async ({ file, message }) => {
    expect(await refusal(file)).toMatchObject({ kind: "malformed", message: expect.stringMatching(message) });
  });

  test("the same frame with right data is fine", async () => {
    await expect(decodeImage(png(ihdr(rgb), data(whole)), { maxPixels })).resolves.toMatchObject({
      shape: [3, 17, 24],
    });
  });

  test("a flipped bit is caught by the checksum, and an unknown critical chunk named", async () => {
    const file = png(ihdr(rgb), data(whole));
    file[45]! ^= 1;
    expect((await refusal(file)).message).toMatch(/checksum of its IDAT/);
    expect(await refusal(png(ihdr(rgb), chunk("CgBI", []), data(whole)))).toMatchObject({ kind: "unsupported-format" });
  });

  test("a colour beyond the palette is malformed", async () => {
    const file = writePicture({ width: 1, height: 1, depth: 8, colour: 3, palette: [1, 2, 3], samples: [1] });
    expect((await refusal(file)).message).toMatch(/colour 1 is not in its palette/);
  });
});

test("a JPEG of thousands of scans is refused before it is decoded", async () => {
  const file = await encodeJpeg(picture, { progressive: true });
  const scan = file.findIndex((b, i) => b === 0xff && file[i + 1] === 0xda);
  const end = file.subarray(0, -2);
  const many = Buffer.concat([end, ...Array.from({ length: 5000 }, () => file.subarray(scan, -2)), file.subarray(-2)]);
  expect(await refusal(many)).toMatchObject({ kind: "malformed", message: expect.stringContaining("scans") });
});

describe("the decoder's work", () => {
  const side = 64;
  const raw = Uint8Array.from({ length: side * (3 * side + 1) }, (_, i) =>
    i % (3 * side + 1) === 0 ? 0 : Math.floor(Math.abs(Math.sin(i)) * 1e6) % 256,
  );
  const zlib = deflateSync(raw);
  const header = ihdr({ ...rgb, width: side, height: side });
  const inChunksOf = (length: number) =>
    png(header, ...Array.from({ length: Math.ceil(zlib.length / length) }, (_, i) => chunk("IDAT", zlib.subarray(i * length, (i + 1) * length)))); // prettier-ignore

  test("on a PNG of 1-byte chunks is that on one chunk", async () => {
    usePlatformZlib(null);
    const push = vi.spyOn(Unzlib.prototype, "push");
    const pushes = async (file: Uint8Array) => {
      push.mockClear();
      const { data: pixels } = await decodeImage(file, { maxPixels });
      return { pixels, calls: push.mock.calls.length };
    };
    const [whole, bytewise] = [await pushes(inChunksOf(zlib.length)), await pushes(inChunksOf(1))];
    push.mockRestore();
    useNodeCodecs();
    expect(zlib.length).toBeGreaterThan(5000);
    expect(bytewise).toEqual(whole);
    expect(whole.calls).toBe(Math.ceil(zlib.length / 2 ** 14) + 1);
  });

  test("ends at 65536 chunks", async () => {
    const empty = chunk("tEXt", []);
    const many = png(header, ...Array.from({ length: 70_000 }, () => empty), chunk("IDAT", zlib));
    expect(await refusal(many)).toMatchObject({ message: expect.stringContaining("65536 chunks") });
  });

  test("ends at 4096 marker segments of a JPEG", async () => {
    const file = await encodeJpeg(picture);
    const comment = Buffer.from("fffe0002", "hex");
    const many = Buffer.concat([file.subarray(0, 2), ...Array.from({ length: 5000 }, () => comment), file.subarray(2)]);
    expect(await refusal(many)).toMatchObject({ message: expect.stringContaining("4096 marker segments") });
  });

  test("allows a large picture fewer scans", async () => {
    const file = await encodeJpeg(scene(24, 17), { progressive: true });
    const frame = file.findIndex((b, i) => b === 0xff && file[i + 1] === 0xc2);
    const scan = file.findIndex((b, i) => b === 0xff && file[i + 1] === 0xda);
    const large = Buffer.from(file);
    large.writeUInt16BE(8000, frame + 5);
    large.writeUInt16BE(8000, frame + 7);
    const scans = Array.from({ length: 20 }, () => large.subarray(scan, -2));
    const many = Buffer.concat([large.subarray(0, -2), ...scans, large.subarray(-2)]);
    await expect(decodeImage(many, { maxPixels: 1e8 })).rejects.toThrow(/more than 16 scans/);
  });
});
