/** Two charts: changed pixels by step, and the IoU ratio by ε. */

import type { StepReport } from "../evaluation/steps.ts";
import { byId, svg } from "./elements.ts";
import { percent } from "./words.ts";
import { counted } from "../counted.ts";

const [LEFT, RIGHT, TOP, BOTTOM] = [26, 316, 8, 120] as const;

const yOf = (share: number): number => BOTTOM - (BOTTOM - TOP) * Math.min(1, share);

/** Lines at 0, ½ and 1 with their numbers. @param format of the numbers. */
const grid = (format: (share: number) => string): SVGElement[] =>
  [0, 0.5, 1].flatMap((share) => [
    svg("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: yOf(share), y2: yOf(share) }),
    svg("text", { x: LEFT - 5, y: yOf(share) + 4, "text-anchor": "end" }, format(share)),
  ]);

const pathOf = (points: readonly (readonly [x: number, y: number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");

/** Draws the share of changed pixels after each step, starting with 0. @param marked the step that has the dot. */
export const showSteps = (reports: readonly StepReport[], marked: number): void => {
  const chart = byId("curve", SVGElement);
  const steps = Math.max(1, reports[0]?.steps ?? 1);
  const points = [{ step: 0, changedPixelShare: 0 }, ...reports].map(
    ({ step, changedPixelShare }) => [LEFT + ((RIGHT - LEFT) * step) / steps, yOf(changedPixelShare)] as const,
  );
  const [x, y] = points[Math.min(marked, points.length - 1)]!;
  chart.replaceChildren(
    ...grid((share) => `${100 * share}`),
    svg("text", { x: LEFT, y: BOTTOM + 15 }, "0"),
    svg("text", { x: RIGHT, y: BOTTOM + 15, "text-anchor": "end" }, counted(steps, "step")),
    svg("path", { class: "line", d: pathOf(points) }),
    svg("circle", { class: "dot", cx: x, cy: y, r: 4 }),
  );
  const shares = reports.map(({ changedPixelShare }) => percent(changedPixelShare)).join(", ");
  chart.ariaLabel = `Share of the pixels with another label after each step: ${shares}`;
};

/** The IoU ratios of one network and attack, as far as they are computed. */
export interface EpsilonCurve {
  readonly name: string;
  readonly points: readonly { readonly epsilon: number; readonly ratio: number | null }[];
}

/** Draws a line for each curve, with a sign of its own beside the colour. */
export const showCurves = (epsilons: readonly number[], curves: readonly EpsilonCurve[]): void => {
  const chart = byId("epsilon-curve", SVGElement);
  const xOf = (epsilon: number) =>
    LEFT + 12 + ((RIGHT - LEFT - 24) * epsilons.indexOf(epsilon)) / (epsilons.length - 1);
  const drawn = curves.flatMap(({ points }, index) => {
    const known = points.flatMap(({ epsilon, ratio }) => (ratio === null ? [] : [[xOf(epsilon), yOf(ratio)] as const]));
    const marks = known.map(([x, y]) =>
      index % 2 === 0
        ? svg("circle", { class: `dot c${index % 4}`, cx: x, cy: y, r: 4 })
        : svg("rect", { class: `dot c${index % 4}`, x: x - 3.5, y: y - 3.5, width: 7, height: 7 }),
    );
    return [svg("path", { class: `line c${index % 4}`, d: pathOf(known) }), ...marks];
  });
  chart.replaceChildren(
    ...grid(String),
    ...epsilons.map((epsilon) =>
      svg(
        "text",
        { x: xOf(epsilon), y: BOTTOM + 15, "text-anchor": "middle" },
        epsilon < 1 ? `1/${1 / epsilon}` : `${epsilon}`,
      ),
    ),
    ...drawn,
  );
  const told = curves.map(({ name, points }) => {
    const values = points.map(
      ({ epsilon, ratio }) => `${ratio === null ? "undefined" : ratio.toFixed(2)} at ${epsilon}`,
    );
    return `${name}: ${values.join(", ")}`;
  });
  chart.ariaLabel = `IoU ratio by ε. ${told.join(". ")}`;
};
