/** The networks a service can be asked for: opened once, checked against their manifests. */

import { gradientFaults } from "../segmenter/compile.ts";
import { ManifestError, type Manifest } from "../segmenter/manifest.ts";
import { openNetwork } from "../segmenter/network.ts";
import { createSegmenter, type Segmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { FaultlineError } from "./failure.ts";
import { largestFit } from "./largest-fit.ts";
import type { ModelInfo } from "./service.ts";

/** Where networks come from: a folder, an object store, or what is bundled. */
export interface ModelStore {
  readonly manifests: readonly Manifest[];
  /** The bytes of a manifest's file. */
  readonly read: (manifest: Manifest) => Promise<Uint8Array>;
}

export interface OpenModel {
  readonly segmenter: Segmenter;
  readonly bytes: number;
  readonly unsupported: readonly string[];
}

const hex = (digest: ArrayBuffer): string =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");

const openChecked = async (store: ModelStore, manifest: Manifest, cache: SessionCache): Promise<OpenModel> => {
  const bytes = await store.read(manifest);
  const digest = hex(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  if (digest !== manifest.sha256) throw new ManifestError(`sha256: ${manifest.file} has ${digest}`);
  const network = openNetwork(manifest, bytes);
  const unsupported = gradientFaults(network);
  return { segmenter: createSegmenter(network, cache), bytes: bytes.length, unsupported };
};

export interface Models {
  readonly manifests: readonly Manifest[];
  /** @throws FaultlineError unknown-model, or model-unavailable where its file is missing or not what the manifest says. */
  readonly open: (name: string) => Promise<OpenModel>;
  readonly info: (name: string) => Promise<ModelInfo>;
}

export const createModels = (store: ModelStore, cache: SessionCache): Models => {
  const opened = new Map<string, Promise<OpenModel>>();
  const infos = new Map<string, Promise<ModelInfo>>();
  const open = (name: string): Promise<OpenModel> => {
    const manifest = store.manifests.find((m) => m.name === name);
    if (!manifest) {
      return Promise.reject(
        new FaultlineError({ kind: "unknown-model", model: name, accepted: store.manifests.map((m) => m.name) }),
      );
    }
    return remember(opened, name, () =>
      openChecked(store, manifest, cache).catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new FaultlineError({ kind: "model-unavailable", model: name, reason }, { cause });
      }),
    );
  };
  return {
    manifests: store.manifests,
    open,
    info: (name) => remember(infos, name, async () => infoOf(await open(name), cache)),
  };
};

/** Made once; a failure is not remembered. */
const remember = <T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
};

const infoOf = ({ segmenter, bytes, unsupported }: OpenModel, cache: SessionCache): ModelInfo => {
  const { manifest } = segmenter;
  const { width, height, multipleOf, channels, mean, std, scale } = manifest.input;
  const supported = unsupported.length === 0;
  const largestAttack = supported
    ? largestFit(segmenter, cache, { width: 4096, height: 3072 }, ["away", "least-likely"])
    : null;
  return {
    name: manifest.name,
    architecture: manifest.architecture,
    dataset: manifest.dataset,
    classes: manifest.classes,
    void: manifest.void,
    sha256: manifest.sha256,
    bytes,
    precision: manifest.precision,
    input: { width, height, multipleOf, channels, mean, std, scale },
    metrics: manifest.metrics,
    license: manifest.license,
    source: manifest.source,
    citation: manifest.citation,
    gradient: { supported, unsupportedOperators: unsupported },
    ...(largestAttack ? { largestAttack } : {}),
  };
};
