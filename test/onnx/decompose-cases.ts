/** Operators that are decomposed when a model is loaded, each with what it computes on reals. */

import { affine } from "./decompose-cases/affine.ts";
import type { DecomposeCase } from "./decompose-cases/case.ts";
import { convolutions } from "./decompose-cases/conv.ts";
import { dataDependent } from "./decompose-cases/data-dependent.ts";
import { binary, functions } from "./decompose-cases/elementwise.ts";
import { fused } from "./decompose-cases/fused.ts";
import { products } from "./decompose-cases/matmul.ts";
import { pools } from "./decompose-cases/pool.ts";

export const decomposeCases: readonly DecomposeCase[] = [
  ...convolutions,
  ...products,
  ...binary,
  ...pools,
  ...functions,
  ...affine,
  ...fused,
  ...dataDependent,
];
