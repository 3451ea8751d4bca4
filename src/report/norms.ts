/** The norms of radii, and how reports write them. */

export const norms = ["linf", "l2"] as const;

export type Norm = (typeof norms)[number];

export const normText = (norm: Norm): string => (norm === "l2" ? "L2" : "L∞");

/** What stands behind a name, among words that are joined: L∞ is not named. */
export const normMark = (norm: Norm | undefined): readonly string[] => (norm === "l2" ? ["(L2)"] : []);
