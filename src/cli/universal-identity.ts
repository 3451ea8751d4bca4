/** What a run of `faultline universal` is of, and in what two runs differ. */

import type { UniversalSettings } from "../evaluation/universal.ts";
import type { Manifest } from "../segmenter/manifest.ts";

/** A checkpoint continues a run that has all of this in common. */
export interface RunOf extends UniversalSettings {
  readonly network: Manifest;
  /** The digest of the pictures, in their order. */
  readonly items: string;
  /** [C, H, W] of each. */
  readonly shape: readonly number[];
  /** Whether the labels to leave are the ground truth. */
  readonly isTruth: boolean;
  /** Where the network runs; files that were left before it was kept do not say. */
  readonly backend: string;
}

/** In the order in which they are told. */
const words: Readonly<Record<keyof RunOf, string>> = {
  network: "the network",
  shape: "the shape of the pictures",
  items: "the digest of the pictures",
  isTruth: "--label",
  epsilon: "--epsilon",
  alpha: "--alpha",
  epochs: "--epochs",
  batch: "--batch",
  seed: "--seed",
  backend: "--backend",
};

/** A value in few characters; of digests the beginning. */
const shown = (name: keyof RunOf, value: unknown): string => {
  if (name === "items") return String(value).slice(0, 12);
  if (name === "shape") return `[${String(value)}]`;
  if (name === "isTruth") return value === true ? "ground-truth" : "prediction";
  if (name !== "network") return String(value);
  const { name: own, sha256 } = (value ?? {}) as Partial<Manifest>;
  return `${own} (${String(sha256).slice(0, 12)})`;
};

const parsed = (text: string): Partial<Record<keyof RunOf, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
};

/** In what a run differs from the one that left `state`, with both values; null where in nothing. */
export const differenceOf = (state: unknown, run: RunOf): string | null => {
  const before = typeof state === "string" ? parsed(state) : null;
  if (!before) return "it does not say of which";
  const names = Object.keys(words) as (keyof RunOf)[];
  const known = names.filter((name) => name !== "backend" || before.backend !== undefined);
  const others = known.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(run[name]));
  if (others.length === 0) return null;
  const told = others.map((name) => {
    const [was, is] = [shown(name, before[name]), shown(name, run[name])];
    return was === is ? `${words[name]} ${is} has another manifest` : `${words[name]} was ${was}, and is ${is}`;
  });
  return told.join("; ");
};
