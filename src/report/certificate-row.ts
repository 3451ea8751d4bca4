/** Certificates as `faultline certify` writes them, a line for each picture and each radius, and as reports read them. */

import type { Row } from "../evaluation/row.ts";
import { sum, type ClassCounts } from "../metrics/counts.ts";
import { checkCounts, classesIn, readLine, requireNumber, requireRecord, requireText, RowError } from "./read-row.ts";

/** The certified labels of one picture, in counts. */
interface Certified {
  readonly kind: "certificate";
  readonly schema: 1;
  readonly network: { readonly name: string; readonly sha256: string };
  /** The picture's file: its name without ending, by which data sets name their items, and its SHA-256. */
  readonly picture: { readonly name: string; readonly sha256: string };
  readonly reference: Row["reference"];
  /** Grey levels: perturbations below it change no certified label. */
  readonly radius: number;
  /** A pixel that is not certified is predicted to be no class. */
  readonly counts: ClassCounts;
  /** Pixels that are not certified, without void ones. */
  readonly abstained: number;
}

/** By randomised smoothing, of the smoothed network; the radius is an L2 norm over all pixels and channels. */
export interface SmoothingRow extends Certified {
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
  /** Draws of the test that were made. */
  readonly drawn: number;
  /** With a hierarchy: pixels certified to be in each vertex, a class or a group, that has the reference's class, and that has not. */
  readonly vertices?: { readonly right: readonly number[]; readonly wrong: readonly number[] } | undefined;
}

/** By bounds of the network itself, with float32 rounding; the radius is an L∞ norm, ε. */
export interface BoundRow extends Certified {
  readonly bound: {
    /** "interval" or "linear". */
    readonly method: string;
    /** The pixels of the sample that linear bounds are of; null for all. */
    readonly pixels: number | null;
  };
}

export type CertificateRow = SmoothingRow | BoundRow;

export const isBound = (row: CertificateRow): row is BoundRow => "bound" in row;

const checkSmoothing = (row: Readonly<Record<string, unknown>>): void => {
  const smoothing = requireRecord(row["smoothing"], "smoothing");
  for (const name of ["sigma", "tau", "alpha", "selection", "samples", "seed"])
    requireNumber(smoothing[name], `smoothing.${name}`);
  requireText(smoothing["correction"], "smoothing.correction");
  requireNumber(row["drawn"], "drawn");
};

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
  if (row["bound"] === undefined) checkSmoothing(row);
  else requireText(requireRecord(row["bound"], "bound")["method"], "bound.method");
  for (const name of ["radius", "abstained"]) requireNumber(row[name], name);
  const { reference, predicted } = checkCounts(row["counts"], "counts", classesIn(row["counts"], "counts"));
  if (sum(predicted) + (row["abstained"] as number) !== sum(reference))
    throw new RowError("`abstained` and `counts.predicted` must together be the pixels of `counts.reference`");
  return row as unknown as CertificateRow;
};

/** As `checkCertificate`, of a line of JSON. */
export const readCertificate = (line: string): CertificateRow => checkCertificate(readLine(line));
