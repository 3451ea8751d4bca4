/** Einstein summation. The gradient by an operand is again an Einstein summation, with the output's term in place of the operand's. */

import { tensorOf } from "../../tensor.ts";
import type { Builder } from "../../onnx/build.ts";
import { equationOf, freshLetters } from "../../onnx/infer/einsum.ts";
import type { Value } from "../../onnx/value.ts";
import type { Vjp, VjpRule } from "../rule.ts";

/** δ(i, j) */
const identityMatrix = (op: Builder, size: number, dtype: Value["dtype"]): Value => {
  const data = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  return op.tensor(tensorOf(dtype, [size, size], data), "identity");
};

type Operand = readonly [term: string, value: Value];

/** A term in which each letter occurs once: a repeated letter is renamed, and a factor δ links the two names. */
const apart = (term: string, spare: string, delta: (letter: string) => Value): { term: string; deltas: Operand[] } => {
  const deltas: Operand[] = [];
  const letters = term.split("").map((letter, axis) => {
    if (term.indexOf(letter) === axis) return letter;
    deltas.push([letter + spare[axis]!, delta(letter)]);
    return spare[axis]!;
  });
  return { term: letters.join(""), deltas };
};

/**
 * y[o] = Σ Π xₖ[tₖ]; dxᵢ[tᵢ] = Σ dy[o]·Π_{k≠i} xₖ[tₖ], summed over the letters that are not in tᵢ. Along a letter that occurs in
 * tᵢ only, the operator sums xᵢ, and the gradient is constant.
 */
const operand =
  (index: number): Vjp =>
  (dy, { op, node, inputs }, ...x) => {
    const { terms, output, sizes } = equationOf(node, inputs);
    const spare = freshLetters(node, [...terms, output].join(""), terms[index]!.length);
    const own = apart(terms[index]!, spare, (letter) => identityMatrix(op, sizes.get(letter)!, dy.dtype));
    const others = terms.flatMap((term, k): Operand[] => (k === index ? [] : [[term, x[k]!]]));
    const operands: readonly Operand[] = [[output, dy], ...others, ...own.deltas];
    const known = new Set(operands.flatMap(([term]) => term.split("")));
    const letters = own.term.split("");
    const found = letters.filter((letter) => known.has(letter));
    const equation = `${operands.map(([term]) => term).join(",")}->${found.join("")}`;
    const d = op.Einsum(...operands.map(([, v]) => v), { equation });
    if (found.length === letters.length) return d;
    const along = letters.map((letter) => (known.has(letter) ? d.shape[found.indexOf(letter)]! : 1));
    const whole = letters.map((letter, axis) => (known.has(letter) ? along[axis]! : x[index]!.shape[axis]!));
    return op.Expand(op.Reshape(d, op.ints(along)), op.ints(whole));
  };

export const Einsum: VjpRule = operand;
