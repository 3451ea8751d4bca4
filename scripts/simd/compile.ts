/** Compiles simd/*.ts, which are AssemblyScript. */

import { main, type APIOptions } from "assemblyscript/asc";

const flags = ["-O3", "--noAssert", "--enable", "simd", "--runtime", "stub"];

/** The bytes of `simd/loops.wasm`: the same sources give the same. @throws Error with what the compiler says. */
export const compileLoops = async (): Promise<Uint8Array> => {
  let bytes: Uint8Array | undefined;
  const writeFile: APIOptions["writeFile"] = (_, contents) => {
    bytes = contents as Uint8Array;
  };
  const said: unknown[] = [];
  const stderr: APIOptions["stderr"] = { write: (chunk) => void said.push(chunk) };
  const { error } = await main(["simd/index.ts", "--outFile", "loops.wasm", ...flags], { writeFile, stderr });
  if (error || !bytes) throw new Error(`simd/*.ts cannot be compiled: ${said.join("")}`, { cause: error });
  return bytes;
};

/** `src/simd/bytes.ts`, for where modules are compiled from bytes. */
export const bytesSource = (bytes: Uint8Array): string => `/** \`simd/loops.wasm\`. Written by scripts/simd.ts. */

export const base64 =
  "${Buffer.from(bytes).toString("base64")}";
`;
