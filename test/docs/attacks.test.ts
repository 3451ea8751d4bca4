/** The tables of attacks in the documents are derived from the catalogue. */

import { describe, expect, it } from "vitest";
import { attackEntry, attackNames } from "../../src/attacks/catalogue.ts";
import { current, formulas, overview, tables, withTable } from "../../scripts/readme/page.ts";
import { read } from "./documents.ts";

const readme = read("README.md");

describe.each(Object.keys(tables))("%s", (path) => {
  it("has the table that scripts/readme.ts writes", () => {
    expect(read(path), `${path} is stale: run npx tsx scripts/readme.ts`).toBe(current(path, read(path)));
  });

  it("names each attack with its paper", () => {
    for (const name of attackNames) {
      const rows = read(path)
        .split("\n")
        .filter((line) => line.startsWith("|") && line.includes(`\`${name}\``));
      expect(rows).toHaveLength(1);
      expect(rows[0]).toContain(`https://arxiv.org/abs/${attackEntry(name).paper.arxiv}`);
    }
  });
});

const entry = {
  title: "A",
  summary: "A sentence.",
  formula: "‖g‖ or |g|",
  knowledge: "transfer",
  type: "minimum-norm",
  distance: "l2",
  paper: { title: "On A", authors: "One, Two, Three, Four", year: 2020, arxiv: "2001.00001" },
} as const;

it("the overview gathers the attacks of one kind in a row", () => {
  const kind = "| transfer, minimum norm, L2 | ";
  expect(overview({ a: entry, b: entry }).split("\n").slice(2)).toEqual([
    `${kind}[\`a\`](https://arxiv.org/abs/2001.00001), [\`b\`](https://arxiv.org/abs/2001.00001) |`,
  ]);
});

it("the overview names both norms of an attack that has both, its own first", () => {
  const both = { ...entry, norms: ["linf", "l2"] } as const;
  expect(overview({ a: both }).split("\n")[2]).toMatch(/^\| transfer, minimum norm, L2 or L∞ \|/);
  expect(overview({ a: entry, b: both }).split("\n")).toHaveLength(4);
});

it("the table of formulas names at most three authors, and escapes what would end a cell", () => {
  expect(formulas({ a: entry }).split("\n")[2]).toBe(
    "| `a` | A | ‖g‖ or \\|g\\| | [One et al. 2020](https://arxiv.org/abs/2001.00001), *On A* |",
  );
});

it("a stale table is replaced, and all else is kept", () => {
  const stale = readme.replace("[`pgd`]", "[`old`]");
  expect(stale).not.toBe(readme);
  expect(current("README.md", stale)).toBe(readme);
  expect(current("README.md", `${readme}\nmore`)).toBe(`${readme}\nmore`);
});

it.each([
  ["no markers", "# Faultline"],
  ["one twice", `${readme}<!-- attacks:begin -->`],
  ["the wrong order", "<!-- attacks:end --><!-- attacks:begin -->"],
])("a document with %s is refused", (_, text) => {
  expect(() => withTable(text, "| |")).toThrow("<!-- attacks:begin --> and <!-- attacks:end --> once each");
});
