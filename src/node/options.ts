/** Options of a command line that document themselves. */

import { wantedNames, type Wanted } from "../runtime/choose.ts";
import { UsageError } from "./failure.ts";
import { reasonOf } from "../reason.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string;
  /** What stands for the value in the help: "HxW". */
  readonly value?: string;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { readonly type: "boolean" }
  ? boolean | undefined
  : O extends { readonly multiple: true }
    ? string[] | undefined
    : O extends { readonly default: string }
      ? string
      : string | undefined;

export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** The help's lines on options. */
export const optionLines = (options: Options): string[] => {
  const heads = Object.entries(options).map(([name, { short, value }]) => {
    const flags = short === undefined ? `    --${name}` : `-${short}, --${name}`;
    return value === undefined ? flags : `${flags} ${value}`;
  });
  const width = Math.max(...heads.map((h) => h.length)) + 2;
  return Object.values(options).map(({ help, default: preset, multiple }, i) => {
    const notes = [...(multiple ? ["repeatable"] : []), ...(preset ? [`default ${preset}`] : [])];
    return `  ${heads[i]!.padEnd(width)}${help}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
  });
};

/** The first sentence of what Node says; the rest is advice on "--". */
export const parseFault = (error: unknown): string => {
  const message = reasonOf(error);
  return message.split(/\.\s|\n/)[0]!.replace(/\.$/, "");
};

/** The value of `--backend`. @throws UsageError */
export const wantedBackend = (value: string): Wanted => {
  const found = wantedNames.find((name) => name === value);
  if (found) return found;
  throw new UsageError(`--backend must be one of ${wantedNames.join(", ")}, not "${value}"`);
};
