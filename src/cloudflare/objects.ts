/** What is kept of a Worker's evaluations in R2. Objects are written whole, and the same work writes the same bytes. */

import type { ReportType } from "../contract/evaluations.ts";
import type { Item } from "../evaluation/items.ts";
import type { Outcome } from "../jobs/perform.ts";
import { lineOfRow } from "../jobs/ledger.ts";
import { parseManifest, type Manifest } from "../segmenter/manifest.ts";

/** What there is of a parcel: all of its outcomes, or those of the groups that are done. */
export interface KeptParcel {
  /** The run in which its units failed. */
  readonly run: number;
  readonly outcomes: readonly Outcome[];
  /** How often each group was begun after a delivery that did not end. */
  readonly tries: readonly number[];
  /** The group whose attack has stopped on its way, by its place. */
  readonly stopped?: number | undefined;
  readonly spentMs: number;
}

/** Items that are kept together. */
const ITEMS_TOGETHER = 500;

const number = (value: number): string => String(value).padStart(9, "0");

/** The rows of outcomes, a line each. */
export const linesOf = (outcomes: readonly Outcome[]): string =>
  outcomes.flatMap((outcome) => ("row" in outcome ? [`${lineOfRow(outcome.row)}\n`] : [])).join("");

/** Keys that one request removes. */
const REMOVED_TOGETHER = 1000;

export const createObjects = (bucket: R2Bucket) => {
  const folder = (id: string): string => `evaluations/${id}`;
  const json = async <T>(key: string): Promise<T | null> => {
    const object = await bucket.get(key);
    return object && object.json<T>();
  };
  const put = async (key: string, value: string | Uint8Array): Promise<void> => void (await bucket.put(key, value));
  const parcelKey = (id: string, at: number): string => `${folder(id)}/parcels/${number(at)}.json`;
  const craftKey = (id: string, at: number, group: number): string => `${folder(id)}/stopped/${number(at)}.${group}`;
  const itemsKey = (id: string, slice: number): string => `${folder(id)}/items/${number(slice)}.json`;
  const manifestsKey = (id: string): string => `${folder(id)}/networks.json`;
  const rowsKey = (id: string, run: number, chunk: number): string =>
    `${folder(id)}/rows/${run}/${number(chunk)}.jsonl`;
  const reportKey = (id: string, type: ReportType): string => `${folder(id)}/report/${type.replace("/", "-")}`;
  return {
    parcel: (id: string, at: number) => json<KeptParcel>(parcelKey(id, at)),
    putParcel: (id: string, at: number, kept: KeptParcel) => put(parcelKey(id, at), JSON.stringify(kept)),
    /** The state of a group's attack that has stopped. */
    craft: async (id: string, at: number, group: number): Promise<Uint8Array | null> => {
      const object = await bucket.get(craftKey(id, at, group));
      return object && new Uint8Array(await object.arrayBuffer());
    },
    putCraft: (id: string, at: number, group: number, bytes: Uint8Array) => put(craftKey(id, at, group), bytes),
    dropCraft: (id: string, at: number, group: number): Promise<void> => bucket.delete(craftKey(id, at, group)),
    putItems: async (id: string, items: readonly Item[]): Promise<void> => {
      for (let at = 0; at < items.length; at += ITEMS_TOGETHER)
        await put(itemsKey(id, at / ITEMS_TOGETHER), JSON.stringify(items.slice(at, at + ITEMS_TOGETHER)));
    },
    item: async (id: string, at: number): Promise<Item> => {
      const slice = await json<readonly Item[]>(itemsKey(id, Math.floor(at / ITEMS_TOGETHER)));
      const item = slice?.[at % ITEMS_TOGETHER];
      if (item) return item;
      throw new Error(`picture ${at} of evaluation ${id} is not in the bucket`);
    },
    /** Of the networks that it was planned with. */
    putManifests: (id: string, manifests: readonly Manifest[]) => put(manifestsKey(id), JSON.stringify(manifests)),
    manifests: async (id: string): Promise<readonly Manifest[]> => {
      const kept = await json<readonly unknown[]>(manifestsKey(id));
      if (kept) return kept.map(parseManifest);
      throw new Error(`the manifests of evaluation ${id} are not in the bucket`);
    },
    putRows: (id: string, run: number, chunk: number, lines: string) => put(rowsKey(id, run, chunk), lines),
    rows: (id: string, run: number, chunk: number): Promise<R2ObjectBody | null> => bucket.get(rowsKey(id, run, chunk)),
    putReport: (id: string, type: ReportType, text: string) => put(reportKey(id, type), text),
    report: (id: string, type: ReportType): Promise<R2ObjectBody | null> => bucket.get(reportKey(id, type)),
    remove: async (id: string): Promise<void> => {
      for (;;) {
        const { objects } = await bucket.list({ prefix: `${folder(id)}/`, limit: REMOVED_TOGETHER });
        if (objects.length === 0) return;
        await bucket.delete(objects.map(({ key }) => key));
      }
    },
  };
};

export type CloudObjects = ReturnType<typeof createObjects>;
