/** Runs on one machine: who does what, what is kept, what becomes of failures. */

import { assert, asyncProperty, integer } from "fast-check";
import { describe, expect, it } from "vitest";
import { settingsOf, settle } from "../../src/evaluation/settings.ts";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { planUnits } from "../../src/evaluation/plan-units.ts";
import type { Group } from "../../src/evaluation/units.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { planOf } from "../../src/evaluation/attacks-of.ts";
import type { Row } from "../../src/evaluation/row.ts";
import { idOfLine, lineOfRow } from "../../src/jobs/ledger.ts";
import { parcelsOf, type Parcel } from "../../src/jobs/worker.ts";
import { shareMemory } from "../../src/jobs/memory.ts";
import { createPerformer, type Outcome } from "../../src/jobs/perform.ts";
import { createSchedule } from "../../src/jobs/schedule.ts";
import { smallObjects } from "../../src/metrics/components.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const spec = parseSpec({ networks: ["a", "b"], attacks: ["ifgsm"], epsilon: [2, 8], transferFrom: ["a"] });
const networks = [
  tinyNetwork({ activation: "Tanh" }, { name: "a", sha256: "a".repeat(64) }),
  tinyNetwork({ seed: 2 }, { name: "b", sha256: "b".repeat(64) }),
];
const names = ["one", "two", "three"];
const { groups } = await planUnits(
  spec,
  networks.map(({ manifest }) => manifest),
  names,
);
const parcels = parcelsOf(groups, 0);
const idsOf = (of: readonly Group[]) => of.flatMap(({ units }) => units.map(({ id }) => id));

const cache = new SessionCache(startWasm(), 2 ** 30);
const segmenters = networks.map((network) => createSegmenter(network, cache));
const read = (item: number) =>
  Promise.resolve({ image: noiseImage(12, 16, item + 1), truth: noiseLabels(12, 16, 4, item + 1, true) });

/** Counts what is asked of the networks. */
const counting = (segmenter: Segmenter, calls: { predictions: number; gradients: number }): Segmenter => ({
  ...segmenter,
  predict: (image) => {
    calls.predictions += 1;
    return segmenter.predict(image);
  },
  objective: (aim) => {
    const evaluate = segmenter.objective(aim);
    return (...given) => {
      calls.gradients += 1;
      return evaluate(...given);
    };
  },
});

const performer = (calls = { predictions: 0, gradients: 0 }) =>
  createPerformer({
    segmenterOf: (setting) => Promise.resolve(counting(segmenters[settingsOf(spec).all[setting]!.network]!, calls)),
    read,
    nameOf: (item) => names[item]!,
    seed: 0,
    small: 0.01,
    version: "0",
  });

const rowsOf = (outcomes: readonly Outcome[]): Row[] =>
  outcomes.flatMap((outcome) => ("row" in outcome ? [outcome.row] : []));

describe("a group", () => {
  it("makes its image once, and the clean predictions once for all groups of an item", async () => {
    const calls = { predictions: 0, gradients: 0 };
    const perform = performer(calls);
    const own = groups.filter(({ source, item }) => source === 0 && item === 0);
    const rows = (await sequence(own, perform)).flatMap(rowsOf);
    expect(rows.map(({ id }) => id)).toEqual(idsOf(own));
    // At ε = 2 and 8 three and ten steps; the second network is scored on the same images.
    expect(calls.gradients).toBe(3 + 10);
    // Two clean predictions, and after each attack one of each network, as the images are whole.
    expect(calls.predictions).toBe(2 + 2 * 2);
  });

  it("gives rows that do not depend on what was known before", async () => {
    const together = (await sequence(groups, performer())).flatMap(rowsOf);
    const apart: Row[] = [];
    for (const group of groups)
      for (const unit of group.units) apart.push(...rowsOf(await performer()([{ ...group, units: [unit] }])));
    expect(apart).toEqual(together);
  });

  it("gives the rows of `measure`", async () => {
    const group = groups.find(({ units }) => units.length === 2)!;
    const rows = rowsOf(await performer()([group]));
    const { image, truth } = await read(group.item);
    const [source, target] = segmenters as [Segmenter, Segmenter];
    const plan = planOf(group.attack!, truth);
    const subject = { image, truth, item: names[group.item]!, source, small: smallObjects(truth, 0.01), version: "0" };
    expect(rows).toEqual([
      (await measure({ ...subject, segmenter: source }, plan)).row,
      (await measure({ ...subject, segmenter: target }, plan)).row,
    ]);
  });

  it("takes no more evaluations than were planned", async () => {
    for (const group of groups) {
      const rows = rowsOf(await performer()([group]));
      const spent = rows.reduce((sum, { evaluations }) => sum + evaluations.backward, 0) / rows.length;
      expect(spent).toBe(group.evaluations.backward);
    }
  });

  it("fails unit by unit", async () => {
    const perform = createPerformer({
      segmenterOf: (setting) =>
        setting === 1 ? Promise.reject(new Error("its file is gone")) : Promise.resolve(segmenters[0]!),
      read,
      nameOf: (item) => names[item]!,
      seed: 0,
      small: 0.01,
      version: "0",
    });
    const outcomes = await perform([groups.find(({ units }) => units.length === 2)!]);
    expect(outcomes.map((outcome) => ("row" in outcome ? "row" : outcome.error))).toEqual(["row", "its file is gone"]);
  });
});

const sequence = async (
  of: readonly Group[],
  perform: ReturnType<typeof createPerformer>,
): Promise<(readonly Outcome[])[]> => {
  const all: (readonly Outcome[])[] = [];
  for (const group of of) all.push(await perform([group]));
  return all;
};

it("behind random transformations the rows have the ids that were planned, for every seed", async () => {
  const noisy = parseSpec({
    networks: ["a"],
    attacks: ["ifgsm"],
    epsilon: 2,
    seeds: 2,
    seed: 3,
    transform: [{ transform: [{ name: "noise", sigma: 5 }], draws: 2 }],
  });
  const planned = await planUnits(noisy, [networks[0]!.manifest], ["one"]);
  const perform = createPerformer({
    segmenterOf: (setting, seed) => Promise.resolve(settle(segmenters[0]!, planned.settings[setting]!, seed)),
    read,
    nameOf: () => "one",
    seed: noisy.seed,
    small: 0.01,
    version: "0",
  });
  const outcomes = (await sequence(planned.groups, perform)).flat();
  expect(outcomes.map((outcome) => ("row" in outcome ? outcome.row.id : outcome.error))).toEqual(idsOf(planned.groups));
  const [, , clean, first, second] = rowsOf(outcomes);
  expect(clean!.unit.around).toMatchObject({ seed: 3 });
  expect(first!.counts).not.toEqual(second!.counts);
  expect(first!.evaluations.backward).toBe(2 * 3);
});

describe("the schedule", () => {
  it("gives every group once, to any workers in any order", async () => {
    await assert(
      asyncProperty(integer({ min: 1, max: 5 }), integer({ min: 0, max: 1000 }), async (workers, seed) => {
        const schedule = createSchedule(parcels);
        const given: Parcel[] = [];
        for (let turn = 0, idle = 0; idle < workers; turn++) {
          const next = schedule.next((turn * 7 + seed) % workers);
          idle = next ? 0 : idle + 1;
          if (next) given.push(next);
        }
        expect(idsOf(given.flat()).toSorted()).toEqual(idsOf(groups).toSorted());
        return Promise.resolve();
      }),
    );
  });

  it("keeps a worker at its batch, and lets an idle one help with the longest", () => {
    const schedule = createSchedule(parcels.filter(([group]) => group!.batch < 2));
    const first = [0, 0, 1].map((worker) => schedule.next(worker)![0]!.batch);
    expect(first).toEqual([0, 0, 1]);
    const rest = Array.from({ length: 3 }, () => schedule.next(1)?.[0]?.batch);
    expect(rest).toEqual([1, 1, 0]);
  });
});

it("parcels hold the groups of one batch, in their order, up to a number of evaluations", () => {
  const most = 20;
  const made = parcelsOf(groups, most);
  expect(made.flat()).toEqual(groups);
  const sizeOf = (of: Parcel) => of.reduce((sum, { evaluations: e }) => sum + e.forward + e.backward, 0);
  expect(made.filter((parcel) => new Set(parcel.map(({ batch }) => batch)).size > 1)).toEqual([]);
  expect(made.filter((parcel) => parcel.length > 1 && sizeOf(parcel) > most)).toEqual([]);
  // None could take the first group of the next one.
  const open = made.filter((parcel, i) => {
    const [first] = made[i + 1] ?? [];
    return first?.batch === parcel[0]!.batch && sizeOf([...parcel, first]) <= most;
  });
  expect(open).toEqual([]);
  expect(made.some((parcel) => parcel.length > 1)).toBe(true);
  expect(parcelsOf(groups, 0)).toEqual(groups.map((group) => [group]));
});

describe("memory", () => {
  it("is for as many workers as fit", async () => {
    const MIB = 2 ** 20;
    expect(await shareMemory(4, 1000 * MIB, () => 300 * MIB)).toMatchObject({ workers: 3, predictedBytes: 300 * MIB });
    expect(await shareMemory(4, 2 ** 40, () => MIB)).toMatchObject({ workers: 4, budgetBytes: 2 ** 31 });
    await expect(shareMemory(4, 200 * MIB, () => 300 * MIB)).rejects.toThrow("predicted to take 300 MiB");
  });
});

it("a line is a row's or it is none", async () => {
  const [outcome] = await performer()([groups[0]!]);
  const [own] = rowsOf([outcome!]);
  expect(idOfLine(lineOfRow(own!))).toBe(own!.id);
  for (const line of ["", "{", "null", '{"schema":1,"id":"a"}', lineOfRow(own!).slice(0, -1)])
    expect(idOfLine(line)).toBeNull();
});
