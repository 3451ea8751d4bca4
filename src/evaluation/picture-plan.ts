/**
 * What a picture is evaluated by. All pictures have the same groups, so that these are counted by arithmetic and made by their numbers:
 * what an evaluation takes is known before any of its units is made.
 */

import { attackEntry } from "../attacks/catalogue.ts";
import { RecentlyUsed } from "../segmenter/recently-used.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { costOf, drawsOf, effortOf } from "./attack-costs.ts";
import { addsDelta, attacksOf, type AttackOf } from "./attacks-of.ts";
import type { Evaluations } from "./craft.ts";
import { requireDistinct } from "./distinct.ts";
import { numberGroups } from "./group-numbers.ts";
import { createIdentities, type Identities } from "./identities.ts";
import { unitId, type Unit } from "./row.ts";
import { describe, settingsOf, type Setting, type Settings } from "./settings.ts";
import type { EvaluationSpec } from "./spec.ts";
import type { Group } from "./units.ts";

/** Groups of a picture that follow each other and take the same. Plain data. */
export interface Alike {
  readonly source: number;
  readonly groups: number;
  /** Of each group. */
  readonly units: number;
  /** Of each group, at most. */
  readonly evaluations: Evaluations;
}

/** A picture, and the number of its groups' batch. */
export interface OnPicture {
  readonly batch: number;
  readonly item: number;
  readonly name: string;
}

export interface PicturePlan {
  readonly settings: readonly Setting[];
  /** Each at each of its radii, with the first seed. */
  readonly attacks: readonly AttackOf[];
  /** The numbers of the groups of each setting as a source: from one up to another. */
  readonly sources: readonly { readonly from: number; readonly to: number }[];
  /** All groups in their order. */
  readonly alike: () => Iterable<Alike>;
  /** @param number from 0. */
  readonly groupAt: (number: number, on: OnPicture) => Promise<Group>;
}

/** A group without its picture. */
interface Template extends Pick<Group, "source" | "attack" | "evaluations"> {
  readonly scored: readonly { readonly target: number; readonly unit: Unit }[];
}

/** The groups of an attack on a source: with the first seed, then with further seeds, then repeated. */
interface Runs {
  readonly attack: AttackOf | null;
  /** What is scored with the first seed, and in repeats. */
  readonly first: readonly number[];
  /** What is scored with each further seed: where that could make a difference. */
  readonly further: readonly number[];
  readonly seeds: number;
  readonly repeats: number;
}

/** Groups that are remembered for further pictures: some MiB. */
const REMEMBERED = 4096;

const countOf = ({ first, seeds, repeats }: Runs): number => (first.length === 0 ? 0 : 1 + seeds + repeats);

/** What is scored, and the attack as it is run: with its seed, with further ones, then repeated from other starts, counted from 1. @param run which of the groups, from 0. */
const runAt = ({ attack, first, further, seeds }: Runs, run: number, seed: number) => {
  if (!attack || run === 0) return { attack, targets: first };
  if (run <= seeds) return { attack: { ...attack, seed: seed + run }, targets: further };
  return { attack: { ...attack, repeat: run - seeds }, targets: first };
};

/** Finds the groups of a source and an attack; the clean picture stands in the first place, before the attacks. */
const runsFinder = async (
  spec: EvaluationSpec,
  { all, targets, aimsOf }: Settings,
  attacks: readonly AttackOf[],
  { drawsAnew, firstOnes }: Identities,
): Promise<(source: number, place: number) => Runs> => {
  const isNew = await firstOnes(attacks, targets);
  const aims = all.map((_, source) => (attacks.length === 0 ? [] : aimsOf(source)));
  return (source, place) => {
    const own = source < targets ? [source] : [];
    const attack = attacks[place - 1];
    if (!attack) return { attack: null, first: own, further: [], seeds: 0, repeats: 0 };
    const isAdded = addsDelta(attack);
    const first = (isAdded ? own : aims[source]!).filter((target) => isNew(target, place - 1));
    const isRandom = !isAdded && attackEntry(attack.attack).random;
    const further = first.filter((target) => isRandom || drawsAnew(source) || drawsAnew(target));
    const seeds = further.length === 0 ? 0 : spec.seeds - 1;
    return { attack, first, further, seeds, repeats: isAdded ? 0 : spec.repeats };
  };
};

/**
 * @param manifests those of `networksOf(spec)`.
 * @param given `deltas`: perturbations by their files.
 * @throws SpecError for what only shows when it is put together.
 */
export const planPicture = async (
  spec: EvaluationSpec,
  manifests: readonly Manifest[],
  { deltas = new Map() }: { readonly deltas?: ReadonlyMap<string, Image> | undefined } = {},
): Promise<PicturePlan> => {
  const settings = settingsOf(spec);
  requireDistinct(settings, manifests, spec);
  const attacks = attacksOf(spec, { classes: manifests[0]?.classes ?? [], deltas });
  const identities = createIdentities(spec, manifests, settings.all, deltas);
  const runsOf = await runsFinder(spec, settings, attacks, identities);
  const [sources, places] = [settings.all.length, 1 + attacks.length];
  const { ranges, find } = numberGroups(sources, places, (source, place) => countOf(runsOf(source, place)));
  const efforts = [null, ...attacks.map(effortOf)];
  const draws = settings.all.map((setting) => drawsOf(describe(setting, manifests, spec.seed).defence));

  const alikeIn = (source: number, place: number): readonly Alike[] => {
    const { first, further, seeds, repeats } = runsOf(source, place);
    const of = (groups: number, { length: units }: readonly number[]): Alike => {
      return { source, groups, units, evaluations: costOf(efforts[place]!, draws[source]!, units) };
    };
    return [of(1, first), of(seeds, further), of(repeats, first)].filter(({ groups, units }) => groups * units > 0);
  };
  const made = async (number: number): Promise<Template> => {
    const { source, place, run } = find(number);
    const { attack, targets } = runAt(runsOf(source, place), run, spec.seed);
    const scored: { readonly target: number; readonly unit: Unit }[] = [];
    for (const target of targets) scored.push({ target, unit: await identities.unitOf(source, target, attack) });
    return { source, attack, evaluations: costOf(efforts[place]!, draws[source]!, targets.length), scored };
  };
  // Values, not promises: a Worker must not await those of another request.
  const known = new RecentlyUsed<Template>(REMEMBERED);
  return {
    settings: settings.all,
    attacks,
    sources: ranges,
    alike: function* () {
      for (let source = 0; source < sources; source++)
        for (let place = 0; place < places; place++) yield* alikeIn(source, place);
    },
    groupAt: async (number, { batch, item, name }) => {
      const template = known.get(`${number}`) ?? (await made(number));
      known.set(`${number}`, template);
      const { source, attack, evaluations, scored } = template;
      const units = scored.map(async ({ target, unit: without }) => {
        const unit = { ...without, item: name };
        return { id: await unitId(unit), unit, target };
      });
      return { batch, item, source, attack, units: await Promise.all(units), evaluations };
    },
  };
};

/** What groups have together. */
export interface Total extends Evaluations {
  readonly groups: number;
  readonly units: number;
}

export const totalOfAlike = (all: Iterable<Alike>): Total => {
  let [groups, units, forward, backward] = [0, 0, 0, 0];
  for (const each of all) {
    groups += each.groups;
    units += each.groups * each.units;
    forward += each.groups * each.evaluations.forward;
    backward += each.groups * each.evaluations.backward;
  }
  return { groups, units, forward, backward };
};
