/** The units of an evaluation's networks and attacks, without their pictures. */

import { drawsAnew } from "../segmenter/front.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { tensorOf } from "../tensor.ts";
import { planOf, type AttackOf } from "./attacks-of.ts";
import { canonicalJson, type Unit } from "./row.ts";
import { describe, type Setting } from "./settings.ts";
import type { EvaluationSpec } from "./spec.ts";
import { unitOf } from "./unit.ts";

/** Stands for an item's ground truth, whose name is enough for a unit. */
const truth = tensorOf("uint8", [1, 1], [0]);

/** @param manifests those of `networksOf(spec)`. @param deltas perturbations by their files. */
export const createIdentities = (
  spec: Pick<EvaluationSpec, "seed">,
  manifests: readonly Manifest[],
  settings: readonly Setting[],
  deltas: ReadonlyMap<string, Image>,
) => {
  const described = (place: number, seed: number) => describe(settings[place]!, manifests, seed);
  const isRandom = settings.map((_, place) => drawsAnew(described(place, spec.seed).defence));
  /** Without its item, which is empty. */
  const unit = (source: number, target: number, attack: AttackOf | null): Promise<Unit> => {
    const seed = attack?.seed ?? spec.seed;
    const segmenter = described(target, seed);
    const from = source === target ? segmenter : described(source, seed);
    const plan = attack && planOf(attack, truth, { deltas });
    return unitOf({ segmenter, source: from, item: "", truth }, plan);
  };
  /** Which attacks are not the same as one before, to a setting: units name classes by their names. */
  const firstTo = async (place: number, attacks: readonly AttackOf[]): Promise<Uint8Array> => {
    const seen = new Set<string>();
    const isNew = new Uint8Array(attacks.length);
    for (const [k, attack] of attacks.entries()) {
      const text = canonicalJson((await unit(place, place, attack)).attack);
      isNew[k] = Number(!seen.has(text));
      seen.add(text);
    }
    return isNew;
  };
  return {
    unitOf: unit,
    /** Whether a further seed could make a difference to a setting. */
    drawsAnew: (place: number): boolean => isRandom[place]!,
    /** @param targets how many settings, the first, are scored. @returns whether an attack differs from all before it, to a target. */
    firstOnes: async (
      attacks: readonly AttackOf[],
      targets: number,
    ): Promise<(target: number, attack: number) => boolean> => {
      const byClasses = new Map<string, Uint8Array>();
      const byTarget: Uint8Array[] = [];
      for (let target = 0; target < targets; target++) {
        const classes = JSON.stringify(manifests[settings[target]!.network]!.classes.map(({ name }) => name));
        const isNew = byClasses.get(classes) ?? (await firstTo(target, attacks));
        byClasses.set(classes, isNew);
        byTarget.push(isNew);
      }
      return (target, attack) => byTarget[target]![attack] === 1;
    },
  };
};

export type Identities = ReturnType<typeof createIdentities>;
