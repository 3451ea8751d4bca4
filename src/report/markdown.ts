/** A report in Markdown. */

import type { ReportData } from "./report.ts";
import { sectionsOf, type Block, type TableCell } from "./sections.ts";

/** Text that Markdown and HTML leave alone. */
export const escaped = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>|#~]/g, String.raw`\$&`).replaceAll(/\s+/g, " ");

const cell = ({ text, mark }: TableCell): string => {
  const words = escaped(text);
  if (mark === "bold") return `**${words}**`;
  // Markdown cannot underline; GitHub keeps this element.
  return mark === "underlined" ? `<ins>${words}</ins>` : words;
};

/** Longer than every run of backticks in the text. */
const fenceOf = (text: string): string => {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length);
  return "`".repeat(Math.max(3, ...runs.map((n) => n + 1)));
};

const blockText = (block: Block): string => {
  switch (block.kind) {
    case "text":
      return escaped(block.text);
    case "list":
      return block.items.map((item) => `- ${escaped(item)}`).join("\n");
    case "code": {
      const fence = fenceOf(block.text);
      return `${fence}\n${block.text}\n${fence}`;
    }
    case "table": {
      const lines = [
        block.head.map(escaped),
        block.head.map((_, i) => (i === 0 ? "---" : "---:")),
        ...block.rows.map((row) => row.map(cell)),
      ];
      return [`${escaped(block.caption)}:`, "", ...lines.map((line) => `| ${line.join(" | ")} |`)].join("\n");
    }
    case "chart":
      return "";
  }
};

export const markdownReport = (report: ReportData): string => {
  const sections = sectionsOf(report).map(({ title, blocks }) =>
    [`## ${title}`, ...blocks.map(blockText).filter((text) => text !== "")].join("\n\n"),
  );
  return `${[`# ${escaped(report.title)}`, ...sections].join("\n\n")}\n`;
};
