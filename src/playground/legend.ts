/** The table of the classes: their colours, their shares before and after, their IoU, and which of them are shown. */

import { classShares } from "../evaluation/labels.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { element, make } from "./elements.ts";
import type { Attacked, Opened } from "./messages.ts";
import { percent } from "./words.ts";

interface Row {
  readonly row: HTMLTableRowElement;
  readonly before: HTMLElement;
  readonly after: HTMLElement;
  readonly iou: HTMLElement;
}

/** From so many classes on, those that no pixel has are left out. */
const MANY = 24;

let rows: readonly Row[] = [];
const hidden = new Set<number>();

/** A share in 0..1 as a bar with its number. */
const bar = (value: number): HTMLElement => {
  const filled = make("div", { className: "bar", ariaHidden: "true" }, make("i"));
  filled.style.setProperty("--share", String(value));
  return make("div", { className: "iou" }, filled, make("data", { value: String(value) }, value.toFixed(2)));
};

const shareWords = (share: number | undefined): string =>
  share === undefined ? "" : share === 0 ? "–" : percent(share);

/** Makes a row for each class; all of them are shown. @param toggled is told which classes are hidden. */
export const listClasses = (classes: Opened["classes"], toggled: (hidden: ReadonlySet<number>) => void): void => {
  hidden.clear();
  toggled(hidden);
  rows = classes.map(({ name, color }, index) => {
    const chip = make("span", { className: "chip", ariaHidden: "true" });
    chip.style.background = `rgb(${color.join(" ")})`;
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(index);
      else hidden.add(index);
      toggled(new Set(hidden));
    });
    const cells = { before: make("td"), after: make("td"), iou: make("td") };
    const head = make("th", { scope: "row" }, make("label", {}, box, chip, name));
    return { ...cells, row: make("tr", {}, head, cells.before, cells.after, cells.iou) };
  });
  element("classes").hidden = false;
  element("legend").replaceChildren(...rows.map(({ row }) => row));
};

/** Fills in the shares of pixels and, where an attack was scored, the IoU after it. */
export const showShares = (before: Labels | null, after: Labels | null, scores: Attacked["scores"] | null): void => {
  const shares = [before, after].map((labels) => labels && classShares(labels, rows.length));
  const counts = rows.map((_, index) => shares.map((all) => all?.[index]));
  rows.forEach((cells, index) => {
    const [first, second] = counts[index]!;
    const absent = before !== null && !first && !second;
    cells.row.className = absent ? "absent" : "";
    cells.row.hidden = absent && rows.length > MANY;
    cells.before.textContent = shareWords(first);
    cells.after.textContent = shareWords(second);
    const iou = scores?.perClass[index]?.adversarial ?? null;
    cells.iou.replaceChildren(...(iou === null ? [] : [bar(iou)]));
  });
  const left = rows.filter(({ row }) => row.hidden).length;
  element("legend-rest").textContent = left === 0 ? "" : `${left} of the ${rows.length} classes are in neither map.`;
};
