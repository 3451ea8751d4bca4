/** What every engine must do, whatever its workers are: rows complete, each counted once, bytes as of a run on one machine. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Row } from "../../../src/evaluation/row.ts";
import { remaining, type Group } from "../../../src/evaluation/units.ts";
import { lineOfRow, type Ledger } from "../../../src/jobs/ledger.ts";
import { runParcels, type Run } from "../../../src/jobs/run.ts";
import { parcelsOf, type Parcel, type Worker } from "../../../src/jobs/worker.ts";
import { openLedger } from "../../../src/node/ledger-file.ts";
import { buildReport } from "../../../src/report/report.ts";
import { createReader } from "../../../src/report/reader.ts";
import { createStore } from "../../../src/report/store.ts";
import { begunIn, rowFor, workOn } from "./work.ts";

/** The workers of one run, until it ends. */
export interface Engaged {
  readonly workers: readonly Worker[];
  readonly end: () => Promise<void>;
}

export interface Engine {
  /** @param names of the run's items. */
  readonly engage: (names: readonly string[]) => Promise<Engaged>;
  readonly end: () => Promise<void>;
}

/** Groups that one worker takes together, by their evaluations; 0: each alone. */
const SIZES = [0, 4] as const;

const idsOf = (groups: readonly Group[]): string[] => groups.flatMap(({ units }) => units.map(({ id }) => id));
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

  let runs = 0;
  /** Carries out parcels into a file; returns it, the failures, and how often each row was new. */
  const carriedOut = async (
    names: readonly string[],
    parcels: readonly Parcel[],
    given: Partial<Run> & {
      readonly around?: (ledger: Ledger) => Pick<Ledger, "record">;
      readonly path?: string;
    } = {},
  ) => {
    const { around = (ledger) => ledger, path = join(folder, `${runs++}.jsonl`), ...options } = given;
    const ledger = await openLedger(path);
    const { workers, end } = await engine.engage(names);
    const added: string[] = [];
    const counting: Ledger = {
      ...ledger,
      record: async (rows) => {
        const fresh = await ledger.record(rows);
        added.push(...fresh);
        return fresh;
      },
    };
    try {
      const signal = new AbortController().signal;
      const failed = await runParcels({ parcels, workers, signal, ...options, ledger: around(counting) });
      await ledger.arrange(idsOf(await workOn(names)));
      return { failed, added, path, rows: readFileSync(path, "utf8") };
    } finally {
      await end();
      await ledger.close();
    }
  };

  it.each(SIZES)("keeps a row of each unit, whatever is delivered twice and in whatever order (%i)", async (size) => {
    const names = ["one", "two", "three", "four", `five-${size}`];
    const groups = await workOn(names);
    // Each group in two parcels, which are cut differently.
    const parcels = [...parcelsOf(groups, size), ...parcelsOf(groups.toReversed(), size + 1)];
    const { failed, added, rows } = await carriedOut(names, parcels);
    expect(failed).toEqual([]);
    expect(added.toSorted()).toEqual(idsOf(groups).toSorted());
    expect(rows).toBe(expected(groups));
    expect(reportOf(rows)).toEqual(reportOf(expected(groups)));
  });

  it("gives the work of a worker that dies in mid unit to another, and ends what kills each", async () => {
    const names = ["a", "mortal", "b", "poison", "c"];
    const groups = await workOn(names);
    const isPoison = (group: Group): boolean => isFrom("poison")(group) && group.attack === null;
    const { failed, rows } = await carriedOut(names, parcelsOf(groups, 100));
    expect(failed.map(({ unit }) => unit.id)).toEqual(idsOf(groups.filter(isPoison)));
    expect(rows).toBe(expected(groups.filter((group) => !isPoison(group))));
  });

  it("names the units that fail, and tries none of them twice", async () => {
    const names = ["good", "wrong", "fine"];
    const groups = await workOn(names);
    const { failed, rows } = await carriedOut(names, parcelsOf(groups, 100));
    expect(failed.map(({ unit, error }) => [unit.id, error])).toEqual(
      idsOf(groups.filter(isFrom("wrong"))).map((id) => [id, "it is wrong"]),
    );
    expect(rows).toBe(expected(groups.filter(isFrom("good", "fine"))));
    const begun = begunIn(folder);
    expect(idsOf(groups).map((id) => begun.filter((each) => each === id).length)).toEqual(groups.map(() => 1));
  });

  it("stops where it is, and goes on from there", async () => {
    const names = ["quick", ...Array.from({ length: 4 }, (_, i) => `slow-${i}`)];
    const groups = await workOn(names);
    const path = join(folder, "stopped.jsonl");
    const abort = new AbortController();
    const run = carriedOut(names, parcelsOf(groups, 1000), {
      path,
      signal: abort.signal,
      onParcel: () => abort.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
    const stopped = begunIn(folder).filter((id) => idsOf(groups).includes(id));
    expect(stopped.length).toBeLessThan(groups.length);
    await setTimeout(1000);
    expect(begunIn(folder).filter((id) => idsOf(groups).includes(id)).length - stopped.length).toBeLessThanOrEqual(4);
    const kept = new Set(
      readFileSync(path, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as Row).id),
    );
    expect(kept.size).toBeGreaterThan(0);
    // What is left, as a command that goes on hands it over.
    const { added, rows } = await carriedOut(names, parcelsOf(remaining(groups, kept), 4), { path });
    expect(added.toSorted()).toEqual(idsOf(remaining(groups, kept)).toSorted());
    expect(rows).toBe(expected(groups));
  });

  it("carries out two runs at a time", async () => {
    const both = [
      ["x", "mortal-x", "y"],
      ["p", "q", "mortal-q", "r"],
    ] as const;
    const results = await Promise.all(
      both.map(async (names) => {
        const groups = await workOn(names);
        const { failed, rows } = await carriedOut(names, parcelsOf(groups, 4));
        return { failed, isWhole: rows === expected(groups) };
      }),
    );
    expect(results).toEqual(both.map(() => ({ failed: [], isWhole: true })));
  });

  it("waits for a ledger that is slow or fails for a while, and ends where it fails for good", async () => {
    const names = ["k", "l", "m"];
    const groups = await workOn(names);
    let calls = 0;
    const flaky = (ledger: Ledger): Pick<Ledger, "record"> => ({
      record: async (rows) => {
        calls += 1;
        await setTimeout(calls % 5);
        if (calls % 3 !== 0) throw new Error("the ledger is away");
        return ledger.record(rows);
      },
    });
    const pauses = Array.from({ length: 50 }, () => 1);
    const { failed, added, rows } = await carriedOut(names, parcelsOf(groups, 0), { around: flaky, pauses });
    expect([failed, rows]).toEqual([[], expected(groups)]);
    expect(added.toSorted()).toEqual(idsOf(groups).toSorted());
    const gone = { around: () => ({ record: () => Promise.reject(new Error("disk full")) }), pauses: [1, 1] };
    await expect(carriedOut(names, parcelsOf(groups, 0), gone)).rejects.toThrow("disk full");
  });
};
