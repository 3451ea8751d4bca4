/** Einsum from its definition: a sum over all values of all letters. */

import { stringOf } from "../../../src/onnx/graph.ts";
import { at, define, indices, type Kernel, type Nd } from "./nd.ts";

/** The labels of a term's axes; those under an ellipsis are numbered from the last one. */
const labels = (term: string, rank: number): string[] => {
  const [before, after] = term.split("...");
  if (after === undefined) return term.split("");
  const hidden = rank - before!.length - after.length;
  const numbers = Array.from({ length: hidden }, (_, i) => String(hidden - i));
  return [...before!.split(""), ...numbers, ...after.split("")];
};

/** Where no output is given: the axes under the ellipsis, then the letters that occur once, sorted. */
const implied = (terms: readonly string[][]): string[] => {
  const all = terms.flat();
  const hidden = [...new Set(all)].filter((l) => /\d/.test(l)).toSorted((a, b) => Number(b) - Number(a));
  const once = all.filter((l) => /[a-z]/i.test(l) && all.filter((m) => m === l).length === 1);
  return [...hidden, ...once.toSorted()];
};

const Einsum: Kernel = (node, ...x) => {
  const [left, right] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
  const terms = left!.split(",").map((term, i) => labels(term, x[i]!.shape.length));
  const hidden = Math.max(...terms.map((t) => t.filter((l) => /\d/.test(l)).length));
  const output = right === undefined ? implied(terms) : labels(right, right.replace("...", "").length + hidden);
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries())
    for (const [axis, l] of term.entries()) sizes.set(l, Math.max(sizes.get(l) ?? 1, x[i]!.shape[axis]!));
  const summed = [...sizes.keys()].filter((l) => !output.includes(l));
  const inner = [...indices(summed.map((l) => sizes.get(l)!))];
  const element = (v: Nd, term: readonly string[], values: ReadonlyMap<string, number>): number =>
    at(
      v,
      term.map((l, axis) => (v.shape[axis] === 1 ? 0 : values.get(l)!)),
    );
  return [
    define(
      x[0]!.dtype,
      output.map((l) => sizes.get(l)!),
      (index) => {
        const outer = output.map((l, i) => [l, index[i]!] as const);
        return inner.reduce((sum, k) => {
          const values = new Map([...outer, ...summed.map((l, i) => [l, k[i]!] as const)]);
          return sum + x.reduce((product, v, i) => product * element(v, terms[i]!, values), 1);
        }, 0);
      },
    ),
  ];
};

export const summation: Readonly<Record<string, Kernel>> = { Einsum };
