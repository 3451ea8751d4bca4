/** Counts of a set of rows. Ratios are computed from pooled counts: the mean of the images' scores is another quantity. */

import { mergeCounts } from "../metrics/counts.ts";
import type { Row, RowCounts } from "./row.ts";

/** The counts of all rows together. @throws RangeError where there are no rows, or their numbers of classes differ. */
export const pooledCounts = (rows: readonly Pick<Row, "counts">[]): RowCounts => {
  const [first, ...others] = rows;
  if (!first) throw new RangeError("there are no rows to pool");
  return others.reduce<RowCounts>(
    (all, { counts }) => ({
      clean: mergeCounts(all.clean, counts.clean),
      float: mergeCounts(all.float, counts.float),
      uint8: mergeCounts(all.uint8, counts.uint8),
    }),
    first.counts,
  );
};
