/**
 * What the README says of each attack. The list moves to src/attacks/catalogue.ts; the only import to change then is the one
 * in page.ts.
 */

import type { AttackName } from "../../src/attacks/catalogue.ts";

/** A row of the README's table. */
export interface AttackEntry {
  readonly name: string;
  readonly title: string;
  readonly knowledge: "white-box" | "transfer" | "gradient-free";
  readonly type: "fixed-budget" | "minimum-norm";
  readonly distance: "linf" | "l2" | "l1" | "l0";
  readonly paper: { readonly title: string; readonly arxiv: string };
}

const paper = (title: string, arxiv: string) => ({ title, arxiv });
const explaining = paper("Goodfellow, Shlens and Szegedy, ICLR 2015", "1412.6572");
const atScale = paper("Kurakin, Goodfellow and Bengio, ICLR 2017", "1611.01236");
const physical = paper("Kurakin, Goodfellow and Bengio, ICLR 2017 workshop", "1607.02533");
const resistant = paper("Madry et al., ICLR 2018", "1706.06083");

const linfBall = { knowledge: "white-box", type: "fixed-budget", distance: "linf" } as const;

const byName = {
  fgsm: { title: "FGSM", ...linfBall, paper: explaining },
  "fgsm-ii": { title: "FGSM II (least-likely class)", ...linfBall, paper: atScale },
  ifgsm: { title: "Iterative FGSM", ...linfBall, paper: physical },
  "ifgsm-ii": { title: "Iterative FGSM II (least-likely class)", ...linfBall, paper: physical },
  pgd: { title: "PGD (random start)", ...linfBall, paper: resistant },
} satisfies Readonly<Record<AttackName, Omit<AttackEntry, "name">>>;

export const attackEntries: readonly AttackEntry[] = Object.entries(byName).map(([name, entry]) => ({
  name,
  ...entry,
}));
