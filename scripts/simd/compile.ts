/** Compiles simd/*.ts, which are AssemblyScript. */

/** What is called of AssemblyScript's compiler. */
interface Compiler {
  readonly main: (
    argv: readonly string[],
    options: {
      readonly stderr: { readonly write: (chunk: unknown) => void };
      readonly writeFile: (name: string, contents: Uint8Array | string) => void;
    },
  ) => Promise<{ readonly error: Error | null }>;
}

/** Named in a variable, as its own types would be those of the whole program: they declare `Array.at`, `parseInt` and others anew. */
const compiler: string = "assemblyscript/asc";

const flags = ["-O3", "--noAssert", "--enable", "simd", "--runtime", "stub"];

/** The bytes of `simd/loops.wasm`: the same sources give the same. @throws Error with what the compiler says. */
export const compileLoops = async (): Promise<Uint8Array> => {
  let bytes: Uint8Array | undefined;
  const said: unknown[] = [];
  const { main } = (await import(compiler)) as Compiler;
  const { error } = await main(["simd/index.ts", "--outFile", "loops.wasm", ...flags], {
    writeFile: (_, contents) => {
      bytes = contents as Uint8Array;
    },
    stderr: { write: (chunk) => void said.push(chunk) },
  });
  if (error || !bytes) throw new Error(`simd/*.ts cannot be compiled: ${said.join("")}`, { cause: error });
  return bytes;
};

/** `src/simd/bytes.ts`, for where modules are compiled from bytes. */
export const bytesSource = (bytes: Uint8Array): string => `/** \`simd/loops.wasm\`. Written by scripts/simd.ts. */

export const base64 =
  "${Buffer.from(bytes).toString("base64")}";
`;
