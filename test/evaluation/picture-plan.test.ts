/** Counting before making: what an evaluation takes is arithmetic, and a unit is made when its number is asked for. */

import { beforeEach, expect, it, vi } from "vitest";
import * as catalogue from "../../src/attacks/catalogue.ts";
import * as digest from "../../src/digest.ts";
import { planPicture, totalOfAlike } from "../../src/evaluation/picture-plan.ts";
import { alikeOn, planUnits } from "../../src/evaluation/plan-units.ts";
import { parseSpec, type GivenSpec } from "../../src/evaluation/spec.ts";
import { inShard, totalOf } from "../../src/evaluation/units.ts";
import { parcelsOfPicture } from "../../src/jobs/numbered.ts";
import { parcelsOf } from "../../src/jobs/worker.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

vi.mock(import("../../src/digest.ts"), { spy: true });
vi.mock(import("../../src/attacks/catalogue.ts"), { spy: true });
/** The id of a unit is a digest. */
const [made, attacks] = [vi.mocked(digest.sha256Of), vi.mocked(catalogue.makeAttack)];
beforeEach(() => vi.clearAllMocks());

const manifests = ["a", "b"].map((name, i) => tinyManifest({ name, sha256: String(i).repeat(64) }));
const on = { batch: 0, item: 0, name: "one" };

it("of 2 attacks at 99 radii with 1000 seeds and repeats makes no unit until it is asked for", async () => {
  const epsilon = Array.from({ length: 99 }, (_, i) => i + 1);
  const given: GivenSpec = { networks: ["a"], attacks: ["ifgsm", "pgd"], epsilon, seeds: 1000, repeats: 1000 };
  const plan = await planPicture(parseSpec(given), manifests.slice(0, 1));
  const total = totalOfAlike(plan.alike());
  // The clean picture; ifgsm is not random, and has one seed.
  expect(total.units).toBe(1 + 99 * (1 + 1000) + 99 * (1000 + 1000));
  expect(total.groups).toBe(total.units);
  expect([...plan.alike()].length).toBeLessThanOrEqual(1 + 2 * 99 * 3);
  expect(made).toHaveBeenCalledTimes(0);
  // One attack at one radius is made to check it, to know its cost and to tell it from the others, whatever its seeds and repeats.
  expect(attacks.mock.calls.length).toBeLessThanOrEqual(3 * 2 * 99);
  const last = await plan.groupAt(total.groups - 1, on);
  expect(last).toMatchObject({ attack: { attack: "pgd", epsilon: 99, repeat: 1000, seed: 0 } });
  expect(made).toHaveBeenCalledTimes(1);
  expect((await plan.groupAt(1 + 99 * 1001 + 999, on)).attack).toMatchObject({ epsilon: 1, seed: 999 });
});

const noise = { transform: [{ name: "noise" as const, sigma: 2 }], draws: 3 };
const specs: readonly GivenSpec[] = [
  { networks: ["a", "b"], attacks: [], transferFrom: ["a"] },
  { networks: ["a"], attacks: ["pgd", "ifgsm", "sea", "pgd"], epsilon: [2, 4, 2], seeds: 3, repeats: 2 },
  { networks: ["a", "b"], attacks: ["pgd", "fmn"], epsilon: 2, seeds: 2, transferFrom: ["b"], transform: [noise] },
  { networks: ["a"], attacks: ["square"], epsilon: 2, transferFrom: [{ networks: ["a", "b"] }] },
];

it.each(specs)("counts what is made, and cuts it into the same parcels: %j", async (given) => {
  const spec = parseSpec(given);
  const own = manifests.slice(0, JSON.stringify(given).includes('"b"') ? 2 : 1);
  const plan = await planPicture(spec, own);
  for (const isOwn of [inShard(0, 1), inShard(1, 2)]) {
    const { groups } = await planUnits(spec, own, ["one", "two", "three"], { isOwn });
    const units = groups.reduce((sum, group) => sum + group.units.length, 0);
    expect(totalOfAlike(alikeOn(plan, 3, isOwn))).toEqual({ groups: groups.length, units, ...totalOf(groups) });
  }
  const { groups } = await planUnits(spec, own, ["one"]);
  for (const most of [0, 30, 1e9]) {
    const parcels = parcelsOf(groups, most);
    const numbered = parcelsOfPicture(
      plan.alike(),
      most,
      (each) => each.evaluations.forward + each.evaluations.backward,
    );
    expect(numbered.units).toEqual(parcels.map((parcel) => parcel.flatMap((group) => group.units).length));
    expect(numbered.starts.slice(0, -1)).toEqual(parcels.map(([first]) => groups.indexOf(first!)));
    const sources = parcels.map(([first]) => first!.source);
    expect(numbered.counts).toEqual([...new Set(sources)].map((source) => sources.filter((s) => s === source).length));
  }
});
