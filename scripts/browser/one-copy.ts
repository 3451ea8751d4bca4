/**
 * One copy of each part of Vega. `vega` asks for older minor versions of some parts than other parts do, so that npm installs these again inside each that
 * asks, and a bundle would have every copy.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The folders in whose node_modules the package is installed. */
const placesOf = (name: string): readonly string[] => {
  const packages = readdirSync(join(root, "node_modules")).filter((other) => other.startsWith("vega"));
  return [root, ...packages.map((other) => join(root, "node_modules", other))].filter((place) =>
    existsSync(join(place, "node_modules", name, "package.json")),
  );
};

const versionIn = (place: string, name: string): readonly number[] => {
  const file = readFileSync(join(place, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version.split(".").map(Number);
};

/** Semantic versions without suffixes, the largest first. */
const descending = (a: readonly number[], b: readonly number[]): number =>
  b[0]! - a[0]! || b[1]! - a[1]! || b[2]! - a[2]!;

/** Where the newest copy is installed; undefined where there are two major versions, which are not the same package to whoever asks. */
const newestPlace = (name: string): string | undefined => {
  const copies = placesOf(name).map((place) => ({ place, version: versionIn(place, name) }));
  if (new Set(copies.map(({ version }) => version[0])).size !== 1) return undefined;
  return copies.toSorted((a, b) => descending(a.version, b.version))[0]?.place;
};

const RESOLVED = Symbol("resolved");

/** Every part of Vega is its newest copy. */
export const oneCopy: Plugin = {
  name: "one-copy",
  setup: (bundle) => {
    bundle.onResolve({ filter: /^vega-[a-z-]+$/ }, ({ path, kind, pluginData }) => {
      const resolveDir = pluginData === RESOLVED ? undefined : newestPlace(path);
      return resolveDir === undefined ? undefined : bundle.resolve(path, { kind, resolveDir, pluginData: RESOLVED });
    });
  },
};
