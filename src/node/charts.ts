/** Draws charts to SVG without a browser, by Vega. */

import { drawnWith, withoutRoles } from "../report/draw.ts";
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

/** A Vega-Lite specification as SVG. @throws Refusal where the packages are not installed. */
export const svgOf = async (spec: object): Promise<string> => {
  const { vega, lite } = await load();
  const view = new vega.View(vega.parse(lite.compile(spec as never).spec), { renderer: "none" });
  const svg = withoutRoles(await view.toSVG());
  view.finalize();
  return svg;
};

/** @throws Refusal where the packages are not installed. */
export const drawCharts = (report: ReportData): Promise<DrawnChart[]> => drawnWith(report, svgOf);

/** As `drawCharts`; none where the packages are not installed. */
export const drawnIfPossible = async (report: ReportData): Promise<readonly DrawnChart[]> => {
  try {
    return await drawCharts(report);
  } catch (cause) {
    if (cause instanceof Refusal) return [];
    throw cause;
  }
};
