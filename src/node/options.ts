/** Options of a command line that document themselves. */

import { wantedNames, type Wanted } from "../runtime/choose.ts";
import { UsageError } from "./failure.ts";
import { reasonOf } from "../reason.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string;
  /** Placeholder of the value in the help text, for example "HxW". */
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

/** The lines of the help text that describe the options. */
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

/** The first sentence of Node's message; the rest of it is advice on "--". A value that looks like an option is told how to be written. */
export const parseFault = (error: unknown): string => {
  const message = reasonOf(error);
  const [, ambiguous] = /^Option '([^']+)' argument is ambiguous/.exec(message) ?? [];
  if (ambiguous !== undefined)
    return `${ambiguous.split(", ").at(-1)} has no value, or one that begins with "-", which is written ${ambiguous.split(", ").at(-1)}=-…`;
  return message.split(/\.\s|\n/)[0]!.replace(/\.$/, "");
};

/** The value of `--backend`. @throws UsageError */
export const wantedBackend = (value: string): Wanted => {
  const found = wantedNames.find((name) => name === value);
  if (found) return found;
  throw new UsageError(`--backend must be one of ${wantedNames.join(", ")}, not "${value}"`);
};

/** The value of an option as a number. @throws UsageError for what is no whole number within the range. */
export const wholeNumber = (option: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${option} must be a whole number from ${least} to ${most}, not "${text}"`);
};

/** WASM's addresses have 32 bits. */
const MAX_BUDGET_MIB = 4096;

/** The value of `--budget-mib`, in bytes. @throws UsageError */
export const budgetBytes = (text: string): number => wholeNumber("budget-mib", text, 1, MAX_BUDGET_MIB) * 2 ** 20;
