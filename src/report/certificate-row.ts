/** Certificates as `faultline certify` writes them, a line for each picture and each σ, and as reports read them. */

import type { Row } from "../evaluation/row.ts";
import type { ClassCounts } from "../metrics/counts.ts";
import { checkCounts, classesIn, readLine, requireNumber, requireRecord, requireText, RowError } from "./read-row.ts";

/** The certified labels of one picture by randomised smoothing, in counts. */
export interface CertificateRow {
  readonly kind: "certificate";
  readonly schema: 1;
  readonly network: { readonly name: string; readonly sha256: string };
  /** The picture's file: its name without ending, by which data sets name their items, and its SHA-256. */
  readonly picture: { readonly name: string; readonly sha256: string };
  readonly reference: Row["reference"];
  readonly smoothing: {
    /** Grey levels. */
    readonly sigma: number;
    readonly tau: number;
    /** The probability that any certified label of the picture is wrong is at most this. */
    readonly alpha: number;
    readonly selection: number;
    readonly samples: number;
    readonly correction: string;
    readonly seed: number;
    /** Groups of classes to which certificates fall back. */
    readonly hierarchy?: readonly { readonly name: string; readonly of: readonly number[] }[] | undefined;
  };
  /** L2 over all pixels and channels, grey levels: perturbations below it change no certified label. */
  readonly radius: number;
  /** Draws of the test that were made. */
  readonly drawn: number;
  /** A pixel that is not certified is predicted to be no class. */
  readonly counts: ClassCounts;
  /** Pixels that are not certified to be of a class, without void ones. */
  readonly abstained: number;
  /** With a hierarchy: pixels certified to be in each vertex, a class or a group, that has the reference's class, and that has not. */
  readonly vertices?: { readonly right: readonly number[]; readonly wrong: readonly number[] } | undefined;
}

/** Whether a line of a file of results, read as JSON, means to be a certificate. */
export const isCertificate = (value: unknown): boolean =>
  typeof value === "object" && value !== null && (value as { readonly kind?: unknown }).kind === "certificate";

/** @throws RowError that says which field is wrong. */
export const checkCertificate = (value: unknown): CertificateRow => {
  const row = requireRecord(value, "certificate");
  if (row["kind"] !== "certificate" || row["schema"] !== 1)
    throw new RowError(
      "the line is no certificate of schema 1; `faultline certify NET IMAGE… -o FILE.jsonl` writes certificates",
    );
  for (const name of ["network", "picture"]) {
    const fields = requireRecord(row[name], name);
    for (const field of ["name", "sha256"]) requireText(fields[field], `${name}.${field}`);
  }
  if (row["reference"] !== "ground-truth" && row["reference"] !== "prediction")
    throw new RowError("`reference` must be ground-truth or prediction");
  const smoothing = requireRecord(row["smoothing"], "smoothing");
  for (const name of ["sigma", "tau", "alpha", "selection", "samples", "seed"])
    requireNumber(smoothing[name], `smoothing.${name}`);
  requireText(smoothing["correction"], "smoothing.correction");
  for (const name of ["radius", "drawn", "abstained"]) requireNumber(row[name], name);
  const { reference, predicted } = checkCounts(row["counts"], "counts", classesIn(row["counts"], "counts"));
  const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  if (total(predicted) + (row["abstained"] as number) !== total(reference))
    throw new RowError("`abstained` and `counts.predicted` must together be the pixels of `counts.reference`");
  return row as unknown as CertificateRow;
};

/** As `checkCertificate`, of a line of JSON. */
export const readCertificate = (line: string): CertificateRow => checkCertificate(readLine(line));
