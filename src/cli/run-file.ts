/** What the rows of an evaluation share, in a file beside them. */

import type { EvaluationSpec } from "../evaluation/spec.ts";
import type { Sizes } from "../evaluation/check-items.ts";
import type { Located } from "../node/located.ts";
import type { Backend } from "../runtime/session.ts";
import { version } from "../node/package.ts";
import type { EvaluationItems } from "./evaluate-data.ts";

export interface RunFile {
  readonly schema: 1;
  readonly spec: EvaluationSpec;
  readonly networks: readonly {
    readonly name: string;
    readonly sha256: string;
    /** The network whose file it shares. */
    readonly network?: string | undefined;
    readonly precision?: string | undefined;
    readonly classes: readonly { readonly name: string; readonly color: readonly number[] }[];
    readonly architecture?: string | undefined;
    readonly dataset?: string | undefined;
    readonly license?: string | undefined;
  }[];
  readonly data: { readonly name: string; readonly kind: string; readonly items: number; readonly digest: string };
  /** Least and greatest, in pixels. */
  readonly images: Sizes | null;
  readonly versions: { readonly faultline: string; readonly onnxruntime: string; readonly node: string };
  /** On which all its networks ran. */
  readonly backend: Backend;
  /** As it was typed, but for the folder it was typed in. */
  readonly command: string;
}

/** The files beside `rows.jsonl`. */
export const besideRows = (rows: string) => {
  const stem = rows.replace(/\.(jsonl|ndjson|parquet)$/i, "");
  return { run: `${stem}.run.json`, failed: `${stem}.failed.jsonl`, parquet: `${stem}.parquet` };
};

export const runFile = (
  spec: EvaluationSpec,
  located: readonly Located[],
  { name, kind, items, checked }: EvaluationItems,
  { onnxruntime, ...ran }: Pick<RunFile, "backend" | "command"> & { readonly onnxruntime: string },
): RunFile => ({
  schema: 1,
  spec,
  networks: located.map(({ manifest }) => ({
    name: manifest.name,
    sha256: manifest.sha256,
    network: manifest.network,
    precision: manifest.precision,
    classes: manifest.classes,
    architecture: manifest.architecture,
    dataset: manifest.dataset,
    license: manifest.license,
  })),
  data: { name, kind, items: items.length, digest: checked.digest },
  images: checked.sizes,
  versions: { faultline: version, onnxruntime, node: process.version },
  ...ran,
});

const quoted = (text: string): string =>
  /^[\w@%+=:,./×-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The command line of these operands and flags. */
export const commandLine = (operands: readonly string[], values: Readonly<Record<string, unknown>>): string => {
  const flags = Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    if (value === true) return [`--${name}`];
    return (Array.isArray(value) ? value : [value]).flatMap((one) => [`--${name}`, quoted(String(one))]);
  });
  return ["faultline", "evaluate", ...operands.map(quoted), ...flags].join(" ");
};
