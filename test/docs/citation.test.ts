/** CITATION.cff, README and package.json agree on what is cited. */

import { expect, it } from "vitest";
import packageJson from "../../package.json";
import { read } from "./documents.ts";

const [citation, readme] = [read("CITATION.cff"), read("README.md")];

/** A top-level field of one line. */
const field = (name: string): string | undefined => new RegExp(`^${name}: "?(.+?)"?$`, "m").exec(citation)?.[1];

it("the version and the licence are the package's", () => {
  expect(field("version")).toBe(packageJson.version);
  expect(field("license")).toBe(packageJson.license);
  expect(readme).toContain(`version ${packageJson.version}"`);
});

it("the titles of Faultline and of the paper are those that the README cites", () => {
  const paper = /^ {4}title: (.+)$/m.exec(citation)?.[1];
  for (const title of [field("title"), paper]) {
    expect(title).toBeDefined();
    expect(readme.replaceAll("\n", " ")).toContain(title);
  }
});
