/** Selection by rank against sorting. */

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { smallestOf } from "../../src/attacks/select.ts";

it("is what stands at the rank once all is sorted, equal values and infinities among them", () => {
  const value = fc.oneof(fc.constantFrom(0, 1, -1, Infinity, -Infinity), fc.float({ noNaN: true }));
  const ranked = fc
    .array(value, { minLength: 1, maxLength: 60 })
    .chain((values) => fc.tuple(fc.constant(values), fc.integer({ min: 0, max: values.length - 1 })));
  fc.assert(
    fc.property(ranked, ([values, rank]) => {
      const expected = Float32Array.from(values).toSorted()[rank]!;
      expect(smallestOf(Float32Array.from(values), rank) === expected).toBe(true);
    }),
    { numRuns: 300 },
  );
});
