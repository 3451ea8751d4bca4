/** docs/library-names.md: the public names of the package, with what their docstrings say first. */

import { allFaces, type Face, type PublicName } from "./faces.ts";

/** The first sentence of a docstring, on one line, safe in a table. */
export const summaryOf = ({ doc }: PublicName): string => {
  const prose = doc.split(/\n(?=@)|^(?=@)/)[0]!;
  const line = prose.split(/\n\s*\n/)[0]!.replaceAll(/\s*\n\s*/g, " ");
  const sentence = /^(.*?(?<!et al)[.!])(?=\s|$)/.exec(line)?.[1] ?? line;
  return sentence.replace(/:$/, ".").replaceAll("|", "\\|");
};

const section = ({ subpath, about, names }: Face): string =>
  [
    `## faultline/${subpath}`,
    "",
    about.replace(/^`[^`]+`: /, "").replace(/^./, (first) => first.toUpperCase()),
    "",
    "| name | |",
    "|---|---|",
    ...names.map((name) => `| \`${name.name}\`${name.type ? " (type)" : ""} | ${summaryOf(name)} |`),
    "",
  ].join("\n");

/** The page as it should be. */
export const libraryPage = (): string => `# The public names of the library

*Written by \`npx tsx scripts/library.ts\` from the faces \`src/ROOM/public.ts\`; do not edit.*

[library.md](library.md) explains them. Whole docstrings, with shapes, units and errors, are in the types that an editor shows.

${allFaces().map(section).join("\n")}`;
