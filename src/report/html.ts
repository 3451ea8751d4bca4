/** A report as one HTML page: nothing is fetched, no script runs, and all text that comes from rows is escaped. */

import type { ChartKind } from "./charts.ts";
import type { ShownExample } from "./examples.ts";
import type { ReportData } from "./report.ts";
import { style } from "./html-style.ts";
import { type Block, type Section, type TableCell } from "./blocks.ts";
import { sectionsOf } from "./sections.ts";
import { counted } from "../counted.ts";

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
    default:
      return chartsHtml(block.chart, charts);
  }
};

const sectionHtml = ({ id, title, blocks }: Section, charts: readonly DrawnChart[]): string =>
  `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapedHtml(title)}</h2>
${blocks.map((block, i) => blockHtml(block, `${id}-${i}`, charts)).join("\n")}
</section>`;

const exampleHtml = ({ caption, pictures }: ShownExample): string => {
  const figures = pictures.map(
    ({ title, url }) =>
      `<figure class="picture"><img src="${escapedHtml(url)}" alt="${escapedHtml(`${title}; ${caption}`)}"><p>${escapedHtml(title)}</p></figure>`,
  );
  return `<h3>${escapedHtml(caption)}</h3>\n<div class="pictures">${figures.join("\n")}</div>`;
};

/** What the pictures of a report over many images are. */
const TYPICAL =
  "Of each network its most effective attack, on the image that it harms as it typically does, run again. Errors are orange, void is dark.";

const examplesHtml = (examples: readonly ShownExample[], about: string): string =>
  examples.length === 0
    ? ""
    : `<section id="examples" aria-labelledby="examples-title">
<h2 id="examples-title">Examples</h2>
<p>${escapedHtml(about)}</p>
${examples.map(exampleHtml).join("\n")}
</section>`;

/**
 * @param charts as SVG, which the page takes as they are.
 * @param examples pictures, which stand after the verdict.
 * @param about what the pictures are, in a sentence.
 */
export const htmlReport = (
  report: ReportData,
  charts: readonly DrawnChart[],
  examples: readonly ShownExample[] = [],
  about = TYPICAL,
): string => {
  const sections = sectionsOf(report);
  const [first, ...others] = sections.map(({ id, title }) => ({ id, title }));
  const named = [first!, ...(examples.length === 0 ? [] : [{ id: "examples", title: "Examples" }]), ...others];
  const links = named.map(({ id, title }) => `<li><a href="#${id}">${escapedHtml(title)}</a></li>`).join("");
  const [top = "", ...rest] = sections.map((section) => sectionHtml(section, charts));
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
<p>${report.networks.length === 1 ? "One network" : `${report.networks.length} networks`}, ${counted(report.images, "image")}, ${counted(report.rows, "row")}</p></header>
<nav aria-label="Sections"><ul>${links}</ul></nav>
<main>
${[top, examplesHtml(examples, about), ...rest].filter((html) => html !== "").join("\n")}
</main>
</body>
</html>
`;
};
