/** Values of flags: numbers, names with options, and fields that are there only where a flag is. */

import { UsageError } from "../node/failure.ts";

/** @throws UsageError for what is no decimal number. */
export const number = (flag: string, text: string): number => {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`--${flag}: "${text}" is no number`);
};

/** "1,2.5" as numbers. @throws UsageError */
export const numbers = (flag: string, text: string): number[] =>
  text.split(",").map((part) => number(flag, part.trim()));

/** The options of "name:key=value:…" as an object. @throws UsageError where a key occurs again */
export const fieldsOf = <T>(flag: string, text: string, options: readonly (readonly [string, T])[]) => {
  const twice = options.find(([key], i) => options.findIndex(([other]) => other === key) < i);
  if (twice) throw new UsageError(`--${flag}: "${text}" gives ${twice[0]} twice`);
  return Object.fromEntries(options);
};

/** One option, "key=value", of "name:key=value:…". @throws UsageError for another form */
export const optionIn = (flag: string, text: string, option: string): readonly [key: string, value: string] => {
  const [key = "", value, ...rest] = option.split("=");
  if (key !== "" && value !== undefined && rest.length === 0) return [key, value];
  throw new UsageError(`--${flag}: "${text}" is not of the form NAME:OPTION=VALUE:…`);
};

/** "name:key=value:key=low..high" as an object; `field` is that of the name. @throws UsageError */
export const withOptions = (flag: string, text: string, field: string): Record<string, unknown> => {
  const [name = "", ...options] = text.split(":");
  const entries = options.map((option): [string, unknown] => {
    const [key, value] = optionIn(flag, text, option);
    const [low = "", high, ...more] = value.split("..");
    if (high !== undefined && more.length === 0) return [key, [number(flag, low), number(flag, high)]];
    return [key, /^[+-]?[\d.]/.test(value) ? number(flag, value) : value];
  });
  return { [field]: name, ...fieldsOf(flag, text, entries) };
};

/** Only what is given. */
export const defined = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export const ifGiven = <T>(text: string | undefined, make: (text: string) => T): T | undefined =>
  text === undefined ? undefined : make(text);
