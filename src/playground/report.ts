/** A report on what was run on the picture on show, by the renderer of `faultline report`. Loaded when it is asked for: Vega is large. */

import { expressionInterpreter } from "vega-interpreter";
import { compile } from "vega-lite";
import * as vega from "vega";
import { drawnWith, withoutRoles } from "../report/draw.ts";
import type { ShownExample } from "../report/examples.ts";
import { htmlReport } from "../report/html.ts";
import { buildReport } from "../report/report.ts";
import { createStore } from "../report/store.ts";
import { namedWith } from "./around.ts";
import { canvasOf, type LayerName } from "./layers.ts";
import { factsNow, rowsNow } from "./rows.ts";
import type { Taken } from "./same-run.ts";
import { attackWords, percent } from "./words.ts";

/** The page's policy forbids `eval`: expressions are interpreted. */
const svgOf = async (spec: object): Promise<string> => {
  const parsed = vega.parse(compile(spec as never).spec, undefined, { ast: true });
  const view = new vega.View(parsed, { renderer: "none", expr: expressionInterpreter });
  const svg = withoutRoles(await view.toSVG());
  view.finalize();
  return svg;
};

/** Which sides of which layers are in the report. */
const shownSides: readonly (readonly [title: string, layer: LayerName, side: "before" | "after"])[] = [
  ["clean", "picture", "before"],
  ["adversarial", "picture", "after"],
  ["perturbation, amplified", "perturbation", "after"],
  ["your labels", "truth", "before"],
  ["labels before", "labels", "before"],
  ["labels after", "labels", "after"],
  ["labels that changed", "changed", "after"],
];

const exampleOf = ({ shown, plan, network, around, attacked }: Taken): ShownExample => ({
  caption: `${namedWith(network.name, around)}, ${attackWords(plan)}, on ${shown.name}: ${percent(attacked.changedPixelShare)} of the pixels have another label after`,
  pictures: shownSides.flatMap(([title, layer, side]) => {
    const canvas = canvasOf(shown, layer, side);
    return canvas ? [{ title, url: canvas.toDataURL("image/png") }] : [];
  }),
});

/** The report as one HTML page. */
export const reportHtml = async (taken: Taken): Promise<string> => {
  const store = createStore();
  for (const row of rowsNow()) store.add(row);
  const report = buildReport(store, { runs: [factsNow()], title: `Robustness on ${taken.shown.name}` });
  return htmlReport(report, await drawnWith(report, svgOf), [exampleOf(taken)], "What is on show in the lab.");
};
