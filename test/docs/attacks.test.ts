/** The README's table of attacks is derived from their catalogue. */

import { expect, it } from "vitest";
import { attackEntries } from "../../scripts/readme/attacks.ts";
import { attacksTable, withAttacks } from "../../scripts/readme/page.ts";
import { read } from "./documents.ts";

const readme = read("README.md");

it("the committed table is the one that scripts/readme.ts writes", () => {
  expect(readme, "README.md is stale: run npx tsx scripts/readme.ts").toBe(withAttacks(readme));
});

it("every attack has a section in docs/attacks.md, and every row a link to its paper", () => {
  const sections = new Set(Array.from(read("docs/attacks.md").matchAll(/^## ([a-z0-9-]+)$/gm), ([, name]) => name));
  expect(sections).toEqual(new Set(attackEntries.map(({ name }) => name)));
  const rows = attacksTable(attackEntries).split("\n").slice(2);
  expect(rows).toHaveLength(attackEntries.length);
  for (const row of rows) expect(row).toMatch(/\(https:\/\/arxiv\.org\/abs\/\d{4}\.\d{4,5}\)/);
});

it("a stale table is replaced, and all else is kept", () => {
  const stale = readme.replace("[`pgd`]", "[`old`]");
  expect(stale).not.toBe(readme);
  expect(withAttacks(stale)).toBe(readme);
  expect(withAttacks(`${readme}\nmore`)).toBe(`${readme}\nmore`);
});

it.each([
  ["no markers", "# Faultline"],
  ["one twice", `${readme}<!-- attacks:begin -->`],
  ["the wrong order", "<!-- attacks:end --><!-- attacks:begin -->"],
])("a README with %s is refused", (_, text) => {
  expect(() => withAttacks(text)).toThrow("<!-- attacks:begin --> and <!-- attacks:end --> once each");
});
