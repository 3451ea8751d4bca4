/** What `loops.wasm` exports: loops over vectors that lie in its memory from the second page on, in the form that `src/simd` gives them. */

export { ssimBand, ssimWork } from "./ssim";
