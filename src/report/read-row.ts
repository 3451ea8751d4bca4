/** Rows from text that nobody has vouched for: each is checked before it is counted. */

import type { Row } from "../evaluation/row.ts";
import { sum, type ClassCounts } from "../metrics/counts.ts";

/** A line that is no row of schema 2. */
export class RowError extends Error {
  override readonly name = "RowError";
}

/** Levels of objects and lists in a unit. Functions that call themselves for each level would run out of stack. */
const MAX_LEVELS = 16;

/** Labels are bytes, and 255 is void. */
const MAX_CLASSES = 255;

export type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const requireRecord = (value: unknown, name: string): Fields => {
  if (isRecord(value)) return value;
  throw new RowError(`\`${name}\` must be an object`);
};

export const requireText = (value: unknown, name: string): void => {
  if (typeof value !== "string") throw new RowError(`\`${name}\` must be a text`);
};

export const requireNumber = (value: unknown, name: string): void => {
  if (typeof value !== "number" || !(value >= 0)) throw new RowError(`\`${name}\` must be a number of at least 0`);
};

/** A value in a message. */
const shown = (value: unknown): string => {
  if (Array.isArray(value)) return "a list";
  return isRecord(value) ? "an object" : (JSON.stringify(value) ?? "missing");
};

const isShallow = (value: unknown, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  for (const own of Object.values(value)) if (!isShallow(own, levels - 1)) return false;
  return true;
};

const checkNumbers = (values: unknown, name: string, classes: number): readonly number[] => {
  if (!Array.isArray(values) || values.length !== classes)
    throw new RowError(`\`${name}\` must be a list of ${classes} numbers of pixels, one for each class`);
  // A number is its own unsigned 32-bit integer just where it is one.
  for (let i = 0; i < classes; i++) {
    const n = (values as readonly unknown[])[i];
    if (typeof n !== "number" || n >>> 0 !== n)
      throw new RowError(`\`${name}\` holds ${shown(n)}, which is no number of pixels`);
  }
  return values as readonly number[];
};

export const checkCounts = (value: unknown, name: string, classes: number): ClassCounts => {
  const fields = requireRecord(value, name);
  const truePositive = checkNumbers(fields["truePositive"], `${name}.truePositive`, classes);
  const reference = checkNumbers(fields["reference"], `${name}.reference`, classes);
  const predicted = checkNumbers(fields["predicted"], `${name}.predicted`, classes);
  for (let c = 0; c < classes; c++)
    if (truePositive[c]! > reference[c]! || truePositive[c]! > predicted[c]!)
      throw new RowError(`\`${name}\`: class ${c} has more true positives than reference or predicted pixels`);
  // Both are of the same pixels. A prediction that is no class is in none, as is a pixel on which a certificate abstains.
  const [counted, labelled] = [sum(reference), sum(predicted)];
  if (labelled > counted)
    throw new RowError(
      `\`${name}\`: ${labelled} pixels are predicted as a class, and the reference has ${counted}; it must have at least as many`,
    );
  return fields as unknown as ClassCounts;
};

/** The number of classes that counts have. @throws RowError */
export const classesIn = (value: unknown, name: string): number => {
  const { reference } = requireRecord(value, name);
  const classes = Array.isArray(reference) ? reference.length : 0;
  if (classes >= 1 && classes <= MAX_CLASSES) return classes;
  throw new RowError(`\`${name}.reference\` must have from 1 to ${MAX_CLASSES} classes`);
};

const checkAll = (value: unknown, name: string): void => {
  const counts = requireRecord(value, name);
  const classes = classesIn(counts["clean"], `${name}.clean`);
  const checked = ["clean", "float", "uint8"].map((kind) => checkCounts(counts[kind], `${name}.${kind}`, classes));
  const [first, ...others] = checked;
  for (const other of others)
    if (other.reference.some((n, c) => n !== first!.reference[c]))
      throw new RowError(`\`${name}\`: the reference of clean, float and uint8 differ`);
};

const checkRegion = (value: unknown): void => {
  const forms = requireRecord(value, "region");
  for (const form of ["clean", "float", "uint8"]) {
    const counts = requireRecord(forms[form], `region.${form}`);
    for (const name of ["pixels", "reached", "elsewhere", "kept"])
      requireNumber(counts[name], `region.${form}.${name}`);
  }
};

const checkUnit = (value: unknown): void => {
  const unit = requireRecord(value, "unit");
  if (!isShallow(unit, MAX_LEVELS))
    throw new RowError(`\`unit\` has more than ${MAX_LEVELS} levels of objects and lists`);
  requireText(unit["networkSha256"], "unit.networkSha256");
  requireText(unit["item"], "unit.item");
  requireNumber(unit["seed"], "unit.seed");
  if (unit["source"] !== undefined) requireText(unit["source"], "unit.source");
  if (unit["repeat"] !== undefined) requireNumber(unit["repeat"], "unit.repeat");
  if (unit["attack"] !== null) {
    const attack = requireRecord(unit["attack"], "unit.attack");
    requireText(attack["attack"], "unit.attack.attack");
    if (attack["epsilon"] !== undefined) requireNumber(attack["epsilon"], "unit.attack.epsilon");
  }
  for (const name of ["around", "sourceAround"])
    if (unit[name] !== undefined) requireRecord(unit[name], `unit.${name}`);
};

/**
 * A row that can be counted.
 *
 * @throws RowError that says which field is wrong and what it must be.
 */
export const checkRow = (value: unknown): Row => {
  const row = requireRecord(value, "row");
  if (row["schema"] !== 2) throw new RowError(`the row's schema is ${shown(row["schema"])}; schema 2 can be read`);
  requireText(row["id"], "id");
  checkUnit(row["unit"]);
  if (row["reference"] !== "ground-truth" && row["reference"] !== "prediction")
    throw new RowError(`\`reference\` must be "ground-truth" or "prediction", not ${shown(row["reference"])}`);
  checkAll(row["counts"], "counts");
  if (row["small"] !== undefined) checkAll(row["small"], "small");
  if (row["region"] !== undefined) checkRegion(row["region"]);
  const distances = requireRecord(row["distances"], "distances");
  for (const name of ["l2", "linf"]) requireNumber(distances[name], `distances.${name}`);
  const masking = requireRecord(row["masking"], "masking");
  for (const name of ["zeroGradientShare", "confidence"]) requireNumber(masking[name], `masking.${name}`);
  const signs = row["signs"];
  if (signs !== undefined && !(Array.isArray(signs) && signs.every((sign) => typeof sign === "string")))
    throw new RowError("`signs` must be a list of texts");
  requireText(requireRecord(row["receipt"], "receipt")["model"], "receipt.model");
  return row as unknown as Row;
};

/** The value of a line of JSON. @throws RowError */
export const readLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new RowError("the line is not JSON", { cause });
  }
};
