/** Arrays that a rule computes in. */

/** Of the images under attack. */
const kept = new WeakMap<Float32Array, Float32Array<ArrayBuffer>[]>();

/**
 * Arrays of an image's length, which hold nothing from one step to the next: whoever steps on the same image overwrites them. New ones at
 * each step would have to be cleared and collected, which takes as long as the loops over them.
 *
 * @param k from 0.
 */
export const scratch = (clean: Float32Array, k: number): Float32Array<ArrayBuffer> => {
  const arrays = kept.get(clean) ?? [];
  kept.set(clean, arrays);
  return (arrays[k] ??= new Float32Array(clean.length));
};
