/** Compiles simd/*.ts to simd/loops.wasm, and writes its bytes to src/simd/bytes.ts: `npx tsx scripts/simd.ts`. */

import { writeFileSync } from "node:fs";
import { bytesSource, compileLoops } from "./simd/compile.ts";

const bytes = await compileLoops();
writeFileSync("simd/loops.wasm", bytes);
writeFileSync("src/simd/bytes.ts", bytesSource(bytes));
console.log(`simd/loops.wasm: ${bytes.length} bytes`);
