/** The networks of an evaluation with what stands around each: every variant that is scored, and the sources of transfer. */

import { climbedManifest, ensembleOf } from "../segmenter/ensemble.ts";
import type { Crf } from "../segmenter/refinement.ts";
import type { Defence } from "../segmenter/defence.ts";
import { channelCount, ManifestError, type Manifest } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { RecentlyUsed } from "../segmenter/recently-used.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import type { AroundSpec, CrfChoiceSpec, SourceSpec } from "./around-schema.ts";
import { SpecError, specText, type EvaluationSpec, type GivenSpec } from "./spec.ts";

/** A network, by its place in `networksOf`, as it is scored or attacked. Plain data. */
export interface Setting {
  readonly network: number;
  /** Of an ensemble, the further networks. */
  readonly others?: readonly number[] | undefined;
  /** In place of the manifest's own. */
  readonly scales?: readonly number[] | undefined;
  readonly fusion?: Manifest["fusion"];
  readonly crf?: CrfChoiceSpec | undefined;
  /** Without `transform`, how attacks take the manifest's own. */
  readonly defence?: Omit<AroundSpec, "crf"> | undefined;
}

type Surroundings = Pick<Setting, "crf" | "defence">;

/** What stands around every network; nothing for what its manifest has. */
const everywhere = ({ around = {} }: Pick<EvaluationSpec, "around">): Surroundings => {
  const { crf, ...defence } = around;
  return { ...(crf !== undefined && { crf }), ...(Object.keys(defence).length > 0 && { defence }) };
};

/** The networks of a source of transfer. */
const namesIn = (source: SourceSpec): readonly string[] => (typeof source === "string" ? [source] : source.networks);

/** The networks by their operands: those that are scored, then those that are only sources. */
export const networksOf = ({
  networks,
  transferFrom = [],
}: Pick<GivenSpec, "networks" | "transferFrom">): readonly string[] => [
  ...new Set([...networks, ...transferFrom.flatMap(namesIn)]),
];

export interface Settings {
  readonly all: readonly Setting[];
  /** How many of the first of `all` are scored: all places below. */
  readonly targets: number;
  /** Of a setting, as a source: the places of the targets that its adversarial images are scored on, its own first. */
  readonly aimsOf: (source: number) => readonly number[];
  /** All pairs of a source and one of its aims. */
  readonly pairs: number;
}

/** A variant at other scales, and whether attacks climb through them. */
const scaledAt = (base: Setting, choice: EvaluationSpec["scales"][number]) => {
  const { attacked, ...scaled } = "scales" in choice ? choice : { scales: choice, attacked: true };
  return { setting: { ...base, ...scaled }, attacked };
};

const sourceAt = (source: SourceSpec, places: ReadonlyMap<string, number>): Setting => {
  const { networks: _, ...scaled } = typeof source === "string" ? { networks: [] } : source;
  const [network, ...others] = [...new Set(namesIn(source))].map((name) => places.get(name)!);
  return { network: network!, ...(others.length > 0 && { others }), ...scaled };
};

/** Finds the place of a setting in a list, at whose end it is put where it is not there. */
const placing = (all: Setting[]): ((setting: Setting) => number) => {
  const known = new Map<string, number>();
  for (const [place, setting] of all.entries()) {
    const text = specText(setting);
    if (!known.has(text)) known.set(text, place);
  }
  return (setting) => {
    const text = specText(setting);
    const place = known.get(text) ?? all.push(setting) - 1;
    known.set(text, place);
    return place;
  };
};

/**
 * Each network with what stands around all, then with each transformation, each CRF and at each choice of scales; then what is a source
 * alone.
 */
export const settingsOf = (spec: EvaluationSpec): Settings => {
  const around = everywhere(spec);
  const places = new Map(networksOf(spec).map((name, place) => [name, place]));
  const scored = [...new Set(spec.networks)].map((name) => places.get(name)!);
  const scaled = scored.map((network) => spec.scales.map((choice) => scaledAt({ network, ...around }, choice)));
  const all: Setting[] = scored.flatMap((network, k) => [
    { network, ...around },
    ...spec.transform.map((defence) => ({ network, ...around, defence })),
    ...spec.crf.map((crf) => ({ network, ...around, crf })),
    ...scaled[k]!.map(({ setting }) => setting),
  ]);
  const targets = all.length;
  const placeOf = placing(all);
  const sources = new Set(spec.transferFrom.map((source) => placeOf({ ...sourceAt(source, places), ...around })));
  /** Targets that are climbed around, by what is climbed in their place. */
  const aside = new Map<number, number[]>();
  const isAround = new Set<number>();
  for (const { setting, attacked } of scaled.flat()) {
    const target = placeOf(setting);
    if (attacked || isAround.has(target)) continue;
    const source = placeOf({ network: setting.network, ...around });
    isAround.add(target);
    if (!aside.get(source)?.push(target)) aside.set(source, [target]);
  }
  const isOwn = (source: number): boolean => source < targets && !isAround.has(source);
  const aimsOf = (source: number): readonly number[] => [
    ...(isOwn(source) ? [source] : []),
    ...(sources.has(source)
      ? Array.from({ length: targets }, (_, target) => target).filter((target) => target !== source)
      : (aside.get(source) ?? [])),
  ];
  const pairsOf = (source: number): number => {
    const others = sources.has(source) ? targets - Number(source < targets) : (aside.get(source)?.length ?? 0);
    return Number(isOwn(source)) + others;
  };
  const pairs = all.reduce((sum, _, source) => sum + pairsOf(source), 0);
  return { all, targets, aimsOf, pairs };
};

/** The networks of a setting, from those of `networksOf`. */
export const membersOf = <T>({ network, others = [] }: Setting, networks: readonly T[]): readonly [T, ...T[]] => [
  networks[network]!,
  ...others.map((other) => networks[other]!),
];

/** What is said of a setting's network. @throws SpecError where its networks do not go together, or it cannot run at the scales. */
const manifestOf = (setting: Setting, manifests: readonly Manifest[]): Manifest => {
  try {
    return climbedManifest(membersOf(setting, manifests), setting.scales, setting.fusion);
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw new SpecError(`${cause.field === undefined ? "transferFrom: " : ""}${cause.message}`, { cause });
  }
};

/**
 * Opens the networks of settings, without what stands around them.
 *
 * @param open by the place in `networksOf`.
 * @param most that stay open: those that were asked for last.
 */
export const settingOpener = (
  open: (place: number) => Promise<Network>,
  make: (network: Network) => Segmenter,
  most: number,
): ((setting: Setting) => Promise<Segmenter>) => {
  const known = new RecentlyUsed<Promise<Segmenter>>(most);
  const opened = async ({ network, others = [] }: Setting): Promise<Segmenter> => {
    const first = await open(network);
    const further: Network[] = [];
    for (const other of others) further.push(await open(other));
    return make(ensembleOf([first, ...further]));
  };
  return (setting) => {
    const key = JSON.stringify([setting.network, setting.others]);
    const segmenter = known.get(key) ?? opened(setting);
    known.set(key, segmenter);
    return segmenter;
  };
};

/** The CRF of a setting. */
export const crfOf = ({ crf }: Setting, manifest: Manifest): Crf | null => {
  if (crf === "none") return null;
  if (crf === undefined) return manifest.crf ? { parameters: manifest.crf, attacked: true } : null;
  const { attacked, ...parameters } = crf;
  return { parameters, attacked };
};

/** The transformations of a setting; what they draw follows from the evaluation's seed. */
export const defenceOf = ({ defence = {} }: Setting, { transform: own }: Manifest, seed: number): Defence | null => {
  const { transform = own, through = "differentiable", draws = 1 } = defence;
  return transform === undefined || transform === "none" ? null : { transform, seed, through, draws };
};

/** @throws SpecError where attacks are to take transformations in a way of their own, and there are none, or where nothing can stand around the network's pictures. */
const requireFitting = ({ defence, crf }: Setting, manifest: Manifest): void => {
  const { name, transform, input } = manifest;
  if (defence && defence.transform === undefined && transform === undefined)
    throw new SpecError(
      `around: through and draws go with transformations, of which ${name} has none: name some in transform`,
    );
  const planes = channelCount(input.channels);
  if (planes === 1 || planes === 3) return;
  for (const [field, choice] of Object.entries({ transform: defence?.transform, crf }))
    if (choice !== undefined && choice !== "none")
      throw new SpecError(`${field}: goes with pictures of 1 or 3 channels, and those of ${name} have ${planes}`);
};

/** What a unit's identity takes of a setting, without the network's file. @param manifests those of `networksOf`. */
export const describe = (
  setting: Setting,
  manifests: readonly Manifest[],
  seed: number,
): Pick<Segmenter, "manifest" | "crf" | "defence"> => {
  const manifest = manifestOf(setting, manifests);
  requireFitting(setting, manifest);
  return { manifest, crf: crfOf(setting, manifest), defence: defenceOf(setting, manifest, seed) };
};

/** The network as the setting has it. @param segmenter of `settingOpener`. */
export const settle = (segmenter: Segmenter, setting: Setting, seed: number): Segmenter => {
  const { scales, fusion } = setting;
  const seen = scales ? segmenter.withScales(scales, fusion) : segmenter;
  const { manifest } = seen;
  return seen.withCrf(crfOf(setting, manifest)).withTransform(defenceOf(setting, manifest, seed));
};
