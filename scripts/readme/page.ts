/** The README's table of attacks, written between two comments that mark its place. */

import { attackEntries, type AttackEntry } from "./attacks.ts";

const [begin, end] = ["<!-- attacks:begin -->", "<!-- attacks:end -->"];

const distances: Readonly<Record<AttackEntry["distance"], string>> = { linf: "L∞", l2: "L2", l1: "L1", l0: "L0" };

const types: Readonly<Record<AttackEntry["type"], string>> = {
  "fixed-budget": "fixed budget",
  "minimum-norm": "minimum norm",
};

const row = ({ name, title, knowledge, type, distance, paper }: AttackEntry): string =>
  `| [\`${name}\`](docs/attacks.md#${name}) | ${title} | ${knowledge}, ${types[type]}, ${distances[distance]} | [${paper.title}](https://arxiv.org/abs/${paper.arxiv}) |`;

/** The table of these attacks in Markdown. */
export const attacksTable = (entries: readonly AttackEntry[]): string =>
  ["| name | attack | kind | source |", "|---|---|---|---|", ...entries.map(row)].join("\n");

/**
 * The README with the table of attacks between its markers replaced by the current one.
 *
 * @throws RangeError unless each marker occurs exactly once, in their order.
 */
export const withAttacks = (readme: string, entries: readonly AttackEntry[] = attackEntries): string => {
  const [before, inside, ...more] = readme.split(begin);
  const [, after, ...rest] = inside?.split(end) ?? [];
  if (after === undefined || more.length > 0 || rest.length > 0 || before!.includes(end))
    throw new RangeError(`the README must contain ${begin} and ${end} once each, in this order`);
  return `${before}${begin}\n${attacksTable(entries)}\n${end}${after}`;
};
