/**
 * Loops over vectors with two float64 or four float32 in an instruction, which JavaScript has not. Their sources are `simd/*.ts`, in
 * AssemblyScript; `npx tsx scripts/simd.ts` compiles them. Vectors are copied into the module's memory and out of it.
 */

import { base64 } from "./bytes.ts";

/** A loop: numbers in the order of its parameters (`simd/*.ts`), addresses in bytes. */
type Loop<N extends string> = { readonly [K in N]: (...parameters: readonly number[]) => void };
type Measure<N extends string> = { readonly [K in N]: (...parameters: readonly number[]) => number };

/** What the sources export. */
export interface Loops
  extends
    Loop<
      | "adam"
      | "blend"
      | "plus"
      | "plusDifference"
      | "plusSign"
      | "project"
      | "normals"
      | "scale"
      | "squash"
      | "squashAscent"
      | "unsquash"
      | "sharesWithin"
      | "towards"
      | "ascend"
      | "exponentialsBelow"
      | "followShares"
      | "followSlopes"
      | "clip"
      | "metricAbove"
      | "pdpgdPull"
      | "pdpgdShrink"
      | "rmsStep"
      | "sizesAbove"
      | "cosinesOfTurns"
      | "exponentials"
      | "logarithms"
    >,
    Measure<"clipToBox" | "pdpgdStep" | "ssimBand" | "ssimWork"> {
  readonly memory: WebAssembly.Memory;
}

// The types of Workers, against which this project compiles, have no constructor of a module.
const engine = WebAssembly as unknown as { readonly Module: new (bytes: Uint8Array) => WebAssembly.Module };

let given: WebAssembly.Module | undefined;
let instance: Loops | undefined;

/**
 * Sets the compiled `simd/loops.wasm`. A Worker, which may not compile bytes, imports it and calls this once; elsewhere it is compiled at
 * its first use.
 */
export const useLoops = (module: WebAssembly.Module): void => {
  given = module;
  instance = undefined;
};

const compiled = (): WebAssembly.Module => new engine.Module(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));

/** The module's instance, one for a thread. */
export const loops = (): Loops =>
  (instance ??= new WebAssembly.Instance((given ??= compiled())).exports as unknown as Loops);
