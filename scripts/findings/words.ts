/** Figures and tables in Markdown. */

import { percent } from "../../src/report/format.ts";
import { verdictOf, type Test } from "./claims/claim.ts";
import type { Choice, Evidence, Figure } from "./evidence.ts";
import { mean } from "./statistics.ts";

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** In points of 0 to 100 or, for correlations, as they are. */
export const shown = ({ value, interval }: Figure, digits = 3): string => {
  const text = (x: number): string => x.toFixed(digits).replace("-", "−");
  return `${text(value)}${interval ? ` [${text(interval.low)}, ${text(interval.high)}]` : ""}`;
};

export const ratioFigure = (evidence: Evidence, choices: readonly Choice[]): Figure =>
  evidence.figure(choices, (scores) => mean(scores.map(({ ratio }) => ratio)));

export const ratio = (evidence: Evidence, choice: Choice): string => percent(ratioFigure(evidence, [choice]).value);

const sign = { above: ">", below: "<" } as const;

export const testText = (test: Test): string =>
  `${test.what}: **${shown(test.figure)}**, for the claim ${sign[test.side]} ${String(test.bound).replace("-", "−")} (${verdictOf(test)}; ${test.figure.images} images)`;
