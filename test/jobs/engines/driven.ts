/** An engine whose workers are driven by `runParcels`, with a ledger in a file. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { remaining } from "../../../src/evaluation/units.ts";
import type { Ledger } from "../../../src/jobs/ledger.ts";
import { runParcels } from "../../../src/jobs/run.ts";
import { parcelsOf, type Parcel, type Worker } from "../../../src/jobs/worker.ts";
import { openLedger } from "../../../src/node/ledger-file.ts";
import { idsOf, type Carried, type Engine, type Work } from "./suite.ts";
import { begunIn } from "./marks.ts";
import { workOn } from "./work.ts";

/** The workers of one run, until it ends. */
export interface Engaged {
  readonly workers: readonly Worker[];
  readonly end: () => Promise<void>;
}

/** Each group in two parcels, which are cut differently. */
const parcelsFor = async ({ names, size, isTwice = false }: Work, done: ReadonlySet<string>): Promise<Parcel[]> => {
  const groups = remaining(await workOn(names), done);
  return [...parcelsOf(groups, size), ...(isTwice ? parcelsOf(groups.toReversed(), size + 1) : [])];
};

/** Fails two times of three. */
const flaky = (ledger: Pick<Ledger, "record">): Pick<Ledger, "record"> => {
  let calls = 0;
  return {
    record: async (rows) => {
      calls += 1;
      await setTimeout(calls % 5);
      if (calls % 3 !== 0) throw new Error("the ledger is away");
      return ledger.record(rows);
    },
  };
};

/** Where rows are kept, by the names of works. */
export interface Results {
  readonly open: (name: string) => Promise<Ledger>;
  /** All rows, as they are kept. */
  readonly read: (name: string) => Promise<string>;
}

const resultsIn = (folder: string): Results => {
  const pathOf = (name: string): string => join(folder, `${name}.jsonl`);
  return { open: (name) => openLedger(pathOf(name)), read: async (name) => readFile(pathOf(name), "utf8") };
};

/**
 * @param folder which the engine's processes share.
 * @param engage starts the workers of a run.
 */
export const drivenEngine = (
  folder: string,
  engage: (names: readonly string[]) => Promise<Engaged>,
  end: () => Promise<void> = () => Promise.resolve(),
  results = resultsIn(folder),
): Engine => ({
  begun: () => Promise.resolve(begunIn(folder)),
  end,
  carryOut: async (work): Promise<Carried> => {
    const { name, names, isFlaky = false, stopsEarly = false } = work;
    const ledger = await results.open(name);
    const parcels = await parcelsFor(work, ledger.done());
    const { workers, end: dismiss } = await engage(names);
    const added: string[] = [];
    const counting: Pick<Ledger, "record"> = {
      record: async (rows) => {
        const fresh = await ledger.record(rows);
        added.push(...fresh);
        return fresh;
      },
    };
    const abort = new AbortController();
    try {
      const failed = await runParcels({
        parcels,
        workers,
        signal: abort.signal,
        ledger: isFlaky ? flaky(counting) : counting,
        pauses: Array.from({ length: 50 }, () => 1),
        onParcel: () => stopsEarly && abort.abort(new Error("enough")),
      });
      await ledger.arrange(idsOf(await workOn(names)));
      return {
        failed: failed.map(({ unit: { id }, error }) => ({ id, error })),
        added,
        rows: await results.read(name),
      };
    } catch (cause) {
      if (!abort.signal.aborted) throw cause;
      return { failed: [], added, rows: await results.read(name) };
    } finally {
      await dismiss();
      await ledger.close();
    }
  },
});
