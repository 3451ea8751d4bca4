/** Evaluations in a bucket: records/ID.json, and under runs/ID/ rows and reports. This machine has nothing but a folder for what runs. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

interface Parts {
  readonly bucket: S3Bucket;
  readonly address: string;
  readonly scratch: string;
  readonly places: Places;
}

const keptAs = (id: string, { bucket, address, scratch, places }: Parts): Kept => {
  const record = `${recordsKey}${id}.json`;
  const folder = `runs/${id}/`;
  const key = (file: string): string => `${folder}${file}`;
  const placeOf = (file: string): string => `${address}/${key(file)}`;
  /** Requests that overtake each other would leave the older record. */
  const inTurn = oneAtATime();
  const write = (content: EvaluationRecord): Promise<void> =>
    inTurn(async () => void (await bucket.put(record, jsonFile(content))));
  return {
    create: write,
    write,
    withWorkplace: async (spec, work) => {
      const own = await mkdtemp(join(scratch, "run-"));
      try {
        await makeFolder(own, spec, places);
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
        await each(await keysUnder(bucket, folder), TOGETHER, (name) => bucket.delete(key(name)));
        await bucket.delete(record);
      }),
  };
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
