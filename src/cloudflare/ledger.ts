/** The ledger of a Worker's evaluations in D1: what there is, and which parcels are done. Every statement may be repeated. */

import type { EvaluationPrediction, EvaluationState } from "../contract/evaluations.ts";
import type { GivenSpec } from "../evaluation/spec.ts";

/** What never changes of an evaluation. Plain data. */
export interface EvaluationRecord {
  readonly spec: GivenSpec;
  /** The digests of its uploaded networks, by their names; absent for none. */
  readonly uploaded?: Readonly<Record<string, string>> | undefined;
  readonly predicted: EvaluationPrediction;
  readonly maxCpuHours: number;
  /** Of all pictures. */
  readonly parcels: number;
  /** What its parcels are carried out by, which the ledger does not look into. */
  readonly plan: unknown;
}

/** A run of an evaluation. */
export interface Run {
  readonly evaluation: string;
  /** Counts from 1; a retry is the next one. */
  readonly run: number;
}

export interface Entry extends EvaluationRecord {
  readonly id: string;
  readonly created: string;
  readonly state: EvaluationState;
  /** Counts from 1. */
  readonly run: number;
  /** Milliseconds since 1970 of the beginning of the run. */
  readonly began: number;
  readonly reason?: string | undefined;
}

export interface Progress {
  readonly units: number;
  readonly failed: number;
  readonly spentMs: number;
}

/** Parcels below a number, none of which is on its way any more, and what they have taken. Plain data. */
export interface Settled {
  readonly below: number;
  readonly spentMs: number;
}

/** How a run stands. */
export interface Standing {
  /** Parcels that were sent, and have not come back. */
  readonly waiting: number;
  /** Of all parcels. */
  readonly spentMs: number;
  readonly settled: Settled;
}

/** What has become of a parcel. */
export interface ParcelEnd {
  readonly units: number;
  readonly failed: number;
  readonly spentMs: number;
}

interface EntryRow {
  readonly id: string;
  readonly created: string;
  readonly record: string;
  readonly state: EvaluationState;
  readonly run: number;
  readonly began: number;
  readonly reason: string | null;
}

const entryOf = ({ record, reason, ...row }: EntryRow): Entry => ({
  ...(JSON.parse(record) as EvaluationRecord),
  ...row,
  ...(reason === null ? {} : { reason }),
});

const columns = "id, created, record, state, run, began, reason";

/** @param now milliseconds since 1970. */
export const createLedger = (db: D1Database, now: () => number = Date.now) => {
  const query = (sql: string, ...values: unknown[]) => db.prepare(sql).bind(...values);
  const entry = async (where: string, ...values: unknown[]): Promise<Entry | null> => {
    const row = await query(`SELECT ${columns} FROM evaluations WHERE ${where}`, ...values).first<EntryRow>();
    return row && entryOf(row);
  };
  const changed = async (sql: string, ...values: unknown[]): Promise<boolean> =>
    (await query(sql, ...values).run()).meta.changes > 0;
  /** The numbers of parcels that a statement returns, in its order. */
  const numbers = async (sql: string, ...values: unknown[]): Promise<readonly number[]> => {
    const { results } = await query(sql, ...values).all<{ number: number }>();
    return results.map(({ number }) => number);
  };

  return {
    find: (id: string) => entry("id = ?", id),
    withKey: (key: string) => entry("idempotency_key = ?", key),
    /** The data sets that evaluations name. */
    dataSets: async (): Promise<readonly string[]> => {
      const names = query("SELECT DISTINCT json_extract(record, '$.spec.data.path') AS name FROM evaluations");
      return (await names.all<{ name: string | null }>()).results.flatMap(({ name }) => name ?? []);
    },
    count: async (): Promise<number> =>
      (await query("SELECT COUNT(*) AS n FROM evaluations").first<{ n: number }>())?.n ?? 0,
    /** False where another evaluation has the key. */
    add: (id: string, record: EvaluationRecord, key: string | undefined): Promise<boolean> =>
      changed(
        `INSERT INTO evaluations (id, created, idempotency_key, record, state, run, began) VALUES (?, ?, ?, ?, 'queued', 1, ?) ON CONFLICT DO NOTHING`,
        id,
        new Date(now()).toISOString(),
        key ?? null,
        JSON.stringify(record),
        now(),
      ),
    /** Whether the run was in one of the states. */
    setState: (id: string, run: number, from: readonly EvaluationState[], to: EvaluationState, reason?: string) =>
      changed(
        `UPDATE evaluations SET state = ?, reason = ? WHERE id = ? AND run = ? AND state IN (SELECT value FROM json_each(?))`,
        to,
        reason ?? null,
        id,
        run,
        JSON.stringify(from),
      ),
    /** The next run of an evaluation that has ended, unless another request has begun it. */
    nextRun: (id: string, run: number): Promise<boolean> =>
      changed(
        `UPDATE evaluations SET run = run + 1, state = 'queued', reason = NULL, began = ? WHERE id = ? AND run = ?`,
        now(),
        id,
        run,
      ),
    /** Notes parcels as sent, but for those that are done without a failure. @returns those of this run that have not come back. */
    send: async (id: string, run: number, from: number, to: number): Promise<readonly number[]> => {
      await query(
        `WITH RECURSIVE numbers (n) AS (SELECT ?3 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?4)
         INSERT INTO parcels (evaluation, number, run, state, seen) SELECT ?1, n, ?2, 'sent', ?5 FROM numbers WHERE true
         ON CONFLICT (evaluation, number) DO UPDATE SET run = ?2, state = 'sent', seen = ?5
         WHERE parcels.run < ?2 AND (parcels.state <> 'done' OR parcels.failed > 0)`,
        id,
        run,
        from,
        to,
        now(),
      ).run();
      return numbers(
        `SELECT number FROM parcels WHERE evaluation = ? AND run = ? AND state = 'sent' AND number >= ? AND number < ? ORDER BY number`,
        id,
        run,
        from,
        to,
      );
    },
    isSent: async (id: string, run: number, number: number): Promise<boolean> =>
      (await query(
        `SELECT 1 FROM parcels WHERE evaluation = ? AND number = ? AND run = ? AND state = 'sent'`,
        id,
        number,
        run,
      ).first()) !== null,
    /** The results are in the bucket. A parcel that comes twice counts once: true for the first time. */
    record: (id: string, run: number, number: number, { units, failed, spentMs }: ParcelEnd): Promise<boolean> =>
      changed(
        `UPDATE parcels SET state = 'done', units = ?, failed = ?, spent_ms = ?, seen = ? WHERE evaluation = ? AND number = ? AND run = ? AND state <> 'done'`,
        units,
        failed,
        spentMs,
        now(),
        id,
        number,
        run,
      ),
    /** The queue has given it up. */
    lose: (id: string, run: number, number: number, units: number): Promise<boolean> =>
      changed(
        `UPDATE parcels SET state = 'lost', units = ?, failed = ?, seen = ? WHERE evaluation = ? AND number = ? AND run = ? AND state = 'sent'`,
        units,
        units,
        now(),
        id,
        number,
        run,
      ),
    /** It has stopped on its way, after so much. */
    touch: (id: string, run: number, number: number, spentMs: number): Promise<boolean> =>
      changed(
        `UPDATE parcels SET seen = ?, spent_ms = ? WHERE evaluation = ? AND number = ? AND run = ? AND state = 'sent'`,
        now(),
        spentMs,
        id,
        number,
        run,
      ),
    progress: async (id: string): Promise<Progress> => {
      const row = await query(
        `SELECT COALESCE(SUM(units - failed), 0) AS units, COALESCE(SUM(failed), 0) AS failed, COALESCE(SUM(spent_ms), 0) AS spentMs
         FROM parcels WHERE evaluation = ?`,
        id,
      ).first<Progress>();
      return row!;
    },
    /**
     * Reads what is on its way, and of what has come back only what came since the last look, so that a run of many windows stays linear.
     *
     * @param to all parcels of the run below it have been sent, and no others.
     */
    standing: async (id: string, { below, spentMs }: Settled, to: number): Promise<Standing> => {
      const sent = await query(
        `SELECT COUNT(*) AS waiting, MIN(number) AS first FROM parcels WHERE evaluation = ? AND state = 'sent'`,
        id,
      ).first<{ readonly waiting: number; readonly first: number | null }>();
      const { waiting, first } = sent!;
      const next = first ?? to;
      const since = await query(
        `SELECT COALESCE(SUM(spent_ms), 0) AS spentMs, COALESCE(SUM(iif(number < ?3, spent_ms, 0)), 0) AS settledMs
         FROM parcels WHERE evaluation = ?1 AND number >= ?2`,
        id,
        below,
        next,
      ).first<{ readonly spentMs: number; readonly settledMs: number }>();
      return {
        waiting,
        spentMs: spentMs + since!.spentMs,
        settled: { below: next, spentMs: spentMs + since!.settledMs },
      };
    },
    /** Numbers of parcels whose results are there, in their order. */
    done: (id: string, from: number, to: number): Promise<readonly number[]> =>
      numbers(
        `SELECT number FROM parcels WHERE evaluation = ? AND state = 'done' AND number >= ? AND number < ? ORDER BY number`,
        id,
        from,
        to,
      ),
    /** Evaluations that wait or run. */
    going: async (): Promise<readonly Entry[]> => {
      const { results } = await query(
        `SELECT ${columns} FROM evaluations WHERE state IN ('queued', 'running')`,
      ).all<EntryRow>();
      return results.map(entryOf);
    },
    /** Parcels of an evaluation of which none has been heard of since; they are then taken to have been sent again. */
    stalled: (id: string, run: number, since: number, most: number): Promise<readonly number[]> =>
      numbers(
        `UPDATE parcels SET seen = ?1 WHERE evaluation = ?2 AND number IN (
           SELECT number FROM parcels WHERE evaluation = ?2 AND run = ?3 AND state = 'sent'
           AND NOT EXISTS (SELECT 1 FROM parcels WHERE evaluation = ?2 AND seen >= ?4) ORDER BY number LIMIT ?5)
         RETURNING number`,
        now(),
        id,
        run,
        since,
        most,
      ),
    remove: async (id: string): Promise<void> => {
      await db.batch([
        query("DELETE FROM parcels WHERE evaluation = ?", id),
        query("DELETE FROM evaluations WHERE id = ?", id),
      ]);
    },
  };
};

export type CloudLedger = ReturnType<typeof createLedger>;
