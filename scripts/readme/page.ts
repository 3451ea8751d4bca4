/** The tables of attacks in the documents, each between two comments that mark its place. */

import { rooms, writtenImports } from "../../test/rooms.ts";
import { attacks } from "../../src/attacks/catalogue.ts";
import type { AttackEntry } from "../../src/attacks/entry.ts";

/** What the tables say of an attack. */
type Described = Pick<
  AttackEntry,
  "title" | "summary" | "formula" | "knowledge" | "type" | "distance" | "norms" | "paper"
>;

export type Entries = Readonly<Record<string, Described>>;

const [begin, end] = ["<!-- attacks:begin -->", "<!-- attacks:end -->"];

const distances: Readonly<Record<AttackEntry["distance"], string>> = { linf: "L∞", l2: "L2" };

const types: Readonly<Record<AttackEntry["type"], string>> = {
  "fixed-budget": "fixed budget",
  "minimum-norm": "minimum norm",
};

/** "Goodfellow, Shlens, Szegedy 2015"; of more than three authors the first, "et al.". */
const cited = ({ authors, year, arxiv }: AttackEntry["paper"]): string => {
  const names = authors.split(", ");
  return `[${names.length > 3 ? `${names[0]} et al.` : authors} ${year}](https://arxiv.org/abs/${arxiv})`;
};

/** Markdown takes a bare | in a cell for the cell's end. */
const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => "---"), ...rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

/** The README's: the attacks by what the attacker knows, what is looked for and in which norms, each with its paper. */
export const overview = (entries: Entries): string => {
  const kinds = new Map<string, string[]>();
  for (const [name, { knowledge, type, distance, norms = [], paper }] of Object.entries(entries)) {
    const taken = [...new Set([distance, ...norms])].map((norm) => distances[norm]);
    const kind = `${knowledge}, ${types[type]}, ${taken.join(" or ")}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), `[\`${name}\`](https://arxiv.org/abs/${paper.arxiv})`]);
  }
  return table(
    ["kind", "attacks, each with its paper"],
    [...kinds].map(([kind, links]) => [kind, links.join(", ")]),
  );
};

/** That of docs/attacks.md: what each attack computes. */
export const formulas = (entries: Entries): string =>
  table(
    ["name", "title", "step", "paper"],
    Object.entries(entries).map(([name, { title, formula, paper }]) => [
      `\`${name}\``,
      title,
      formula,
      `${cited(paper)}, *${paper.title}*`,
    ]),
  );

/** The documents that contain a table, by path from the root. */
export const tables: Readonly<Record<string, (entries: Entries) => string>> = {
  "README.md": overview,
  "docs/attacks.md": formulas,
};

/**
 * A document with what stands between the markers replaced by the table.
 *
 * @throws RangeError unless each marker occurs exactly once, in their order.
 */
export const withTable = (document: string, written: string): string => {
  const [before, inside, ...more] = document.split(begin);
  const [, after, ...rest] = inside?.split(end) ?? [];
  if (after === undefined || more.length > 0 || rest.length > 0 || before!.includes(end))
    throw new RangeError(`a document must contain ${begin} and ${end} once each, in this order`);
  return `${before}${begin}\n${written}\n${end}${after}`;
};

/** The document at that path of `tables`, with the current table of all attacks. */
export const current = (path: string, document: string): string => withTable(document, tables[path]!(attacks));

/** CONTRIBUTING.md with the rooms' imports as `test/rooms.ts` has them; which rooms it lists, and what is in them, is written by hand. */
export const withRooms = (document: string): string =>
  document.replaceAll(/^(\| `(\w+)` \| .+ \| )(.+)( \|)$/gm, (row, head: string, room: string, _, end: string) =>
    Object.hasOwn(rooms, room) ? `${head}${writtenImports(room)}${end}` : row,
  );

/** How each generated document is made of the one that is committed. */
export const documents: Readonly<Record<string, (committed: string) => string>> = {
  ...Object.fromEntries(Object.keys(tables).map((path) => [path, (committed: string) => current(path, committed)])),
  "CONTRIBUTING.md": withRooms,
};
