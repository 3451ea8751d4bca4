/** What every engine must do, whatever its workers are: rows complete, each counted once, bytes as of a run on one machine. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Row } from "../../../src/evaluation/row.ts";
import type { Group } from "../../../src/evaluation/units.ts";
import { lineOfRow } from "../../../src/jobs/ledger.ts";
import { buildReport } from "../../../src/report/report.ts";
import { createReader } from "../../../src/report/reader.ts";
import { createStore } from "../../../src/report/store.ts";
import { rowFor, workOn } from "./work.ts";

/** A run on the items of these names. */
export interface Work {
  /** The same name is the same run, which goes on. */
  readonly name: string;
  readonly names: readonly string[];
  /** Groups that one worker takes together, by their evaluations; 0: each alone. */
  readonly size: number;
  /** Everything is delivered once more, in another order. */
  readonly isTwice?: boolean;
  /** The ledger is away in two of three cases. */
  readonly isFlaky?: boolean;
  /** It is stopped when it has some rows. */
  readonly stopsEarly?: boolean;
}

export interface Carried {
  readonly failed: readonly { readonly id: string; readonly error: string }[];
  /** Rows that were new to the ledger. */
  readonly added: readonly string[];
  readonly rows: string;
}

export interface Engine {
  readonly carryOut: (work: Work) => Promise<Carried>;
  /** Which units have been begun, by whichever worker. */
  readonly begun: () => Promise<readonly string[]>;
  readonly end: () => Promise<void>;
}

const SIZES = [0, 4] as const;

export const idsOf = (groups: readonly Group[]): string[] => groups.flatMap(({ units }) => units.map(({ id }) => id));
const isFrom =
  (...kinds: readonly string[]) =>
  ({ units }: Group): boolean =>
    kinds.some((kind) => units[0]!.unit.item.startsWith(kind));

/** The file of a run without an engine. */
const expected = (groups: readonly Group[]): string =>
  groups.flatMap(({ units }) => units.map((unit) => `${lineOfRow(rowFor(unit))}\n`)).join("");

const reportOf = (rows: string): object => {
  const store = createStore();
  const reader = createReader(store);
  reader.push(new TextEncoder().encode(rows));
  reader.end();
  return buildReport(store, { seed: 0, runs: [] });
};

/** @param start an engine whose processes share the folder. */
export const testEngine = (start: (folder: string) => Promise<Engine>): void => {
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  let engine: Engine;
  beforeAll(async () => {
    engine = await start(folder);
  });
  afterAll(async () => {
    await engine.end();
    rmSync(folder, { recursive: true });
  });

  it.each(SIZES)("keeps a row of each unit, whatever is delivered twice and in whatever order (%i)", async (size) => {
    const names = ["one", "two", "three", "four", `five-${size}`];
    const groups = await workOn(names);
    const { failed, added, rows } = await engine.carryOut({ name: `twice-${size}`, names, size, isTwice: true });
    expect(failed).toEqual([]);
    expect(added.toSorted()).toEqual(idsOf(groups).toSorted());
    expect(rows).toBe(expected(groups));
    expect(reportOf(rows)).toEqual(reportOf(expected(groups)));
  });

  it("gives the work of a worker that dies in mid unit to another, and ends what kills each", async () => {
    const names = ["a", "mortal", "b", "poison", "c"];
    const groups = await workOn(names);
    const isPoison = (group: Group): boolean => isFrom("poison")(group) && group.attack === null;
    const { failed, rows } = await engine.carryOut({ name: "poison", names, size: 100 });
    expect(failed.map(({ id }) => id)).toEqual(idsOf(groups.filter(isPoison)));
    expect(rows).toBe(expected(groups.filter((group) => !isPoison(group))));
  });

  it("names the units that fail, and tries none of them twice", async () => {
    const names = ["good", "wrong", "fine"];
    const groups = await workOn(names);
    const { failed, rows } = await engine.carryOut({ name: "wrong", names, size: 100 });
    expect(failed.map(({ id, error }) => [id, error])).toEqual(
      idsOf(groups.filter(isFrom("wrong"))).map((id) => [id, "it is wrong"]),
    );
    expect(rows).toBe(expected(groups.filter(isFrom("good", "fine"))));
    const begun = await engine.begun();
    expect(idsOf(groups).map((id) => begun.filter((each) => each === id).length)).toEqual(groups.map(() => 1));
  });

  it("stops where it is, and goes on from there", async () => {
    const names = ["quick", ...Array.from({ length: 4 }, (_, i) => `slow-${i}`)];
    const groups = await workOn(names);
    const own = async (): Promise<readonly string[]> =>
      (await engine.begun()).filter((id) => idsOf(groups).includes(id));
    const first = await engine.carryOut({ name: "stopped", names, size: 4, stopsEarly: true });
    const stopped = await own();
    expect(stopped.length).toBeLessThan(groups.length);
    await setTimeout(1000);
    expect((await own()).length - stopped.length).toBeLessThanOrEqual(4);
    const kept = first.rows
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as Row).id);
    expect(kept.length).toBeGreaterThan(0);
    const { added, rows } = await engine.carryOut({ name: "stopped", names, size: 4 });
    expect([...kept, ...added].toSorted()).toEqual(idsOf(groups).toSorted());
    expect(rows).toBe(expected(groups));
  });

  it("carries out two runs at a time", async () => {
    const both = [
      ["x", "mortal-x", "y"],
      ["p", "q", "mortal-q", "r"],
    ] as const;
    const results = await Promise.all(
      both.map(async (names, i) => {
        const { failed, rows } = await engine.carryOut({ name: `both-${i}`, names, size: 4 });
        return { failed, isWhole: rows === expected(await workOn(names)) };
      }),
    );
    expect(results).toEqual(both.map(() => ({ failed: [], isWhole: true })));
  });

  it("waits for a ledger that is slow or fails for a while", async () => {
    const names = ["k", "l", "m"];
    const groups = await workOn(names);
    const { failed, added, rows } = await engine.carryOut({ name: "flaky", names, size: 0, isFlaky: true });
    expect([failed, rows]).toEqual([[], expected(groups)]);
    expect(added.toSorted()).toEqual(idsOf(groups).toSorted());
  });
};
