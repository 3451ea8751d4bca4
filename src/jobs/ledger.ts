/** The rows of a run as they are kept: a line each, identified by its unit. */

import type { Row } from "../evaluation/row.ts";

/** Where rows are kept. Rows are recorded in any order, and stand in the plan's at the end. */
export interface Ledger {
  /** The ids of the rows that are there. */
  readonly done: () => ReadonlySet<string>;
  /** Resolves when the rows are kept for good, to the ids that are new; a row that is there already stays as it is. */
  readonly record: (rows: readonly Row[]) => Promise<readonly string[]>;
  /** Puts the rows in the order of these ids, which are all that there may be. */
  readonly arrange: (ids: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The text of a row, without a line break. */
export const lineOfRow = (row: Row): string => JSON.stringify(row);

/** The id of a line's row; null for a line that is none of the current schema. */
export const idOfLine = (line: string): string | null => {
  try {
    const { schema, id } = JSON.parse(line) as { readonly schema?: unknown; readonly id?: unknown };
    return schema === 2 && typeof id === "string" && /^[0-9a-f]{64}$/.test(id) ? id : null;
  } catch {
    return null;
  }
};

/** How the line of every row begins. */
const beginning = '{"schema":2,"id":"';

/** Whether a text may be the beginning of a row's line, as a crash leaves it. */
export const beginsRow = (text: string): boolean =>
  beginning.startsWith(text.slice(0, beginning.length)) &&
  (text.length <= beginning.length || text.startsWith(beginning));
