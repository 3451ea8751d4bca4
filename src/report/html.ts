/** A report as one HTML page: nothing is fetched, no script runs, and all text that comes from rows is escaped. */

import type { ChartKind } from "./charts.ts";
import type { ReportData } from "./report.ts";
import { style } from "./html-style.ts";
import { sectionsOf, type Block, type Section, type TableCell } from "./sections.ts";

export interface DrawnChart {
  readonly kind: ChartKind;
  readonly title: string;
  readonly svg: string;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
export const escapedHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => escapes[c]!);

const cellHtml = ({ text, mark, shade }: TableCell, column: number): string => {
  const words = escapedHtml(text);
  const marked = mark === "bold" ? `<strong>${words}</strong>` : mark === "underlined" ? `<u>${words}</u>` : words;
  if (column === 0) return `<th scope="row">${marked}</th>`;
  return shade === undefined
    ? `<td>${marked}</td>`
    : `<td class="heat" style="--heat:${shade.toFixed(2)}">${marked}</td>`;
};

const tableHtml = ({ head, rows, caption }: Extract<Block, { kind: "table" }>, id: string): string => {
  const top = head.map((text) => `<th scope="col">${escapedHtml(text)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map(cellHtml).join("")}</tr>`).join("\n");
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}"><table><caption id="${id}">${escapedHtml(caption)}</caption>
<thead><tr>${top}</tr></thead>
<tbody>
${body}
</tbody></table></div>`;
};

const chartsHtml = (kind: ChartKind, charts: readonly DrawnChart[]): string => {
  const own = charts.filter((chart) => chart.kind === kind);
  if (own.length === 0) return "";
  const figures = own.map(
    ({ title, svg }) =>
      `<figure><div role="img" aria-label="${escapedHtml(title)}">${svg}</div><figcaption>${escapedHtml(title)}</figcaption></figure>`,
  );
  return `<div class="charts">${figures.join("\n")}</div>`;
};

const blockHtml = (block: Block, id: string, charts: readonly DrawnChart[]): string => {
  switch (block.kind) {
    case "text":
      return `<p>${escapedHtml(block.text)}</p>`;
    case "list":
      return `<ul>${block.items.map((item) => `<li>${escapedHtml(item)}</li>`).join("")}</ul>`;
    case "code":
      return `<pre tabindex="0"><code>${escapedHtml(block.text)}</code></pre>`;
    case "table":
      return tableHtml(block, id);
    case "chart":
      return chartsHtml(block.chart, charts);
  }
};

const sectionHtml = ({ id, title, blocks }: Section, charts: readonly DrawnChart[]): string =>
  `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapedHtml(title)}</h2>
${blocks.map((block, i) => blockHtml(block, `${id}-${i}`, charts)).join("\n")}
</section>`;

/** @param charts as SVG, which the page takes as they are. */
export const htmlReport = (report: ReportData, charts: readonly DrawnChart[]): string => {
  const sections = sectionsOf(report);
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${escapedHtml(title)}</a></li>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapedHtml(report.title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escapedHtml(report.title)}</h1>
<p>${report.networks.length === 1 ? "One network" : `${report.networks.length} networks`}, ${report.images} images, ${report.rows} rows</p></header>
<nav aria-label="Sections"><ul>${links}</ul></nav>
<main>
${sections.map((section) => sectionHtml(section, charts)).join("\n")}
</main>
</body>
</html>
`;
};
