/** Every command that the documents mention exists, with the options that they give it. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json";
import { run } from "../../src/cli/main.ts";
import { help as serveHelp } from "../../src/serve/settings.ts";
import { blocksOf, documents, read, root, spansOf } from "./documents.ts";

const scripts = new Set(Object.keys(packageJson.scripts));

/** The help of `faultline COMMAND`; empty for no command. */
const helpOf = async (command: string): Promise<string> => {
  let text = "";
  await run(
    [command, "--help"].filter((word) => word !== ""),
    { stdout: (line) => void (text += line), stderr: () => {} },
  );
  return text;
};

const subcommands = [...(await helpOf("")).matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!);
const helps: Readonly<Record<string, string>> = Object.fromEntries(
  await Promise.all(subcommands.map(async (name) => [name, await helpOf(name)])),
);

/** What `npm run bench` prints without a name. */
const benches = new Set(
  spawnSync(process.execPath, ["--import", "tsx", "bench/run.ts"], { cwd: root, encoding: "utf8" })
    .stdout.replace(/^.*one of: /s, "")
    .trim()
    .split(", "),
);

/** `--options` of a command that its help does not list. */
const unknownOptions = (words: readonly string[], help: string): string[] =>
  words
    .filter((word) => word.startsWith("--") && word.length > 2)
    .filter((word) => !new RegExp(`${word}\\b(?!-)`).test(help))
    .map((word) => `option ${word}`);

const missingFile = (file = ""): string[] => (existsSync(`${root}${file}`) ? [] : [`file ${file}`]);

/** What in a command does not exist; nothing where the command is not one of ours. */
const missing = (command: string): string[] => {
  const [first, second, third, ...rest] = command.replace(/^npx (?=faultline\b)/, "").split(/\s+/);
  if (first === "faultline") {
    if (second === undefined || second.startsWith("-") || /^[A-Z]+$/.test(second)) return [];
    const help = helps[second];
    return help ? unknownOptions([third ?? "", ...rest], help) : [`command ${second}`];
  }
  if (first === "npm" && (second === "run" || second === "test")) {
    const script = second === "test" ? "test" : third!;
    if (!scripts.has(script)) return [`script ${script}`];
    if (script === "serve") return unknownOptions(rest, serveHelp);
    const [name = "NAME"] = rest.slice(1);
    return script === "bench" && rest.length > 0 && name !== "NAME" && !benches.has(name) ? [`bench ${name}`] : [];
  }
  if (first === "npx" && second === "tsx") return missingFile(third);
  if (first === "node" && second === "--import") return missingFile(rest[0]);
  if (first === "python3") return missingFile(second);
  if (first?.startsWith("models/training/") && first.endsWith(".sh")) return missingFile(first);
  return [];
};

/** The commands in the shell blocks and in the code spans of a document. */
const commandsOf = (markdown: string): string[] => {
  const blocks = blocksOf(markdown).filter(({ language }) => language === "sh");
  const lines = blocks.flatMap(({ code }) => code.replaceAll("\\\n", " ").split("\n"));
  const commands = [...lines, ...spansOf(markdown)].map((line) => line.replace(/(^|\s)#.*$/, ""));
  return commands.flatMap((line) => line.split(/&&|\|/)).map((command) => command.trim());
};

it.each(documents)("%s mentions commands that exist", (document) => {
  const faults = commandsOf(read(document)).flatMap((command) => missing(command).map((what) => `${command}: ${what}`));
  expect(faults).toEqual([]);
});

it("the documents mention each subcommand, and the commands that are checked are many", () => {
  const all = documents.flatMap((document) => commandsOf(read(document)));
  for (const name of subcommands)
    expect(all.some((command) => command.startsWith(`npx faultline ${name} `))).toBe(true);
  expect(all.filter((command) => /^np[mx] /.test(command)).length).toBeGreaterThan(40);
});

describe("the test finds", () => {
  it.each([
    ["npx faultline explain net.onnx", "command explain"],
    ["faultline inspect net.onnx --sizes 1x2", "option --sizes"],
    ["npm run start", "script start"],
    ["npm run bench -- speed", "bench speed"],
    ["npm run serve -- --upload DIR", "option --upload"],
    ["npx tsx scripts/absent.ts", "file scripts/absent.ts"],
    ["node --import tsx src/node.ts", "file src/node.ts"],
  ])("%s", (command, fault) => {
    expect(missing(command)).toEqual([fault]);
  });

  it("commands over several lines, after comments and in the prose", () => {
    expect(commandsOf("use `npm run a`\n```sh\nnpm ci && npm run \\\n  b    # c\n```\n")).toEqual([
      "npm ci",
      "npm run    b",
      "",
      "npm run a",
    ]);
  });
});
