/** Attacks that look for the smallest perturbation that moves enough pixels. */

import type { AttackEntry } from "../entry.ts";

export const minimumNormAttacks = {} as const satisfies Readonly<Record<string, AttackEntry>>;
