/** What sections of a report consist of. */

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

export const at = ({ attack, epsilon }: { readonly attack: string; readonly epsilon: number | null }): string =>
  epsilon === null ? attack : `${attack} at ε = ${epsilon}`;

/** Attacks that climb the network that is scored. */
export const whiteBox = (report: ReportData): readonly Cell[] =>
  report.cells.filter(({ attack, source }) => attack !== "clean" && source === null);

export const plainNetwork = ({ around }: Cell): boolean => around === null;
