/** Gradient rules with a fault planted in one pullback, for tests that replace the registry of rules. */

import type { Vjp, VjpRule } from "../../../src/autodiff/rule.ts";

/** Which pullback is scaled, by what; and all that were used, as `Operator index`. */
export const planted = { key: "", factor: 1, used: new Set<string>() };

const watched =
  (key: string, pullback: Vjp): Vjp =>
  (dy, context, ...x) => {
    planted.used.add(key);
    const dx = pullback(dy, context, ...x);
    return key === planted.key ? context.op.Mul(dx, context.op.constant(planted.factor, dx.dtype)) : dx;
  };

/** The registry, every pullback of it under watch. */
export const watchedRules = (genuine: Readonly<Record<string, VjpRule>>): Record<string, VjpRule> =>
  Object.fromEntries(
    Object.entries(genuine).map(([operator, rule]) => [
      operator,
      typeof rule === "function"
        ? (index: number) => watched(`${operator} ${index}`, rule(index))
        : rule.map((pullback, index) => pullback && watched(`${operator} ${index}`, pullback)),
    ]),
  );
