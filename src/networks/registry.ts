/** The networks a service can be asked for, shipped and uploaded: opened once, checked against their manifests. */

import { ManifestError, manifestSchema, ownerOf, type Manifest } from "../segmenter/manifest.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { FaultlineError, invalidSpec } from "../contract/failure.ts";
import { modelInfo, outlineFrom, outlineOf } from "./info.ts";
import { knownFigures, knownOutline, type KnownOutline, type KnownOutlines } from "./outlines.ts";
import type { ModelInfo } from "../contract/models.ts";
import { checkedNetwork, openModel, openTogether, type OpenModel } from "./open.ts";
import { withStored } from "./stored.ts";
import { parseEntry, type UploadEntry, type UploadStore } from "./upload-store.ts";
import { RecentlyUsed } from "../segmenter/recently-used.ts";
import { reasonOf } from "../reason.ts";

/** Where shipped networks come from: a folder, or what is bundled. They stay as they are while the service runs. */
export interface ModelStore {
  /** What is known of the networks without opening them. */
  readonly outlines?: KnownOutlines | undefined;
  readonly manifests: readonly Manifest[];
  /** The bytes of a manifest's own file; of one that names another network's, that other is asked for. */
  readonly read: (manifest: Manifest) => Promise<Uint8Array>;
  /** The bytes of the network's stored graphs, or null where it has none (`segmenter/stored-graphs.ts`). Without it no network has any. */
  readonly graphs?: ((manifest: Manifest) => Promise<Uint8Array<ArrayBuffer> | null>) | undefined;
}

export interface Models {
  /** Marks what is found here; an entry with the same mark tells what would be found. */
  readonly foundBy: string;
  /** Those shipped, then those uploaded. */
  readonly names: () => Promise<readonly string[]>;
  readonly isShipped: (name: string) => boolean;
  /** Of a network, shipped or uploaded; null where there is none of that name. @throws FaultlineError as `uploaded`. */
  readonly manifest: (name: string) => Promise<Manifest | null>;
  /** What is kept of an uploaded network, or null. @throws FaultlineError model-unavailable where it cannot be read. */
  readonly uploaded: (name: string) => Promise<UploadEntry | null>;
  /** @throws FaultlineError unknown-model, or model-unavailable where its file is missing or not what the manifest says. */
  readonly open: (name: string) => Promise<OpenModel>;
  /** Several as one, an ensemble. @throws FaultlineError as `open`, and invalid-spec where they do not go together. */
  readonly openAll: (names: readonly string[]) => Promise<OpenModel>;
  readonly info: (name: string) => Promise<ModelInfo>;
  /** Without the memory that runs take, which is long to find. */
  readonly outline: (name: string) => Promise<ModelInfo>;
}

export interface ModelsOptions {
  readonly store: ModelStore;
  readonly uploads?: UploadStore | undefined;
  readonly cache: SessionCache;
  readonly foundBy: string;
}

/** Networks held open; a further one takes the place of the least recently used. */
const HELD_OPEN = 3;

export const createModels = ({ store, uploads, cache, foundBy }: ModelsOptions): Models => {
  const shipped = new Map(store.manifests.map((manifest) => [manifest.name, manifest]));
  const infos = new Map<string, Promise<ModelInfo>>();
  const outlines = new Map<string, Promise<ModelInfo>>();
  const held = new RecentlyUsed<OpenModel>(HELD_OPEN);

  const names = async () => {
    const others = (await uploads?.list()) ?? [];
    return [...shipped.keys(), ...others.filter((name) => !shipped.has(name))];
  };
  const unknown = async (name: string) =>
    new FaultlineError({ kind: "unknown-model", model: name, accepted: await names() });

  const uploaded = async (name: string): Promise<UploadEntry | null> => {
    if (!uploads || !isName(name)) return null;
    return available(name, async () => {
      const entry = await uploads.entry(name);
      return entry === null ? null : parseEntry(entry);
    });
  };

  const manifest = async (name: string): Promise<Manifest | null> =>
    shipped.get(name) ?? (await uploaded(name))?.manifest ?? null;

  /** The model held under the key, or else made and held. */
  const hold = async (key: string, name: string, make: () => Promise<OpenModel>): Promise<OpenModel> => {
    const model = held.get(key) ?? (await available(name, make));
    held.set(key, model);
    return model;
  };

  /** `gone`: a file that was not there. Where another has taken its place meanwhile, that one is opened. */
  const openUploaded = async (from: UploadStore, name: string, gone?: string): Promise<OpenModel> => {
    const manifest = (await uploaded(name))?.manifest;
    if (!manifest) throw await unknown(name);
    const { file } = manifest;
    const key = `${name}/${file}`;
    const bytes = held.has(key) ? null : await from.file(name, file);
    if (!held.has(key) && !bytes && file !== gone) return openUploaded(from, name, file);
    return hold(key, name, async () => {
      if (bytes) return openModel(await checkedNetwork(manifest, bytes), bytes.length, cache);
      throw new ManifestError(`${file} is missing`, "file");
    });
  };

  /** What the table of the store says about a shipped network. */
  const knownOf = async (name: string): Promise<KnownOutline | null> => {
    const manifest = shipped.get(name);
    return manifest ? knownOutline(manifest, store.outlines ?? {}) : null;
  };

  const open = async (name: string): Promise<OpenModel> => {
    const manifest = shipped.get(name);
    if (manifest) {
      return hold(name, name, async () => {
        const graphs = store.graphs?.(manifest).catch(() => null);
        const bytes = await store.read(ownerOf(manifest, store.manifests));
        const known = await knownOf(name);
        const network = await withStored(await checkedNetwork(manifest, bytes), (await graphs) ?? null);
        return openModel(network, bytes.length, cache, known?.unsupported);
      });
    }
    if (!uploads) throw await unknown(name);
    return openUploaded(uploads, name);
  };

  /** Of an uploaded network, its file too: another may take its place under the name. */
  const keyOf = async (name: string): Promise<string> =>
    shipped.has(name) ? name : `${name}/${(await uploaded(name))?.manifest.file}`;

  const openAll = async (all: readonly string[]): Promise<OpenModel> => {
    const [first = "", ...others] = all;
    if (others.length === 0) return open(first);
    const key = (await Promise.all(all.map(keyOf))).join("+");
    const known = held.get(key);
    if (known) return known;
    const models: [OpenModel, ...OpenModel[]] = [await open(first)];
    for (const name of others) models.push(await open(name));
    try {
      const model = openTogether(models, cache);
      held.set(key, model);
      return model;
    } catch (cause) {
      if (!(cause instanceof ManifestError)) throw cause;
      const error = { pointer: "/spec/sources", detail: `do not go together: ${cause.message}`, received: all };
      throw invalidSpec(error, cause);
    }
  };

  const info = async (name: string): Promise<ModelInfo> => {
    const entry = shipped.has(name) ? null : await uploaded(name);
    if (entry?.foundBy === foundBy) return entry.info;
    return remember(infos, entry?.manifest.file ?? name, async () => {
      const known = await knownOf(name);
      const figures = known && knownFigures(known, cache.budgetBytes);
      return figures ? { ...outlineFrom(shipped.get(name)!, known), ...figures } : modelInfo(await open(name), cache);
    });
  };

  const outline = async (name: string): Promise<ModelInfo> => {
    const entry = shipped.has(name) ? null : await uploaded(name);
    if (entry?.foundBy === foundBy) {
      const { memory: _, largestAttack: __, ...outlined } = entry.info;
      return outlined;
    }
    return remember(outlines, entry?.manifest.file ?? name, async () => {
      const known = await knownOf(name);
      return known ? outlineFrom(shipped.get(name)!, known) : outlineOf(await open(name));
    });
  };

  return { foundBy, names, isShipped: (name) => shipped.has(name), manifest, uploaded, open, openAll, info, outline };
};

/** Only such names reach a store. */
const isName = (name: string): boolean => manifestSchema.shape.name.safeParse(name).success;

/** What goes wrong as model-unavailable. */
const available = async <T>(model: string, run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    throw new FaultlineError({ kind: "model-unavailable", model, reason: reasonOf(cause) }, { cause });
  }
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
