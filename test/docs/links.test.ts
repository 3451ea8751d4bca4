/** Every relative link in the documents leads somewhere, and every path that they mention exists. */

import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { anchorsOf, blocksOf, documents, linksOf, read, root, spansOf } from "./documents.ts";

/** Why a link of a document leads nowhere, or null. */
const faultOf = (document: string, link: string): string | null => {
  if (/^https?:/.test(link)) return null;
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? document : normalize(join(dirname(document), file));
  if (!existsSync(`${root}${target}`)) return `${document}: ${link}: there is no ${target}`;
  if (anchor === undefined || anchorsOf(read(target)).includes(anchor)) return null;
  return `${document}: ${link}: ${target} has no heading #${anchor}`;
};

/** Folders of the checkout; what follows in a code span is a path, unless capitals mark a placeholder. */
const path = /^(?:src|test|scripts|bench|docs|models|kernels|examples|bin)\/[\w./-]*$/;

const isPath = (span: string): boolean => path.test(span) && !/\/[A-Z]+\b(?!\.md)/.test(span);

describe.each(documents)("%s", (document) => {
  const markdown = read(document);

  it("links to files and headings that exist", () => {
    expect(linksOf(markdown).flatMap((link) => faultOf(document, link) ?? [])).toEqual([]);
  });

  it("mentions paths that exist, from the root or from its own folder", () => {
    const missing = spansOf(markdown)
      .filter(isPath)
      .filter((span) => !existsSync(`${root}${span}`) && !existsSync(join(root, dirname(document), span)));
    expect(missing).toEqual([]);
  });
});

it("the README has at most 900 words beside its code and the generated table of attacks", () => {
  const markdown = read("README.md");
  const words = blocksOf(markdown)
    .reduce((text, { code }) => text.replace(code, ""), markdown)
    .replace(/<!-- attacks:begin -->.*<!-- attacks:end -->/s, "")
    .split(/\s+/);
  expect(words.length).toBeLessThanOrEqual(900);
});

describe("the test finds", () => {
  it.each(["docs/absent.md", "docs/attacks.md#absent", "#absent"])("the broken link %s", (link) => {
    expect(faultOf("README.md", link)).toContain(link);
  });

  it("links, paths and headings in Markdown", () => {
    expect(linksOf("see [a](b.md#c), ![d](e.png)\n```sh\n[f](g)\n```\n`[h](i)`")).toEqual(["b.md#c", "e.png"]);
    expect(["src/a.ts", "models/NAME/model.onnx", "models/README.md", "npm run a"].filter(isPath)).toEqual([
      "src/a.ts",
      "models/README.md",
    ]);
    expect(anchorsOf("## An operator's `gradient`, built\n# fgsm-ii")).toEqual([
      "an-operators-gradient-built",
      "fgsm-ii",
    ]);
  });
});
