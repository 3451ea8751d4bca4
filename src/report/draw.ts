/** The charts of a report drawn as SVG by whatever renders Vega-Lite: Node and browsers have each their own. */

import { chartsOf } from "./charts.ts";
import type { DrawnChart } from "./html.ts";
import type { ReportData } from "./report.ts";

/** The figure has the chart's name; Vega's own roles of its parts have none. */
export const withoutRoles = (svg: string): string => svg.replaceAll(/ (?:role|aria-roledescription)="[^"]*"/g, "");

/** @param render draws one specification, without roles. */
export const drawnWith = async (
  report: ReportData,
  render: (spec: object) => Promise<string>,
): Promise<DrawnChart[]> => {
  const drawn: DrawnChart[] = [];
  for (const { kind, title, spec } of chartsOf(report)) drawn.push({ kind, title, svg: await render(spec) });
  return drawn;
};
