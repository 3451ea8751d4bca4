/** How a figure that is flagged is written: never without what does better. */

import { bestOf, type Better, type Figure } from "../evaluation/orders.ts";
import { epsilonText, percent, percentWithin } from "./format.ts";
import { at, text, type Block } from "./blocks.ts";
import type { Cell } from "./report.ts";

/** A cell as what its flags are found from. */
export const figureOf = (cell: Cell & { readonly epsilon: number }): Figure => ({
  attack: cell.attack,
  epsilon: cell.epsilon,
  iouRatio: cell.iouRatio.value,
  source: cell.source,
  gradients: cell.evaluations.backward / Math.max(cell.images, 1),
  options: cell.options as Figure["options"],
});

/** "square leaves 31.2": what a flagged figure is given with. */
const betterText = ({ attack, epsilon, source, iouRatio }: Better, at: number | null): string =>
  `${attack}${epsilon === at ? "" : ` at ε = ${epsilonText(epsilon)}`}${source === null ? "" : ` made on ${source}`} leaves ${percent(iouRatio)}`;

/** What stands behind a figure at a radius, where something does better; nothing where nothing does. */
export const noBoundText = (better: Better | null, at: number | null): string =>
  better ? ` (no bound: ${betterText(better, at)})` : "";

/** What stands behind a figure that is flagged; nothing where it is not. */
export const flagText = ({ flags, epsilon }: Pick<Cell, "flags" | "epsilon">): string =>
  noBoundText(bestOf(flags), epsilon);

/** The IoU ratio of a cell in percent, with its interval, and with what does better. */
export const ratioText = (cell: Pick<Cell, "flags" | "epsilon" | "iouRatio">): string =>
  percentWithin(cell.iouRatio) + flagText(cell);

/** Which attacks of what a chart shows are flagged; nothing where none is. */
export const noBounds = (cells: readonly Cell[]): readonly Block[] => {
  const names = cells.filter(({ flags }) => flags.length > 0).map((cell) => `${cell.network} under ${at(cell)}`);
  return names.length === 0 ? [] : [text(`No bound, as other attacks do more: ${names.join("; ")}.`)];
};
