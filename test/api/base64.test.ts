/** Against the runtime's own `atob` and `btoa`. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/api/base64.ts";

const byAtob = (text: string): number[] | undefined => {
  try {
    return Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
};

const read = (text: string): number[] | undefined => {
  const bytes = fromBase64(text);
  return bytes && [...bytes];
};

test("writes what btoa writes, and reads it back, in a data: URL too", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = toBase64(bytes);
      expect(text).toBe(btoa(String.fromCharCode(...bytes)));
      expect(read(text)).toEqual([...bytes]);
      expect(read(`data:image/png;base64,${text}`)).toEqual([...bytes]);
    }),
  );
});

test("accepts and refuses what atob accepts and refuses", () => {
  const characters = fc.constantFrom(...Array.from("AbZz09+/==\n \t-_é,"));
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 9 }), (text) => {
      expect(read(text.join(""))).toEqual(byAtob(text.join("")));
    }),
    { numRuns: 3000 },
  );
});

test.each(["data:image/png,AAAA", "data:image/png;base64", "data:"])("refuses the URL %s", (url) => {
  expect(fromBase64(url)).toBeUndefined();
});
