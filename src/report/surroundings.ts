/** What stands around a network, a transformation, a CRF or other scales, beside the network alone. */

import { plainNetwork, whiteBox } from "./blocks.ts";
import type { Cell, ReportData } from "./report.ts";

/** Sections of a report, with the field of a unit's surroundings that each is about. */
export const surroundings = {
  transformations: { title: "Transformations", field: "transform" },
  crf: { title: "CRF", field: "crf" },
  variants: { title: "Scales and other variants", field: "variant" },
} as const;

export type SurroundingsKind = keyof typeof surroundings;

export const surroundingsKinds = Object.keys(surroundings) as readonly SurroundingsKind[];

const hasField = ({ around }: Cell, name: string): boolean =>
  typeof around === "object" &&
  around !== null &&
  !Array.isArray(around) &&
  (around as Readonly<Record<string, unknown>>)[name] !== undefined;

export interface Surrounded {
  readonly cell: Cell;
  /** The network alone under the same attack; undefined where it was not evaluated. */
  readonly alone: Cell | undefined;
}

/** The cells of one kind. */
export const surrounded = (report: ReportData, kind: SurroundingsKind): readonly Surrounded[] => {
  const cells = whiteBox(report);
  const keyOf = ({ model, attack, norm, epsilon }: Cell, seed: number | null): string =>
    JSON.stringify([model, attack, norm, epsilon, seed]);
  // What is not random runs with one seed alone, which stands beside all seeds of what is.
  const alone = new Map(
    cells.filter(plainNetwork).flatMap((cell) => [null, cell.seed].map((seed) => [keyOf(cell, seed), cell] as const)),
  );
  return cells
    .filter((cell) => hasField(cell, surroundings[kind].field))
    .map((cell) => ({ cell, alone: alone.get(keyOf(cell, cell.seed)) ?? alone.get(keyOf(cell, null)) }));
};

/** Half of the 95 % interval is 1.96 standard errors; ±2σ as in the figures of Arnab, Miksik and Torr. Null without an interval. */
export const twoSigmaOf = ({ interval }: Pick<Cell["iouRatio"], "interval">): number | null =>
  interval === null ? null : (2 * (interval.high - interval.low)) / 3.92;
