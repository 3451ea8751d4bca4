/** Numbers and tables as the commands print them. */

import { counted } from "../counted.ts";
import { number } from "../report/format.ts";

/** A table with aligned columns; those of `numeric` are aligned to the right. */
export const table = (rows: readonly (readonly string[])[], numeric: readonly number[] = []): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((r) => r[i]?.length ?? 0)));
  const cell = (text: string, i: number): string =>
    numeric.includes(i) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
};

/** Groups digits: 1234567 as 1 234 567. */
export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, " ");

/** Three digits and an SI prefix: 1.23 G. */
export const short = (count: number): string => {
  const powers = ["", " k", " M", " G", " T", " P"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), powers.length - 1);
  const scaled = count / 1000 ** power;
  return `${power === 0 ? String(scaled) : scaled.toPrecision(3)}${powers[power]}`;
};

/** A score from 0 to 1, or a dash where it is not defined. */
export const scoreText = (value: number | null): string => number(value, 4);

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** In the largest unit of which there is one at least: 512 bytes, 3.5 KiB, 20.0 MiB. */
export const bytesText = (bytes: number): string => {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), 4);
  return power === 0 ? counted(bytes, "byte") : `${(bytes / 1024 ** power).toFixed(1)} ${"KMGT"[power - 1]}iB`;
};

/** RFC 4180: a cell with a comma, a quote or a line break is quoted; null is an empty cell. */
export const csvOf = (rows: readonly (readonly (string | number | null)[])[]): string => {
  const cell = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
};
