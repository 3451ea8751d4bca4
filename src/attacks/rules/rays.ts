/** A search over signs in halves of halves, by labels alone: RayS. */

import type { Rule } from "../attack.ts";
import { project, type Constraint } from "../constraint.ts";

type RaysState = {
  /** The best image so far; 1 where it is x + ε, 0 where it is x − ε; and its value, null before the first query. */
  readonly best: Float32Array;
  readonly signs: Uint8Array;
  readonly value: number | null;
  /** The signs that the query at hand has turned: all before the first. */
  readonly level: number;
  readonly block: number;
};

/** From where to where a block of a level reaches: 2^level blocks, the last of them shorter. */
const reach = (level: number, block: number, length: number): readonly [number, number] => {
  const size = Math.ceil(length / 2 ** level);
  return [block * size, Math.min((block + 1) * size, length)];
};

/** Turns the signs of a block in place. */
const turn = (signs: Uint8Array, { level, block }: Pick<RaysState, "level" | "block">): void => {
  const [start, end] = reach(level, block, signs.length);
  for (let i = start; i < end; i++) signs[i] = 1 - signs[i]!;
};

/** The next block, or the first of the next level; after single components from the whole again. */
const following = (level: number, block: number, length: number): Pick<RaysState, "level" | "block"> => {
  const [start, end] = reach(level, block, length);
  if (end < length) return { level, block: block + 1 };
  return { level: end - start === 1 && length <= 2 ** level ? 0 : level + 1, block: 0 };
};

const corner = (signs: Uint8Array, clean: Float32Array, constraint: Constraint): Float32Array<ArrayBuffer> => {
  const at = new Float32Array(clean.length);
  const { epsilon } = constraint;
  for (let i = 0; i < at.length; i++) at[i] = clean[i]! + epsilon * (2 * signs[i]! - 1);
  return project(at, clean, constraint, at);
};

/**
 * From x + ε on, each query turns the signs of a block of components, from the whole image to halves, quarters, and so on. A
 * turn is kept where the value is larger: by labels alone, where fewer pixels keep theirs.
 *
 * It is the search over directions of RayS (Chen and Gu, RayS: A Ray Searching Method for Hard-label Adversarial Attack, KDD 2020)
 * within a fixed ball: dense labels grade a direction without RayS's search for the smallest radius along it. Each step is one query.
 */
export const raysRule = (): Rule<RaysState> => ({
  kind: "rays",
  parameters: {},
  needs: "labels",
  begin: ({ data }, constraint) => {
    const signs = new Uint8Array(data.length).fill(1);
    const x = corner(signs, data, constraint);
    return { state: { best: x, signs, value: null, level: 0, block: 0 }, x };
  },
  next: (state, { value }, x, { clean, constraint }) => {
    const { signs } = state;
    const first = state.value === null;
    const better = first || value > state.value;
    if (better && !first) turn(signs, state);
    const place = first ? { level: 0, block: 0 } : following(state.level, state.block, signs.length);
    turn(signs, place);
    const next = corner(signs, clean, constraint);
    turn(signs, place);
    return {
      state: { signs, ...(better ? { best: x, value } : { best: state.best, value: state.value }), ...place },
      x: next,
    };
  },
  result: ({ best }) => best,
});
