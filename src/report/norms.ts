/** How reports write norms. */

import type { Norm } from "../attacks/norms.ts";

/** What stands behind a name, among words that are joined: L∞ is not named. */
export const normMark = (norm: Norm | undefined): readonly string[] => (norm === "l2" ? ["(L2)"] : []);
