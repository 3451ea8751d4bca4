/** What is installed runs on the oldest Node that package.json admits. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly engines?: { readonly node?: string };
}

const json = (file: string): unknown => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
const { packages } = json("package-lock.json") as { readonly packages: Readonly<Record<string, Locked>> };
const { engines } = json("package.json") as { readonly engines: { readonly node: string } };

type Version = readonly [major: number, minor: number, patch: number];

const versionOf = (text: string): Version => {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : 0));
  return [major, minor, patch];
};

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/** Whether a version meets `>=20.1`, `<23`, `^20.19.0`, `20.x`, `20` or `*`. @throws Error for another form. */
const meets = (version: Version, comparator: string): boolean => {
  const [, operator = "", text = ""] = /^(>=|<|\^|~|)(\d+(?:\.(?:\d+|x|\*))*|\*)$/.exec(comparator) ?? [];
  if (text === "") throw new Error(`a range of Node in a form that is not read here: ${comparator}`);
  if (text === "*") return true;
  const order = compare(version, versionOf(text));
  if (operator === ">=") return order >= 0;
  if (operator === "<") return order < 0;
  // ^1.2.3, ~1.2.3, 1 and 1.x: no other major, and here no range names more.
  return order >= 0 && version[0] === versionOf(text)[0];
};

const admits = (range: string, version: Version): boolean =>
  range.split("||").some((set) =>
    set
      .trim()
      .replaceAll(/(>=|<|\^|~)\s+/g, "$1")
      .split(/\s+/)
      .every((comparator) => meets(version, comparator.replace(/^(>=|<)?(\d+)\.?\*$/, "$1$2"))),
  );

const oldest = versionOf(engines.node.replace(">=", ""));

/** Development only, and why each is kept at a version that asks for a newer Node. */
const exceptions: Readonly<Record<string, RegExp>> = {
  "formats and lints: no version with types in its sight takes an older Node":
    /^node_modules\/(@oxlint\/|@oxfmt\/|oxlint|oxfmt)/,
  "bundles for vitest": /^node_modules\/(vite|rolldown|@rolldown\/.*|@napi-rs\/wasm-runtime)$/,
  "asks for 20.18 and runs on 20.3: `npm run demo` and `npm run dev` were tried there": /^node_modules\/undici$/,
  "a browser for tests": /^node_modules\/@sparticuz\/chromium$/,
};

describe(`Node ${engines.node}`, () => {
  const refusing = Object.entries(packages).filter(
    ([name, { engines: asked }]) => name !== "" && asked?.node !== undefined && !admits(asked.node, oldest),
  );

  it("is taken by every package that is installed without the development ones", () => {
    expect(refusing.filter(([, { dev }]) => !dev).map(([name]) => name)).toEqual([]);
  });

  it("is refused by development packages for the reasons listed, and by no others", () => {
    const reasons = Object.values(exceptions);
    expect(refusing.map(([name]) => name).filter((name) => !reasons.some((r) => r.test(name)))).toEqual([]);
    const idle = reasons.filter((reason) => !refusing.some(([name]) => reason.test(name)));
    expect(idle).toEqual([]);
  });

  it.each([
    [">=18", true],
    [">= 20.3.0", true],
    ["^20.19.0 || >=22.12.0", false],
    ["^18.0.0 || ^20.0.0 || >=22.0.0", true],
    [">=20.11.0", false],
    ["20 || >=22", true],
    [">=14 <20", false],
    ["16.x", false],
    ["*", true],
  ])("the range %s admits 20.3: %s", (range, admitted) => {
    expect(admits(range, [20, 3, 0])).toBe(admitted);
  });
});
