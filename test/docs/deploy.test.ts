/** compose.yaml and the manifests of Kubernetes: they parse, and call commands that exist with options that these have. */

import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { run } from "../../src/cli/main.ts";
import { parseSettings } from "../../src/serve/settings.ts";
import { read, root } from "./documents.ts";

const files = ["compose.yaml", ...readdirSync(`${root}deploy`).map((name) => `deploy/${name}`)];

/** Every list of words in a value, as commands are written. */
const lists = (value: unknown): string[][] => {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) && value.every((word) => typeof word === "string") ? [value] : [];
  return [...own, ...Object.values(value).flatMap(lists)];
};

it.each(files)("%s calls faultline as it is", async (file) => {
  const parsed = parseAllDocuments(read(file));
  expect(parsed.flatMap(({ errors }) => errors)).toEqual([]);
  const words = parsed
    .flatMap((document) => lists(document.toJS()))
    .map((list) => list.flatMap((text) => text.split(/\s+/)));
  const commands = words.flatMap((list) =>
    list.flatMap((word, i) => (/^(worker|evaluate)$/.test(word) ? [list.slice(i)] : [])),
  );
  const served = words.filter(([first]) => first === "--evaluations");
  for (const args of served) expect(() => parseSettings(args, {})).not.toThrow();
  expect(commands.length).toBeGreaterThan(0);
  for (const [name = "", ...rest] of commands) {
    let help = "";
    await run([name, "--help"], { stdout: (text) => void (help += text), stderr: () => {} });
    const options = rest.filter((word) => word.startsWith("-") && word.length > 1);
    expect(options.filter((option) => !new RegExp(`(^|\\s)${option}\\b(?!-)`, "m").test(help))).toEqual([]);
  }
});
