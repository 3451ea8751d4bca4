/** PNG's row filters (W3C PNG, section 9): Recon(x) from Filt(x) and the bytes left (a), above (b) and above left (c). */
import { ImageError } from "./error.ts";

/**
 * The one of a, b and c that is nearest to a + b − c; of equally near ones the first. Differences shifted to masks choose it in place of
 * branches, which the processor could not predict.
 */
const paeth = (a: number, b: number, c: number): number => {
  const p = b - c;
  const q = a - c;
  const pa = Math.abs(p);
  const pb = Math.abs(q);
  const pc = Math.abs(p + q);
  const isB = (pb - pa) >> 31;
  const nearer = pa ^ ((pa ^ pb) & isB);
  const chosen = a ^ ((a ^ b) & isB);
  const isC = (pc - nearer) >> 31;
  return chosen ^ ((chosen ^ c) & isC);
};

/** Reverses a row's filter in place. @param above the reconstructed previous row (zeros for the first). @param step bytes per pixel. */
export const unfilterRow = (filter: number, row: Uint8Array, above: Uint8Array, step: number): void => {
  const left = (i: number): number => (i < step ? 0 : row[i - step]!);
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < row.length; i++) row[i] = row[i]! + row[i - step]!;
      return;
    case 2:
      for (let i = 0; i < row.length; i++) row[i] = row[i]! + above[i]!;
      return;
    case 3:
      for (let i = 0; i < row.length; i++) row[i] = row[i]! + ((left(i) + above[i]!) >> 1);
      return;
    case 4:
      for (let i = 0; i < step; i++) row[i] = row[i]! + above[i]!;
      for (let i = step; i < row.length; i++) row[i] = row[i]! + paeth(row[i - step]!, above[i]!, above[i - step]!);
      return;
    default:
      throw new ImageError("malformed", `PNG: a row has the unknown filter ${filter}`);
  }
};

/** Writes the Paeth-filtered `row` to `out`. */
export const filterPaeth = (row: Uint8Array, above: Uint8Array, step: number, out: Uint8Array): void => {
  for (let i = 0; i < step; i++) out[i] = row[i]! - above[i]!;
  for (let i = step; i < row.length; i++) out[i] = row[i]! - paeth(row[i - step]!, above[i]!, above[i - step]!);
};
