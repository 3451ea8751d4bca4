/** Attacks that end where they no longer progress. */

import type { Rule, State } from "./attack.ts";

type Waiting<S extends State> = {
  readonly inner: S;
  /** The largest value so far. */
  readonly best: number;
  /** Evaluations since then. */
  readonly since: number;
};

/** The rule, ended after `patience` evaluations in a row that did not exceed the largest value before them; 0: never. */
export const patient = <S extends State>(rule: Rule<S>, patience: number): Rule<S> | Rule<Waiting<S>> => {
  if (patience === 0) return rule;
  const waiting: Rule<Waiting<S>> = {
    kind: `patient ${rule.kind}`,
    parameters: { ...rule.parameters, patience },
    needs: rule.needs,
    judged: rule.judged,
    lastStage: rule.lastStage,
    begin: (clean, constraint, random) => {
      const { state, ...first } = rule.begin(clean, constraint, random);
      return { ...first, state: { inner: state, best: -Infinity, since: 0 } };
    },
    next: ({ inner, best, since }, seen, x, around) => {
      const { state, ...stepped } = rule.next(inner, seen, x, around);
      const waited = seen.value > best ? 0 : since + 1;
      return {
        ...stepped,
        state: { inner: state, best: Math.max(best, seen.value), since: waited },
        done: stepped.done === true || waited >= patience,
      };
    },
    result: ({ inner }, x) => rule.result?.(inner, x) ?? x,
  };
  return waiting;
};
