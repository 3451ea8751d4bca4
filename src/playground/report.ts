/** The elements that show the scores, the classes and the curve of an attack. */

import { classShares } from "../evaluation/labels.ts";
import type { StepReport } from "../evaluation/steps.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import type { Attacked, Opened } from "./messages.ts";
import { counted, percent, seconds, short } from "./words.ts";

const element = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

/** A formatted number, with its machine-readable value. */
const datum = (value: number | null, shown: string): HTMLDataElement =>
  element("data", { value: value === null ? "" : String(value) }, shown);

const number = (name: string, id: string, value: number | null, shown: string, unit = ""): HTMLDivElement => {
  const description = element("dd", { id }, datum(value, shown));
  if (unit !== "") description.append(" ", element("small", {}, unit));
  return element("div", {}, element("dt", {}, name), description);
};

export const showProgress = (list: HTMLElement, { step, steps, loss, changedPixelShare }: StepReport): void =>
  list.replaceChildren(
    number("Step", "step", step, String(step), `of ${steps}`),
    number("Labels changed", "changed-share", changedPixelShare, percent(changedPixelShare)),
    number("Loss", "loss", loss, loss.toFixed(2)),
  );

export const showNumbers = (list: HTMLElement, attacked: Attacked): void => {
  const { scores, perturbation, changedPixelShare, milliseconds } = attacked;
  const { linf, l2, l0, psnr, ssim } = perturbation;
  const pixels = attacked.labels.data.length;
  list.replaceChildren(
    number("IoU ratio", "iou-ratio", scores.iouRatio, scores.iouRatio?.toFixed(3) ?? "–"),
    number("Labels changed", "changed-share", changedPixelShare, percent(changedPixelShare)),
    number("L∞", "linf", linf, short(linf), "of 255"),
    number("L2", "l2", l2, l2.toFixed(0)),
    number("Pixels touched", "l0", l0, percent(l0 / pixels)),
    number("PSNR", "psnr", psnr, psnr === null ? "∞" : psnr.toFixed(1), "dB"),
    number("SSIM", "ssim", ssim, ssim === null ? "–" : ssim.toFixed(3)),
    number("Time", "took", milliseconds, seconds(milliseconds), "s"),
  );
};

/** A share in 0..1 as a bar with its number. */
const bar = (value: number): HTMLElement => {
  const filled = element("div", { className: "bar", ariaHidden: "true" }, element("i"));
  filled.style.setProperty("--share", String(value));
  return element("div", { className: "iou" }, filled, element("span", {}, datum(value, value.toFixed(2))));
};

/** Shows every class with its colour, the shares of pixels before and after the attack, and its IoU. */
export const showLegend = (
  body: HTMLElement,
  classes: Opened["classes"],
  before: Labels | null,
  after: Labels | null,
  scores?: Attacked["scores"],
): void => {
  const shares = [before, after].map((labels) => labels && classShares(labels, classes.length));
  const rows = classes.map(({ name, color }, index) => {
    const chip = element("span", { className: "chip", ariaHidden: "true" });
    chip.style.background = `rgb(${color.join(" ")})`;
    const cells = shares.map((all) => {
      const share = all?.[index];
      return share === undefined ? "" : share === 0 ? "–" : percent(share);
    });
    const iou = scores?.perClass[index]?.adversarial ?? null;
    const row = element(
      "tr",
      { className: shares.every((all) => (all?.[index] ?? 0) === 0) && before ? "absent" : "" },
      element("th", { scope: "row" }, chip, name),
      ...cells.map((shown) => element("td", {}, shown)),
      element("td", {}, iou === null ? "" : bar(iou)),
    );
    return row;
  });
  body.replaceChildren(...rows);
};

const svg = (name: string, attributes: Readonly<Record<string, string | number>>, text = ""): SVGElement => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
};

/** Draws the share of changed pixels after each step, starting with 0. */
export const showCurve = (canvas: Element, reports: readonly StepReport[]): void => {
  const steps = Math.max(1, reports[0]?.steps ?? 1);
  const [left, right, top, bottom] = [30, 396, 8, 100] as const;
  const x = (step: number) => left + ((right - left) * step) / steps;
  const y = (share: number) => bottom - (bottom - top) * share;
  const points = [{ step: 0, changedPixelShare: 0 }, ...reports];
  const path = points.map(
    ({ step, changedPixelShare }, i) => `${i === 0 ? "M" : "L"}${x(step)} ${y(changedPixelShare)}`,
  );
  const last = points.at(-1)!;
  const label = (at: number, share: number, text: string) =>
    svg("text", { x: at, y: y(share) + 4, "text-anchor": "end" }, text);
  canvas.replaceChildren(
    ...[0, 0.5, 1].map((share) => svg("line", { class: "grid", x1: left, x2: right, y1: y(share), y2: y(share) })),
    ...[0, 0.5, 1].map((share) => label(left - 5, share, `${100 * share}`)),
    svg("text", { x: left, y: bottom + 15 }, "0"),
    svg("text", { x: right, y: bottom + 15, "text-anchor": "end" }, counted(steps, "step")),
    svg("path", { class: "line", d: path.join("") }),
    svg("circle", { class: "dot", cx: x(last.step), cy: y(last.changedPixelShare), r: 4 }),
  );
  const shares = reports.map(({ changedPixelShare }) => percent(changedPixelShare)).join(", ");
  canvas.setAttribute("aria-label", `Share of the pixels with another label after each step: ${shares}`);
};
