/** A D1 database that tells what its statements take, as they are billed. */

export interface D1Tally {
  queries: number;
  read: number;
  written: number;
}

/** The part of a database that the ledger uses. @param tally to which each statement adds its rows. */
export const countedD1 = (db: D1Database, tally: D1Tally): D1Database => {
  const note = <R extends D1Result>(result: R): R => {
    tally.queries += 1;
    tally.read += result.meta.rows_read;
    tally.written += result.meta.rows_written;
    return result;
  };
  const bound = (statement: D1PreparedStatement) => ({
    run: async () => note(await statement.run()),
    all: async () => note(await statement.all()),
    first: async () => note(await statement.all()).results[0] ?? null,
  });
  return {
    prepare: (sql: string) => ({ bind: (...values: unknown[]) => bound(db.prepare(sql).bind(...values)) }),
  } as unknown as D1Database;
};
