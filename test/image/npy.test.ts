import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ImageError } from "../../src/image/error.ts";
import { decodeNpy, encodeNpy } from "../../src/image/npy.ts";
import { sizeOf, tensor, tensorOf } from "../../src/tensor.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });

describe("NPY", () => {
  test("decode ∘ encode keeps every bit of float32, NaN payloads and −0 included", () => {
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.nat({ max: 0xffffffff })), (shape, stream) => {
        const bits = Uint32Array.from(stream.take(sizeOf(shape)));
        const back = decodeNpy(encodeNpy(tensor("float32", shape, new Float32Array(bits.buffer))));
        expect(back.dtype).toBe("float32");
        expect(back.shape).toEqual(shape);
        expect(new Uint32Array(back.data.buffer)).toEqual(bits);
      }),
    );
  });

  test.each(["float64", "uint8", "int32", "int64"] as const)("%s makes the round trip", (dtype) => {
    const original = tensorOf(dtype, [2, 3], [0, 1, 2, 3, 4, 250]);
    expect(decodeNpy(encodeNpy(original))).toEqual(original);
  });

  test("writes the bytes that numpy 1.24 writes for np.float32([1, 2])", () => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }`.padEnd(117) + "\n";
    const expected = Buffer.concat([
      Buffer.from("934e554d505901007600", "hex"),
      Buffer.from(header),
      Buffer.from("0000803f00000040", "hex"),
    ]);
    expect(Buffer.from(encodeNpy(tensorOf("float32", [2], [1, 2])))).toEqual(expected);
  });

  test("a truncated or foreign file is refused with an ImageError", () => {
    const file = encodeNpy(tensorOf("float32", [2, 2], [1, 2, 3, 4]));
    for (let length = 0; length < file.length; length++) {
      expect(() => decodeNpy(file.slice(0, length))).toThrow(ImageError);
    }
    const text = Buffer.from(file).toString("latin1");
    const changed = (from: string, to: string): Uint8Array => Buffer.from(text.replace(from, to), "latin1");
    expect(() => decodeNpy(changed("False", "True "))).toThrow(expect.objectContaining({ kind: "unsupported-format" }));
    expect(() => decodeNpy(changed("<f4", ">f4"))).toThrow(/>f4/);
    expect(() => decodeNpy(changed("(2, 2)", "(9, 9)"))).toThrow(/needs 324/);
  });
});
