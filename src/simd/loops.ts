/**
 * Loops over vectors with two float64 or four float32 in an instruction, which JavaScript has not. Their sources are `simd/*.ts`, in
 * AssemblyScript; `npx tsx scripts/simd.ts` compiles them. Vectors are copied into the module's memory and out of it.
 */

import { base64 } from "./bytes.ts";

/** What the sources export; addresses and lengths are in bytes where nothing else is said. */
export interface Loops {
  readonly memory: WebAssembly.Memory;
  readonly adam: (count: number, beta1: number, beta2: number, correction1: number, correction2: number) => void;
  readonly cosinesOfTurns: (at: number, count: number) => void;
  readonly exponentials: (at: number, count: number) => void;
  readonly logarithms: (at: number, count: number) => void;
  readonly normals: (count: number) => void;
  readonly pdpgdPull: (count: number, largest: number) => void;
  readonly pdpgdShrink: (count: number, scale: number, level: number, low: number, high: number) => void;
  readonly pdpgdStep: (
    count: number,
    beta1: number,
    beta2: number,
    correction1: number,
    correction2: number,
    rate: number,
    low: number,
    high: number,
  ) => number;
  readonly project: (count: number, epsilon: number, low: number, high: number) => void;
  readonly sizesAbove: (count: number, level: number) => void;
  readonly squash: (count: number, low: number, half: number) => void;
  readonly squashAscent: (count: number, weight: number, half: number, curved: number, whole: number) => void;
  readonly ssimWork: (rows: number) => number;
  readonly ssimBand: (
    ...band: [x: number, y: number, width: number, rows: number, weights: number, c1: number, c2: number, work: number]
  ) => number;
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
