/** Draws charts to SVG without a browser, by Vega. */

import { chartsOf } from "../report/charts.ts";
import type { DrawnChart } from "../report/html.ts";
import type { ReportData } from "../report/report.ts";
import { Refusal } from "./failure.ts";

const load = async () => {
  try {
    return { vega: await import("vega"), lite: await import("vega-lite") };
  } catch (cause) {
    throw new Refusal(
      "charts need the optional packages vega and vega-lite; install them, or name a .md or .json file",
      {
        cause,
      },
    );
  }
};

/** @throws Refusal where the packages are not installed. */
export const drawCharts = async (report: ReportData): Promise<DrawnChart[]> => {
  const charts = chartsOf(report);
  if (charts.length === 0) return [];
  const { vega, lite } = await load();
  const drawn: DrawnChart[] = [];
  for (const { kind, title, spec } of charts) {
    const compiled = lite.compile(spec as never).spec;
    const view = new vega.View(vega.parse(compiled), { renderer: "none" });
    // The figure has the chart's name; Vega's own roles of its parts have none.
    const svg = (await view.toSVG()).replaceAll(/ (?:role|aria-roledescription)="[^"]*"/g, "");
    drawn.push({ kind, title, svg });
    view.finalize();
  }
  return drawn;
};

/** As `drawCharts`; none where the packages are not installed. */
export const drawnIfPossible = async (report: ReportData): Promise<readonly DrawnChart[]> => {
  try {
    return await drawCharts(report);
  } catch (cause) {
    if (cause instanceof Refusal) return [];
    throw cause;
  }
};
