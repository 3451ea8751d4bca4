/** `faultline/simd`: the loops over vectors, which a Worker is handed as a compiled module. */

export { useLoops } from "./loops.ts";
