/** The bound rules: that of an operator is exported under the operator's name, in the file of its family. */

import * as affine from "./affine.ts";
import * as kinked from "./kinked.ts";
import * as moving from "./moving.ts";
import * as pool from "./pool.ts";
import type { BoundRule } from "./rule.ts";
import * as smooth from "./smooth.ts";
import * as unpool from "./unpool.ts";

export const boundRules: Readonly<Record<string, BoundRule>> = {
  ...affine,
  ...kinked,
  ...moving,
  ...pool,
  ...smooth,
  ...unpool,
};
