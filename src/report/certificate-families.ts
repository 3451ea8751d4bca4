/** Certificates that can stand on one axis: of one network, against one reference, in one norm. */

import { canonicalJson, type Json } from "../evaluation/row.ts";
import { isBound, type BoundRow, type CertificateRow, type SmoothingRow } from "./certificate-row.ts";
import type { Norm } from "../attacks/norms.ts";

/** The certificates of one network against one reference in one norm, by radius and what they were made by, and then by picture. */
export type Family = ReadonlyMap<string, ReadonlyMap<string, CertificateRow>>;

export const normOf = (row: CertificateRow): Norm => (isBound(row) ? "linf" : "l2");

/** How labels were certified: one of the two. */
export interface CertifiedBy {
  readonly smoothing?: SmoothingRow["smoothing"];
  readonly bound?: BoundRow["bound"];
}

export const byOf = (row: CertificateRow): CertifiedBy =>
  isBound(row) ? { bound: row.bound } : { smoothing: row.smoothing };

export const familiesOf = (rows: readonly CertificateRow[]): ReadonlyMap<string, Family> => {
  const families = new Map<string, Map<string, Map<string, CertificateRow>>>();
  for (const row of rows) {
    const key = canonicalJson([row.network.sha256, row.reference, normOf(row)]);
    const family = families.get(key) ?? new Map<string, Map<string, CertificateRow>>();
    families.set(key, family);
    const line = canonicalJson([byOf(row) as unknown as Json, row.radius]);
    family.set(line, (family.get(line) ?? new Map<string, CertificateRow>()).set(row.picture.sha256, row));
  }
  return families;
};
