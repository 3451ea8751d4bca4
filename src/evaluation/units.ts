/** The units of an evaluation, in their order: pure planning, before a network's weights or a picture are read. */

import { attackEntry, makeAttack } from "../attacks/catalogue.ts";
import { createFronts, drawsAnew } from "../segmenter/front.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { tensorOf } from "../tensor.ts";
import { addsDelta, attacksOf, isTargeted, planOf, type AttackOf } from "./attacks-of.ts";
import type { Evaluations } from "./craft.ts";
import { canonicalJson, unitId, type Unit } from "./row.ts";
import { describe, networksOf, settingsOf, type Setting, type Settings } from "./settings.ts";
import { NetworksError, SpecError, type EvaluationSpec } from "./spec.ts";
import { aroundOf, unitOf } from "./unit.ts";

/** A unit with the setting that is scored. */
export interface PlannedUnit {
  readonly id: string;
  readonly unit: Unit;
  /** The setting that is scored, by its place. */
  readonly target: number;
}

/** Units that share an adversarial image, which is made once. Plain data. */
export interface Group {
  /** Groups of one number share the source and the item. */
  readonly batch: number;
  /** Which picture. */
  readonly item: number;
  /** The setting whose objective is climbed, by its place. */
  readonly source: number;
  /** Null: the clean image is scored. */
  readonly attack: AttackOf | null;
  readonly units: readonly PlannedUnit[];
  /** Evaluations of the network that the group takes at most. */
  readonly evaluations: Evaluations;
}

export interface PlanOptions {
  readonly isOwn?: (batch: number) => boolean;
  readonly deltas?: ReadonlyMap<string, Image>;
}

export interface UnitPlan {
  readonly settings: readonly Setting[];
  readonly groups: readonly Group[];
}

/** Stands for an item's ground truth, whose name is enough for a unit. */
const truth = tensorOf("uint8", [1, 1], [0]);

/** @throws SpecError for networks that could not be told apart, or whose classes are not as many. */
const requireDistinct = ({ all }: Settings, manifests: readonly Manifest[], spec: EvaluationSpec): void => {
  const names = networksOf(spec);
  const seen = new Map<string, number>();
  for (const [place, setting] of all.entries()) {
    const described = describe(setting, manifests, spec.seed);
    const around = aroundOf(described, spec.seed);
    const key = `${described.manifest.sha256} ${canonicalJson(around ? { ...around } : null)}`;
    const other = all[seen.get(key) ?? place]!;
    if (other !== setting)
      throw other.network === setting.network
        ? new SpecError(`${names[setting.network]}: two of its variants are the same`)
        : new NetworksError(
            `networks: ${names[other.network]} and ${names[setting.network]} are one file; a manifest of another preprocessing names the first as its "network"`,
          );
    seen.set(key, place);
  }
  const [first] = manifests;
  const channels = manifests.map(({ input }) => channelCount(input.channels));
  const other = channels.findIndex((count) => count !== channels[0]);
  if (other !== -1)
    throw new NetworksError(
      `networks: ${names[0]} takes pictures of ${channels[0]} channels and ${names[other]} of ${channels[other]}; one evaluation takes networks of the same channels`,
    );
  const different = manifests.findIndex(({ classes }) => classes.length !== first?.classes.length);
  if (different !== -1)
    throw new NetworksError(
      `networks: ${names[0]} has ${first?.classes.length} classes and ${names[different]} ${manifests[different]?.classes.length}; one evaluation takes networks of the same classes`,
    );
};

/** Draws over which a setting averages each gradient. */
const drawsOf = ({ defence }: Setting): number => (defence ? createFronts({ ...defence, seed: 0 }).draws : 1);

/** At most: an attack may end early, and a whole-numbered image is predicted once for both forms. */
const costOf = (attack: AttackOf | null, source: Setting, targets: number): Evaluations => {
  if (!attack) return { forward: 1, backward: 0 };
  if (addsDelta(attack)) return { forward: 2 * targets, backward: 0 };
  const { trajectories } = makeAttack(attack.attack, { ...attack, pixelRange: null }, isTargeted(attack));
  const steps = (kinds: readonly string[]): number =>
    trajectories.reduce((sum, { rule, steps: own }) => sum + (kinds.includes(rule.needs) ? own : 0), 0);
  const judged = trajectories.length > 1 ? trajectories.length : 0;
  const draws = drawsOf(source);
  return {
    forward: draws * steps(["gradient", "value"]) + steps(["labels"]) + judged + 2 * targets,
    backward: draws * steps(["gradient"]),
  };
};

/** In place of an attack's number. */
const CLEAN = -1;

/**
 * The units in the order of the settings, the items and the attacks. What a network is attacked with on an image stands together, the
 * clean image first.
 *
 * @param manifests those of `networksOf(spec)`.
 * @param items the names of the pictures.
 * @param options `isOwn`: which batches are planned; the others take neither time nor memory. `deltas`: perturbations by their files.
 * @throws SpecError for what only shows when it is put together.
 */
export const planUnits = async (
  spec: EvaluationSpec,
  manifests: readonly Manifest[],
  items: readonly string[],
  { isOwn = () => true, deltas = new Map() }: PlanOptions = {},
): Promise<UnitPlan> => {
  const settings = settingsOf(spec);
  requireDistinct(settings, manifests, spec);
  const attacks = attacksOf(spec, { classes: manifests[0]?.classes ?? [], deltas });
  const describedAt = (place: number, seed: number) => describe(settings.all[place]!, manifests, seed);
  const isRandom = settings.all.map((_, place) => drawsAnew(describedAt(place, spec.seed).defence));
  /** Whether a further seed could make a difference. */
  const differs = (source: number, target: number, attack: AttackOf): boolean =>
    (!addsDelta(attack) && attackEntry(attack.attack).random) || isRandom[source]! || isRandom[target]!;
  const groups: Group[] = [];
  const known = new Set<string>();
  // A unit without its item is made once, and shared by all pictures.
  const templates = new Map<string, Unit>();
  const templateOf = async (source: number, target: number, attack: number): Promise<Unit> => {
    const key = `${source} ${target} ${attack}`;
    const own = attacks[attack];
    const { seed } = own ?? spec;
    const scored = describedAt(target, seed);
    const identified = {
      segmenter: scored,
      source: source === target ? scored : describedAt(source, seed),
      item: "",
      truth,
    };
    const plan = own ? planOf(own, truth, { deltas }) : null;
    const template = templates.get(key) ?? (await unitOf(identified, plan));
    templates.set(key, template);
    return template;
  };
  const planned = async (item: string, source: number, targets: readonly number[], attack: number) => {
    const units: PlannedUnit[] = [];
    for (const target of targets) {
      const unit = { ...(await templateOf(source, target, attack)), item };
      const id = await unitId(unit);
      if (known.has(id)) continue;
      known.add(id);
      units.push({ id, unit, target });
    }
    return units;
  };
  const costs = new Map<string, Evaluations>();
  const costFor = (source: number, place: number, targets: number): Evaluations => {
    const key = `${source} ${place} ${targets}`;
    const cost = costs.get(key) ?? costOf(attacks[place] ?? null, settings.all[source]!, targets);
    costs.set(key, cost);
    return cost;
  };
  let batch = 0;
  for (const source of settings.all.keys()) {
    const isTarget = settings.targets.includes(source);
    const scoredBy = (attack: AttackOf | null): readonly number[] =>
      attack && !addsDelta(attack) ? settings.aims[source]! : isTarget ? [source] : [];
    for (const [item, name] of items.entries()) {
      const places = isOwn(batch) ? [CLEAN, ...attacks.keys()] : [];
      for (const place of places) {
        const attack = attacks[place] ?? null;
        const varying = scoredBy(attack).filter(
          (t) => !attack || attack.seed === spec.seed || differs(source, t, attack),
        );
        const units = await planned(name, source, varying, place);
        if (units.length === 0) continue;
        groups.push({ batch, item, source, attack, units, evaluations: costFor(source, place, units.length) });
      }
      batch += 1;
    }
  }
  return { settings: settings.all, groups };
};

/** The batches of one of `count` shards: whole ones in turn, so that what a machine computes of an image is used there. */
export const inShard =
  (index: number, count: number) =>
  (batch: number): boolean =>
    batch % count === index;

/** What is left of the groups where these units are done. */
export const remaining = (groups: readonly Group[], done: ReadonlySet<string>): readonly Group[] =>
  groups.flatMap((group) => {
    const units = group.units.filter(({ id }) => !done.has(id));
    return units.length === 0 ? [] : [{ ...group, units }];
  });

/** Evaluations of all groups together. */
export const totalOf = (groups: readonly Group[]): Evaluations =>
  groups.reduce(
    ({ forward, backward }, { evaluations }) => ({
      forward: forward + evaluations.forward,
      backward: backward + evaluations.backward,
    }),
    { forward: 0, backward: 0 },
  );
