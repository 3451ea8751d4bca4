/** Einsum: products, transpositions, sums, diagonals; output written or implied; ellipses; broadcasting. */

import { about, node, weights, x, type Case } from "./case.ts";

type Form = readonly [name: string, equation: string, ...shapes: (readonly number[])[]];

const forms: readonly Form[] = [
  ["a product of matrices", "ij,jk->ik", [2, 3], [3, 4]],
  ["a product, its output implied", "ij,jk", [2, 3], [3, 4]],
  ["an implied output in alphabetical order", "ba,ad", [2, 3], [3, 4]],
  ["spaces", "a b, b c -> a c", [2, 3], [3, 4]],
  ["a transposition", "ij->ji", [2, 3]],
  ["a sum over one letter", "ij->i", [2, 3]],
  ["a sum over all", "ij->", [2, 3]],
  ["a letter that only one operand has", "ij,kj->k", [2, 3], [4, 3]],
  ["two letters that only one operand has", "iaj,j->i", [2, 3, 4], [4]],
  ["a diagonal", "ii->i", [3, 3]],
  ["a trace", "ii->", [3, 3]],
  ["a trace, implied", "ii", [3, 3]],
  ["diagonals of a stack, in a product", "iij,jk->ik", [2, 2, 3], [3, 2]],
  ["a diagonal of three axes", "iii->i", [2, 2, 2]],
  ["an inner product", "i,i", [4], [4]],
  ["an outer product", "i,j->ij", [2], [3]],
  ["an outer product, the output shuffled", "ab,cd->cabd", [2, 3], [3, 2]],
  ["elementwise", "ij,ij->ij", [2, 3], [2, 3]],
  ["three operands", "ij,jk,kl->il", [2, 3], [3, 4], [4, 2]],
  ["a bilinear form", "bi,ijk,bj->bk", [2, 3], [3, 2, 2], [2, 2]],
  ["stacks under an ellipsis", "...ij,...jk->...ik", [2, 2, 3], [2, 3, 2]],
  ["an ellipsis in one operand", "...j,jk->...k", [2, 2, 3], [3, 4]],
  ["an ellipsis, its output implied", "...ij,jk", [2, 2, 3], [3, 2]],
  ["an ellipsis that is broadcast", "...ij,...jk->...ik", [2, 2, 3], [1, 3, 2]],
  ["an ellipsis summed over by its absence in an operand", "i...,i->...", [3, 2, 2], [3]],
  ["an ellipsis moved to the end", "i...,i->...i", [3, 2, 2], [3]],
  ["an ellipsis over no axis", "...ij,jk->...ik", [2, 3], [3, 2]],
  ["a broadcast letter", "ij,ij->ij", [2, 3], [2, 1]],
  ["a broadcast letter that is summed over", "ij,ij->i", [2, 3], [1, 3]],
  ["attention scores with relative positions", "bhwc,hkc->bhwk", [1, 2, 3, 4], [2, 3, 4]],
  ["a scalar", ",ij->ij", [], [2, 3]],
  ["upper case beside lower case", "bA,Ac->bc", [2, 3], [3, 2]],
];

export const einsumCases: readonly Case[] = [
  ...forms.map(([name, equation, ...shapes]) =>
    node(
      "Einsum",
      name,
      shapes.map((shape, i) => x(shape, "normal", `x${i}`)),
      { equation },
    ),
  ),
  node(
    "Einsum",
    "a broadcast letter beside one that only this operand has",
    [x([3, 1]), x([4], "normal", "k")],
    { equation: "ij,j->j" },
    { undeclared: "its shape inference takes a letter's size from the operand that has it first" },
  ),
  about("Einsum", "the same operand twice", [x([2, 3])], (op, v) => op.Einsum(v, v, { equation: "ij,kj->ik" })),
  about("Einsum", "a constant operand", [x([2, 3])], (op, v) =>
    op.Einsum(v, weights(op, [4, 3]), { equation: "ij,kj->ki" }),
  ),
];
