/** What is committed of the loops is what their sources compile to. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { bytesSource, compileLoops } from "../../scripts/simd/compile.ts";

const committed = (file: string): Buffer => readFileSync(new URL(`../../${file}`, import.meta.url));

it("simd/loops.wasm and src/simd/bytes.ts are those of simd/*.ts", async () => {
  const bytes = await compileLoops();
  expect(committed("simd/loops.wasm").equals(bytes), "stale: run npx tsx scripts/simd.ts").toBe(true);
  expect(committed("src/simd/bytes.ts").toString(), "stale: run npx tsx scripts/simd.ts").toBe(bytesSource(bytes));
});

it("is a few kilobytes, of which every visitor of the page /lab loads each", () => {
  expect(committed("simd/loops.wasm").length).toBeLessThan(20_000);
});
