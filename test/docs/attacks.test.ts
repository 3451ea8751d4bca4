/** The tables of attacks in the documents are derived from the catalogue. */

import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { current, overview, tables, withTable } from "../../scripts/readme/page.ts";
import { read } from "./documents.ts";

const readme = read("README.md");

describe.each(Object.keys(tables))("%s", (path) => {
  it("has the table that scripts/readme.ts writes", () => {
    expect(read(path), `${path} is stale: run npx tsx scripts/readme.ts`).toBe(current(path, read(path)));
  });

  it("has a row with a paper for each attack", () => {
    const rows = read(path).match(/^\| `[a-z0-9-]+` \| .*\]\(https:\/\/arxiv\.org\/abs\/\d{4}\.\d{4,5}\).*\|$/gm) ?? [];
    expect(rows.map((row) => row.split("`")[1])).toEqual([...attackNames]);
  });
});

it("a table names at most three authors, and escapes what would end a cell", () => {
  const entry = {
    title: "A",
    summary: "‖g‖ or |g|.",
    formula: "g",
    knowledge: "transfer",
    type: "minimum-norm",
    distance: "l2",
    paper: { title: "On A", authors: "One, Two, Three, Four", year: 2020, arxiv: "2001.00001" },
  } as const;
  expect(overview({ a: entry }).split("\n")[2]).toBe(
    "| `a` | ‖g‖ or \\|g\\|. | transfer, minimum norm, L2 | [One et al. 2020](https://arxiv.org/abs/2001.00001) |",
  );
});

it("a stale table is replaced, and all else is kept", () => {
  const stale = readme.replace("| `pgd` |", "| `old` |");
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
