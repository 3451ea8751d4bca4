/** The networks of evaluations by their manifests: those that a plan was made with, and what has become of them since. */

import { FaultlineError } from "../contract/failure.ts";
import { networkIdentity } from "../networks/identity.ts";
import type { Models } from "../networks/registry.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";

/** A network that an evaluation was planned with is no longer the one of its name: its parcels cannot be carried out. */
export class NetworkChanged extends Error {
  override readonly name = "NetworkChanged";
  /** Its name. */
  readonly network: string;

  constructor({ name, sha256 }: Manifest, now: Manifest | null) {
    const other = now?.sha256 === sha256 ? "the same file with another manifest" : `one of the digest ${now?.sha256}`;
    const became = now ? `replaced by ${other}` : "deleted";
    super(
      `the network ${name}, of the digest ${sha256}, was ${became}, after the evaluation was planned: upload it again and retry, or submit the evaluation anew`,
    );
    this.network = name;
  }
}

export interface Networks {
  /** @throws FaultlineError unknown-model */
  readonly manifestsOf: (names: readonly string[]) => Promise<readonly Manifest[]>;
  /** The digests of those that were uploaded, by their names; undefined for none. */
  readonly uploadedOf: (manifests: readonly Manifest[]) => Readonly<Record<string, string>> | undefined;
  /** What those are now that were replaced since, by their names; undefined for none. */
  readonly replaced: (planned: readonly Manifest[]) => Promise<Readonly<Record<string, string>> | undefined>;
  /** @throws NetworkChanged where one was replaced or deleted since. */
  readonly requireSame: (planned: readonly Manifest[]) => Promise<void>;
  /** Of a network, or of several as one, an ensemble. @throws NetworkChanged as `requireSame`. */
  readonly segmenterOf: (planned: readonly Manifest[]) => Promise<Segmenter>;
}

/** @throws NetworkChanged where the second is another network than the first. */
const requireOne = async (planned: Manifest, now: Manifest | null): Promise<void> => {
  if (!now || (await networkIdentity(now)) !== (await networkIdentity(planned))) throw new NetworkChanged(planned, now);
};

export const createNetworks = (models: Pick<Models, "names" | "isShipped" | "manifest" | "openAll">): Networks => {
  const manifestsOf: Networks["manifestsOf"] = async (names) => {
    const found: Manifest[] = [];
    for (const model of names) {
      const manifest = await models.manifest(model);
      if (!manifest) throw new FaultlineError({ kind: "unknown-model", model, accepted: await models.names() });
      found.push(manifest);
    }
    return found;
  };
  const requireSame: Networks["requireSame"] = async (planned) => {
    for (const manifest of planned) await requireOne(manifest, await models.manifest(manifest.name));
  };
  return {
    manifestsOf,
    uploadedOf: (manifests) => {
      const uploaded = manifests.filter(({ name }) => !models.isShipped(name));
      return uploaded.length === 0
        ? undefined
        : Object.fromEntries(uploaded.map(({ name, sha256 }) => [name, sha256] as const));
    },
    replaced: async (planned) => {
      const others: [string, string][] = [];
      for (const manifest of planned) {
        const now = await models.manifest(manifest.name);
        const identity = now && (await networkIdentity(now));
        if (identity !== null && identity !== (await networkIdentity(manifest))) others.push([manifest.name, identity]);
      }
      return others.length === 0 ? undefined : Object.fromEntries(others);
    },
    requireSame,
    segmenterOf: async (planned) => {
      const { network, segmenter } = await models
        .openAll(planned.map(({ name }) => name))
        .catch(async (cause: unknown) => {
          await requireSame(planned);
          throw cause;
        });
      // What was opened counts: another may have taken the place of one since its manifest was looked at.
      for (const [k, { manifest }] of (network.members ?? [network]).entries()) await requireOne(planned[k]!, manifest);
      return segmenter;
    },
  };
};
