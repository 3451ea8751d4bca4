/** Evaluations in a bucket: records/ID.json, under runs/ID/ rows and reports, and under networks/ID/ uploaded networks. This machine has nothing but a folder for what runs. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { jsonAt, keysUnder, namesUnder } from "../../store/bucket.ts";
import { each, oneAtATime } from "../../turns.ts";
import { requireObject } from "../bucket-files.ts";
import { jsonFile } from "../files.ts";
import { TOGETHER } from "../ledger-bucket.ts";
import { openBucket, type S3Bucket } from "../s3.ts";
import { addressOf } from "../s3-settings.ts";
import { orUndo } from "../undo.ts";
import { openObject, openRows } from "./bucket-rows.ts";
import { takeLease, type LeaseOptions } from "./lease.ts";
import { files, reports, type EvaluationRecord, type EvaluationStore, type Kept } from "./store.ts";
import { makeFolder, writeSentRun, type Places } from "./workplace.ts";

const recordsKey = "records/";
const networksKey = "networks/";

interface Parts {
  readonly bucket: S3Bucket;
  readonly address: string;
  readonly scratch: string;
  readonly places: Places;
}

const keptAs = (id: string, { bucket, address, scratch, places }: Parts): Kept => {
  const record = `${recordsKey}${id}.json`;
  const folder = `runs/${id}/`;
  const networks = `${networksKey}${id}/`;
  const key = (file: string): string => `${folder}${file}`;
  const placeOf = (file: string): string => `${address}/${key(file)}`;
  /** Requests that overtake each other would leave the older record. */
  const inTurn = oneAtATime();
  const write = (content: EvaluationRecord): Promise<void> =>
    inTurn(async () => void (await bucket.put(record, jsonFile(content))));
  const removeUnder = async (prefix: string): Promise<void> =>
    each(await keysUnder(bucket, prefix), TOGETHER, (name) => bucket.delete(`${prefix}${name}`));
  /** One after another, as they are large. */
  const fetchNetworks = async (into: string): Promise<void> => {
    for (const name of await keysUnder(bucket, networks)) {
      const path = join(into, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bucket.pieces(`${networks}${name}`));
    }
  };
  return {
    // The record is the last: what was not kept whole is removed by the next service.
    create: async (record, uploaded) => {
      for (const name of Object.keys(record.uploaded ?? {}))
        for (const file of await readdir(join(uploaded, name)))
          await bucket.putFile(`${networks}${name}/${file}`, join(uploaded, name, file));
      await write(record);
    },
    write,
    withWorkplace: async (asked, work) => {
      const own = await mkdtemp(join(scratch, "run-"));
      try {
        await makeFolder(own, asked, places);
        if (asked.uploaded) await fetchNetworks(join(own, files.uploaded));
        await work({
          folder: own,
          rows: placeOf(files.rows),
          reports: Object.values(reports).map(placeOf),
          // A second one is refused by the ledger.
          isFree: () => Promise.resolve(true),
          writeSent: async (sent) => {
            await writeSentRun(placeOf(files.run), own, sent);
            await writeFile(join(own, files.sent), bucket.pieces(key(files.rows)));
          },
        });
      } finally {
        await rm(own, { recursive: true, force: true });
      }
    },
    rows: () => openRows(bucket, key(files.rows)),
    report: (type) => openObject(bucket, key(reports[type])),
    // The record is the last, so that what was not removed can be removed again.
    remove: () =>
      inTurn(async () => {
        for (const prefix of [folder, networks]) await removeUnder(prefix);
        await bucket.delete(record);
      }),
  };
};

/** Removes the networks of evaluations that were never kept. */
const removeStray = async (bucket: S3Bucket, ids: readonly string[]): Promise<void> => {
  const known = new Set(ids);
  const keys = await keysUnder(bucket, networksKey);
  const stray = keys.filter((key) => !known.has(key.slice(0, key.indexOf("/"))));
  await each(stray, TOGETHER, (key) => bucket.delete(`${networksKey}${key}`));
};

/**
 * @throws Refusal where another service has the prefix, or the bucket cannot be read or written; UsageError for what is no address of a prefix.
 */
export const bucketEvaluations = async (
  place: string,
  places: Places,
  lease: LeaseOptions,
): Promise<EvaluationStore> => {
  const address = addressOf(requireObject(place));
  const bucket = openBucket(address);
  const { release } = await takeLease(bucket, address, lease);
  const scratch = await orUndo(mkdtemp(join(tmpdir(), "faultline-evaluations-")), release);
  return {
    scratch,
    records: async () => {
      const ids = await namesUnder(bucket, recordsKey);
      await removeStray(bucket, ids);
      const records: EvaluationRecord[] = [];
      await each(ids, TOGETHER, async (id) => {
        const found = (await jsonAt(bucket, `${recordsKey}${id}.json`)) as EvaluationRecord | null;
        if (found) records.push(found);
      });
      return records;
    },
    at: (id) => keptAs(id, { bucket, address, scratch, places }),
    end: async () => {
      await rm(scratch, { recursive: true, force: true });
      await release();
    },
  };
};
