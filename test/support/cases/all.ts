/** The table: all the cases. */

import { activationCases } from "./activation.ts";
import type { Case } from "./case.ts";
import { convCases } from "./conv.ts";
import { einsumCases } from "./einsum.ts";
import { elementwiseCases } from "./elementwise.ts";
import { normalizationCases } from "./normalization.ts";
import { gridSampleCases } from "./grid-sample.ts";
import { poolCases } from "./pool.ts";
import { quantizeCases } from "./quantize.ts";
import { reduceCases } from "./reduce.ts";
import { resizeCases } from "./resize.ts";
import { shapeCases } from "./shape.ts";

/** Every case, of every operator. */
export const cases: readonly Case[] = [
  ...elementwiseCases,
  ...activationCases,
  ...normalizationCases,
  ...convCases,
  ...poolCases,
  ...resizeCases,
  ...shapeCases,
  ...reduceCases,
  ...quantizeCases,
  ...einsumCases,
  ...gridSampleCases,
];

/** How a test names a case. */
export const titleOf = (c: Case): string => `${c.operator}: ${c.name}`;
