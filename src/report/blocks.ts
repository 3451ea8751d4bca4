/** What sections of a report consist of. */

import { canonicalJson } from "../evaluation/row.ts";
import { norms, normText } from "../attacks/norms.ts";
import type { Cell, ReportData } from "./report.ts";

export interface TableCell {
  readonly text: string;
  /** The most effective of a row, and what stands apart from the others. */
  readonly mark?: "bold" | "underlined" | undefined;
  /** From 0, little, to 1, much: shades the cell of a heat map. */
  readonly shade?: number | undefined;
}

export type Block =
  | { readonly kind: "text"; readonly text: string; readonly tone?: "good" | "bad" | "open" }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | {
      readonly kind: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly TableCell[])[];
      readonly caption: string;
    }
  | { readonly kind: "code"; readonly text: string }
  | {
      readonly kind: "chart";
      readonly chart: "curves" | "scatter" | "transformations" | "crf" | "variants" | "certified";
    };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const plain = (texts: readonly string[]): TableCell[] => texts.map((text) => ({ text }));

export const text = (words: string, tone?: "good" | "bad" | "open"): Block =>
  tone === undefined ? { kind: "text", text: words } : { kind: "text", text: words, tone };

export const table = (caption: string, head: readonly string[], rows: readonly (readonly TableCell[])[]): Block => ({
  kind: "table",
  caption,
  head,
  rows,
});

export const at = ({ label, epsilon }: { readonly label: string; readonly epsilon: number | null }): string =>
  epsilon === null ? label : `${label} at ε = ${epsilon}`;

/** Attacks that climb the network that is scored. */
export const whiteBox = (report: ReportData): readonly Cell[] =>
  report.cells.filter(({ attack, source }) => attack !== "clean" && source === null);

/** Cells by their norms, as radii of different norms do not compare; `inNorm` is " in L2" where there are both, else nothing. */
export const byNorm = (
  cells: readonly Cell[],
): readonly { readonly own: readonly Cell[]; readonly inNorm: string }[] => {
  const all = norms.map((norm) => ({ norm, own: cells.filter((cell) => cell.norm === norm) }));
  const measured = all.filter(({ own }) => own.length > 0);
  return measured.map(({ norm, own }) => ({ own, inNorm: measured.length > 1 ? ` in ${normText(norm)}` : "" }));
};

export interface Strongest {
  readonly cell: Cell;
  /** Attacks that it is the strongest of, in its norm: those of several seeds count once. */
  readonly attacks: number;
  /** " in L2" where the network was attacked in both norms, else nothing. */
  readonly inNorm: string;
}

/** Of each network, in each norm, the white-box attack that leaves least: radii of different norms do not compare. */
export const strongest = (report: ReportData): readonly Strongest[] => {
  const cells = whiteBox(report).filter(({ iouRatio }) => iouRatio.value !== null);
  const names = [...new Set(cells.map(({ network }) => network))];
  return names.flatMap((name) =>
    byNorm(cells.filter(({ network }) => network === name)).map(({ own, inNorm }): Strongest => {
      const [cell] = own.toSorted((a, b) => a.iouRatio.value! - b.iouRatio.value!);
      const kinds = own.map(({ attack, epsilon, options }) => canonicalJson([attack, epsilon, options]));
      return { cell: cell!, attacks: new Set(kinds).size, inNorm };
    }),
  );
};

/** The networks whose scores compare with their own clean predictions, as there are no label maps. */
export const againstThemselves = ({ networks }: ReportData): ReadonlySet<string> =>
  new Set(networks.filter(({ reference }) => reference === "prediction").map(({ name }) => name));

/** What these scores mean; nothing where there are none. */
export const withoutLabels = (report: ReportData): readonly Block[] => {
  const { size } = againstThemselves(report);
  if (size === 0) return [];
  const which = size === report.networks.length ? "The" : "Some of the";
  return [
    text(
      `${which} scores compare with the network's own clean prediction instead of a ground truth: the clean mIoU is 100 % by definition, and how often the network is right is not known.`,
    ),
  ];
};

export const plainNetwork = ({ around }: Cell): boolean => around === null;
