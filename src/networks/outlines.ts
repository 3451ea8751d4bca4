/**
 * What is known of shipped networks without opening them: models/outlines.json, written by `npm run outlines`. An entry counts only
 * for the manifest and the network's file that it was found for.
 */

import type { ModelInfo } from "../contract/models.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { sha256Of } from "../digest.ts";

/** The predicted memory of a network's runs, within some budget. */
export type MemoryFigures = Pick<ModelInfo, "memory" | "largestAttack">;

export interface KnownOutline {
  /** Of the manifest as JSON, which holds the digest of the network's file. */
  readonly manifestSha256: string;
  /** Size of the network's file. */
  readonly bytes: number;
  /** Operators without a rule for their gradient. */
  readonly unsupported: readonly string[];
  /** The figures by the memory budget in MiB for which they were computed. */
  readonly figures?: Readonly<Record<string, MemoryFigures>> | undefined;
}

/** By the name of the network. */
export type KnownOutlines = Readonly<Record<string, KnownOutline>>;

export const manifestDigest = (manifest: Manifest): Promise<string> => sha256Of(JSON.stringify(manifest));

/** The network's entry; null where there is none, or one for another manifest. */
export const knownOutline = async (manifest: Manifest, known: KnownOutlines): Promise<KnownOutline | null> => {
  const entry = Object.hasOwn(known, manifest.name) ? known[manifest.name]! : null;
  return entry?.manifestSha256 === (await manifestDigest(manifest)) ? entry : null;
};

/** The figures for a budget; undefined if the table has none for it. */
export const knownFigures = ({ figures }: KnownOutline, budgetBytes: number): MemoryFigures | undefined =>
  figures?.[String(budgetBytes / 2 ** 20)];
