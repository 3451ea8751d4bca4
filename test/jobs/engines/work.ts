/** Work for tests of engines: units with rows that follow from their ids, and items that do harm. No network is run. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
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

/** Which units have been begun, by whichever process. */
export const begunIn = (folder: string): readonly string[] => {
  try {
    return readFileSync(join(folder, "begun"), "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
};

const isFirstTime = (folder: string, mark: string): boolean => {
  try {
    writeFileSync(join(folder, mark), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
};

/**
 * Carries out a group: the clean unit of "poison…" ends the worker each time, that of "mortal…" the first time, "wrong…" fails, "slow…" takes 0.3 s; all
 * others take from 0 to 20 ms.
 *
 * @param folder what the processes of a test share.
 * @param die ends the worker in mid unit.
 */
export const carryOut = async (
  { units }: Group,
  { folder, die, signal }: { readonly folder: string; readonly die: () => unknown; readonly signal: AbortSignal },
): Promise<readonly Outcome[]> => {
  const [first] = units as [PlannedUnit];
  const { item: name } = first.unit;
  appendFileSync(join(folder, "begun"), `${first.id}\n`);
  await setTimeout(name.startsWith("slow") ? 300 : Number.parseInt(first.id.slice(0, 4), 16) % 20, undefined, {
    signal,
  });
  const isClean = first.unit.attack === null;
  if (isClean && name.startsWith("poison")) await die();
  if (isClean && name.startsWith("mortal") && isFirstTime(folder, `died-${first.id}`)) await die();
  return units.map((unit) => (name.startsWith("wrong") ? { unit, error: "it is wrong" } : { row: rowFor(unit) }));
};
