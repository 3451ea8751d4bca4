/** Small objects against a flood fill. */

import { assert, constant, double, integer, property, record, tuple, uint8Array } from "fast-check";
import { expect, it } from "vitest";
import { smallObjects } from "../../src/metrics/components.ts";
import { tensor } from "../../src/tensor.ts";

/** The pixels of the component of one pixel, by walking from it. */
const filledFrom = (data: Uint8Array, width: number, start: number): ReadonlySet<number> => {
  const seen = new Set([start]);
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const beside = [
      ...(at % width > 0 ? [at - 1] : []),
      ...(at % width < width - 1 ? [at + 1] : []),
      at - width,
      at + width,
    ];
    for (const next of beside) {
      if (next < 0 || next >= data.length || seen.has(next) || data[next] !== data[start]) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen;
};

it("are the components below the share, and nothing else", () => {
  const maps = tuple(integer({ min: 1, max: 9 }), integer({ min: 1, max: 9 })).chain(([height, width]) =>
    record({
      width: constant(width),
      data: uint8Array({ minLength: height * width, maxLength: height * width, max: 2 }),
      share: double({ min: 0, max: 1, noNaN: true }),
    }),
  );
  assert(
    property(maps, ({ width, data, share }) => {
      const labels = tensor("uint8", [data.length / width, width], new Uint8Array(data));
      const expected = Array.from(data, (label, i) =>
        filledFrom(data, width, i).size < share * data.length ? label : 255,
      );
      expect(Array.from(smallObjects(labels, share).data)).toEqual(expected);
    }),
  );
});

it("touch at sides: a diagonal line is many objects, a spiral is one", () => {
  const spiral = [0, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0];
  const of = (values: readonly number[], share: number) =>
    Array.from(smallObjects(tensor("uint8", [4, 4], Uint8Array.from(values)), share).data);
  expect(of(spiral, 0.5).filter((v) => v === 0)).toEqual([]);
  const diagonal = Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  expect(of(diagonal, 0.1).filter((v) => v === 1)).toHaveLength(4);
});
