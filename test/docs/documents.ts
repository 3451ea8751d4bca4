/** The documents of the project, and what can be extracted from their Markdown. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

/** Paths from the root. */
export const documents: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(`${root}docs`)
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
  "models/README.md",
  "models/training/README.md",
];

export interface Block {
  readonly language: string;
  /** What a comment `<!-- run: … -->` on the line before the block says; null without one. */
  readonly run: string | null;
  readonly code: string;
}

const fence = /(?:^<!-- run: (\w+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm;

/** The fenced code blocks. */
export const blocksOf = (markdown: string): Block[] =>
  Array.from(markdown.matchAll(fence), ([, run, language, code]) => ({
    language: language!,
    run: run ?? null,
    code: code!,
  }));

export const withoutBlocks = (markdown: string): string => markdown.replaceAll(fence, "");

/** Code spans of the prose, without their backquotes. */
export const spansOf = (markdown: string): string[] =>
  Array.from(withoutBlocks(markdown).matchAll(/`([^`]+)`/g), ([, code]) => code!.replaceAll(/\s+/g, " "));

/** The targets of links and images. */
export const linksOf = (markdown: string): string[] =>
  Array.from(
    withoutBlocks(markdown)
      .replaceAll(/`[^`]*`/g, "code")
      .matchAll(/\]\(([^)\s]+)\)/g),
    ([, to]) => to!,
  );

/** The anchors that GitHub gives to the headings: lower case, without punctuation, spaces as hyphens. */
export const anchorsOf = (markdown: string): string[] =>
  Array.from(withoutBlocks(markdown).matchAll(/^#+ (.+)$/gm), ([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
