/** Rows as a Parquet file: the fields of a row as columns, counts as lists by class. */

import { ParquetWriter, fileWriter, type SchemaElement } from "hyparquet-writer";
import type { ClassCounts } from "../metrics/counts.ts";
import { canonicalJson, type Json, type Row, type RowCounts } from "../evaluation/row.ts";

type Value = string | number | boolean | null | readonly number[];

interface Column {
  readonly name: string;
  readonly schema: readonly SchemaElement[];
  readonly of: (row: Row) => Value;
}

type Kind = "text" | "integer" | "number" | "boolean";

const types: Readonly<Record<Kind, Omit<SchemaElement, "name">>> = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
};

/** A column whose values may be absent. */
const column = (name: string, kind: Kind, of: (row: Row) => string | number | boolean | undefined): Column => ({
  name,
  schema: [{ name, repetition_type: "OPTIONAL", ...types[kind] }],
  of: (row) => of(row) ?? null,
});

/** Numbers of pixels by class. */
const list = (name: string, of: (row: Row) => readonly number[] | undefined): Column => ({
  name,
  schema: [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "REQUIRED", ...types.integer },
  ],
  of: (row) => of(row) ?? null,
});

const fieldOf = (value: Json, field: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json | undefined>>)[field]
    : undefined;

const numberOf = (value: Json | undefined): number | undefined => (typeof value === "number" ? value : undefined);
const textOf = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
const jsonOf = (value: object | null | undefined): string | undefined =>
  value ? canonicalJson(value as Json) : undefined;

const forms = ["clean", "float", "uint8"] as const satisfies readonly (keyof RowCounts)[];
const counts = [
  ["true_positive", "truePositive"],
  ["reference", "reference"],
  ["predicted", "predicted"],
] as const satisfies readonly (readonly [string, keyof ClassCounts])[];

const countColumns = (prefix: string, of: (row: Row) => RowCounts | undefined): readonly Column[] =>
  forms.flatMap((form) =>
    counts.map(([name, field]) => list(`${prefix}${form}_${name}`, (row) => of(row)?.[form][field])),
  );

/** The columns, in their order. */
const columns: readonly Column[] = [
  column("id", "text", ({ id }) => id),
  column("model", "text", ({ receipt }) => receipt.model),
  column("network_sha256", "text", ({ unit }) => unit.networkSha256),
  column("around", "text", ({ unit }) => jsonOf(unit.around)),
  column("source_model", "text", ({ receipt }) => receipt.source),
  column("source_sha256", "text", ({ unit }) => unit.source),
  column("source_around", "text", ({ unit }) => jsonOf(unit.sourceAround)),
  column("attack", "text", ({ unit }) => textOf(fieldOf(unit.attack, "attack"))),
  column("epsilon", "number", ({ unit }) => numberOf(fieldOf(unit.attack, "epsilon"))),
  column("attack_options", "text", ({ unit }) => jsonOf(unit.attack as object | null)),
  column("item", "text", ({ unit }) => unit.item),
  column("seed", "integer", ({ unit }) => unit.seed),
  column("repeat", "integer", ({ unit }) => unit.repeat),
  column("reference", "text", ({ reference }) => reference),
  ...countColumns("", (row) => row.counts),
  ...countColumns("small_", (row) => row.small),
  column("region", "text", ({ region }) => jsonOf(region)),
  column("l2", "number", ({ distances }) => distances.l2),
  column("linf", "number", ({ distances }) => distances.linf),
  column("success", "boolean", ({ success }) => success),
  column("forward", "integer", ({ evaluations }) => evaluations.forward),
  column("backward", "integer", ({ evaluations }) => evaluations.backward),
  column("zero_gradient_share", "number", ({ masking }) => masking.zeroGradientShare),
  column("confidence", "number", ({ masking }) => masking.confidence),
  column("signs", "text", ({ signs }) => signs?.join(" ")),
  column("backend", "text", ({ receipt }) => receipt.backend),
  column("onnxruntime", "text", ({ receipt }) => receipt.onnxruntime),
  column("faultline", "text", ({ receipt }) => receipt.faultline),
];

/** Rows that are held at a time. */
const GROUP = 2000;

/** INT64 is written from bigints. */
const written = ({ schema }: Column, value: Value): unknown => {
  if (schema.at(-1)!.type !== "INT64" || value === null) return value;
  return Array.isArray(value) ? (value as readonly number[]).map(BigInt) : BigInt(value as number);
};

/** Writes rows as they come, a group at a time. */
export const writeParquet = async (path: string, rows: AsyncIterable<Row>): Promise<void> => {
  const schema = [{ name: "root", num_children: columns.length }, ...columns.flatMap((one) => one.schema)];
  const writer = new ParquetWriter({ writer: fileWriter(path), schema, createdBy: "faultline" });
  let held: Row[] = [];
  const flush = async (): Promise<void> => {
    const columnData = columns.map((one) => ({ name: one.name, data: held.map((row) => written(one, one.of(row))) }));
    await writer.write({ columnData, rowGroupSize: GROUP });
    held = [];
  };
  for await (const row of rows) {
    held.push(row);
    if (held.length === GROUP) await flush();
  }
  if (held.length > 0) await flush();
  await writer.finish();
};
