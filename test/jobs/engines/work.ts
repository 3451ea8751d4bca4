/** Work for tests of engines: units with rows that follow from their ids, and items that do harm. No network is run. */

import { sha256Of } from "../../../src/digest.ts";
import type { Item } from "../../../src/evaluation/items.ts";
import { unitId, type Row, type Unit } from "../../../src/evaluation/row.ts";
import type { Group, PlannedUnit } from "../../../src/evaluation/units.ts";
import type { Outcome } from "../../../src/jobs/perform.ts";
import { random } from "../../../src/random.ts";
import { countsWith, rowOf } from "../../support/rows.ts";

const RADII = [1, 2] as const;

/** Clean and attacked at two radii, on each item; a batch is an item. */
export const workOn = async (names: readonly string[], network = "a"): Promise<readonly Group[]> => {
  const groups: Group[] = [];
  for (const [item, name] of names.entries())
    for (const epsilon of [null, ...RADII]) {
      const attack = epsilon === null ? null : { attack: "fgsm", epsilon };
      const unit: Unit = { networkSha256: await sha256Of(network), attack, item: name, seed: 0 };
      const units: readonly PlannedUnit[] = [{ id: await unitId(unit), unit, target: 0 }];
      const evaluations = { forward: 1, backward: epsilon ?? 0 };
      groups.push({ batch: item, item, source: 0, attack: attack as Group["attack"], units, evaluations });
    }
  return groups;
};

export const itemsOf = (names: readonly string[]): readonly Item[] => names.map((name, street) => ({ name, street }));

/** The row of a unit, on any machine. */
export const rowFor = ({ id, unit }: PlannedUnit): Row => {
  const next = random(Number.parseInt(id.slice(0, 8), 16));
  const reference = [50, 60, 70];
  const clean = countsWith(next, reference, 0.9);
  const float = unit.attack === null ? clean : countsWith(next, reference, 0.5);
  return { ...rowOf({ item: unit.item, attack: unit.attack, counts: { clean, float, uint8: float } }), id, unit };
};

/** What a test's workers share. */
export interface Marks {
  /** Notes that a unit is begun. */
  readonly begin: (id: string) => void;
  readonly isFirstTime: (mark: string) => boolean;
}

/**
 * Carries out a group: the clean unit of "poison…" ends the worker each time, that of "mortal…" the first time, "wrong…" fails, "slow…" takes 0.3 s; all
 * others take from 0 to 20 ms.
 *
 * @param die ends the worker in mid unit.
 */
export const carryOut = async (
  { units }: Group,
  {
    begin,
    isFirstTime: isFirst,
    die,
    wait,
  }: Marks & { readonly die: () => unknown; readonly wait: (milliseconds: number) => Promise<unknown> },
): Promise<readonly Outcome[]> => {
  const [first] = units as [PlannedUnit];
  const { item: name } = first.unit;
  begin(first.id);
  await wait(name.startsWith("slow") ? 300 : Number.parseInt(first.id.slice(0, 4), 16) % 20);
  const isClean = first.unit.attack === null;
  if (isClean && name.startsWith("poison")) await die();
  if (isClean && name.startsWith("mortal") && isFirst(`died-${first.id}`)) await die();
  return units.map((unit) => (name.startsWith("wrong") ? { unit, error: "it is wrong" } : { row: rowFor(unit) }));
};
