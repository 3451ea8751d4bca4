/** Einsum: parsing of its equation, and shape inference. */

import { OnnxError, describe, stringOf, type Node } from "../graph.ts";
import { required, sharedType, type Infer, type Value } from "../value.ts";

/** An equation without ellipses: it has a letter for each axis of each operand and of the output. */
interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
  /** The size of each letter's axis over all operands; an operand in which it has size 1 is broadcast. */
  readonly sizes: ReadonlyMap<string, number>;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** `count` letters that do not occur in `taken`. */
export const freshLetters = (node: Node, taken: string, count: number): string => {
  const free = ALPHABET.split("").filter((letter) => !taken.includes(letter));
  if (free.length < count) throw new OnnxError("its equation leaves no letters for its axes", describe(node));
  return free.slice(0, count).join("");
};

/** The output of an equation without "->": the ellipsis, then the letters that occur once, in alphabetical order. */
const implicitOutput = (terms: readonly string[]): string => {
  const all = terms.join("").replaceAll(".", "").split("");
  const once = all.filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter));
  return [terms.some((t) => t.includes("...")) ? "..." : "", ...once.toSorted()].join("");
};

/** @throws OnnxError for an equation that is malformed or does not fit the inputs. */
export const equationOf = (node: Node, inputs: readonly (Value | null)[]): Equation => {
  const text = stringOf(node, "equation", "").replaceAll(/\s/g, "");
  const fault = (reason: string): OnnxError => new OnnxError(`equation "${text}" ${reason}`, describe(node));
  const [left = "", right, ...rest] = text.split("->");
  const raw = left.split(",");
  const wellFormed = /^[a-zA-Z]*(?:\.\.\.)?[a-zA-Z]*$/;
  if (rest.length > 0 || ![...raw, right ?? ""].every((term) => wellFormed.test(term))) throw fault("is malformed");
  if (raw.length !== inputs.length) throw fault(`has ${raw.length} terms for ${inputs.length} inputs`);
  const values = raw.map((_, i) => required(node, inputs, i));
  const hidden = Math.max(
    0,
    ...raw.map((term, i) => (term.includes(".") ? values[i]!.shape.length - (term.length - 3) : 0)),
  );
  const ellipsis = freshLetters(node, text, hidden);
  const spelled = (term: string, rank: number) => {
    const own = rank - (term.length - 3);
    return term.replace("...", ellipsis.slice(own < 0 ? hidden : hidden - own));
  };
  const terms = raw.map((term, i) => spelled(term, values[i]!.shape.length));
  const output = (right ?? implicitOutput(raw)).replace("...", ellipsis);
  const sizes = sizesOf(terms, values, fault);
  const strange = output.split("").find((letter, i) => !sizes.has(letter) || output.indexOf(letter) !== i);
  if (strange !== undefined) throw fault(`has "${strange}" in its output, which is repeated there or in no input`);
  return { terms, output, sizes };
};

const sizesOf = (
  terms: readonly string[],
  values: readonly Value[],
  fault: (reason: string) => OnnxError,
): Map<string, number> => {
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const { shape } = values[i]!;
    if (term.length !== shape.length) throw fault(`does not fit input ${i} of shape [${shape.join(", ")}]`);
    for (const [axis, letter] of term.split("").entries()) {
      const [known, size] = [sizes.get(letter) ?? 1, shape[axis]!];
      if (known !== size && known !== 1 && size !== 1) throw fault(`has sizes ${known} and ${size} for "${letter}"`);
      sizes.set(letter, Math.max(known, size));
    }
  }
  return sizes;
};

export const Einsum: Infer = (node, inputs) => {
  const { output, sizes } = equationOf(node, inputs);
  const dtype = sharedType(
    node,
    inputs.map((_, i) => required(node, inputs, i)),
  );
  return [{ dtype, shape: output.split("").map((letter) => sizes.get(letter)!) }];
};
