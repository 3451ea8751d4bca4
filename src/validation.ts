/** Converts Zod's issues to field errors with JSON pointers, received values and accepted values. */

import { z } from "zod";
import type { FieldError } from "./contract/field-error.ts";
import { counted } from "./counted.ts";

type Path = readonly PropertyKey[];

const maxErrors = 20;

/** The JSON pointer of a path (RFC 6901), with `~` and `/` in names escaped. */
export const pointerOf = (path: Path): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** A short form of a value for an error: JSON with one level. */
const shown = (value: unknown): unknown => {
  if (typeof value === "string") return value.length > 100 ? `${value.slice(0, 100)}…` : value;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : value;
};

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );

const unwrap = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodReadonly
    ? unwrap(schema.unwrap())
    : schema;

/** The members of a union that the value's discriminator selects; all members if there is no discriminator or it selects none. */
const membersOf = (union: z.ZodUnion | z.ZodDiscriminatedUnion, value: unknown): readonly unknown[] => {
  if (!(union instanceof z.ZodDiscriminatedUnion)) return union.options;
  const { discriminator } = union.def;
  const named = union.options.filter(
    (o) =>
      o instanceof z.ZodObject &&
      (o.shape[discriminator] as z.ZodType).safeParse(valueAt(value, [discriminator])).success,
  );
  return named.length > 0 ? named : union.options;
};

/** Objects whose value decides which of their fields they can have: these are what an unknown field is answered with. */
export const fieldsByValue = z.registry<{
  readonly fields: (value: unknown, all: readonly string[]) => readonly string[];
}>();

/** Objects that stand in a union beside names: an example of one, as JSON, is what a name that is none is answered with. */
export const objectExamples = z.registry<{ readonly example: string }>();

/** The schemas that stand at a path. */
const schemasAt = (schema: unknown, [key, ...rest]: Path): readonly unknown[] => {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion)
    return inner.options.flatMap((option) => schemasAt(option, key === undefined ? [] : [key, ...rest]));
  if (key === undefined) return [inner];
  if (inner instanceof z.ZodArray) return schemasAt(inner.element, rest);
  return inner instanceof z.ZodObject ? schemasAt(inner.shape[key as string], rest) : [];
};

const exampleAt = (schema: unknown, path: Path): string => {
  const [found] = schemasAt(schema, path).flatMap((one) => objectExamples.get(one as z.ZodType) ?? []);
  return found ? ` such as ${found.example}` : "";
};

/** The property names that a schema has at a path, given the value. */
const keysAt = (schema: unknown, path: Path, value: unknown): string[] => {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodDiscriminatedUnion || inner instanceof z.ZodUnion)
    return [...new Set(membersOf(inner, value).flatMap((o) => keysAt(o, path, value)))];
  const [key, ...rest] = path;
  if (inner instanceof z.ZodArray) return key === undefined ? [] : keysAt(inner.element, rest, valueAt(value, [key]));
  if (!(inner instanceof z.ZodObject)) return [];
  const all = Object.keys(inner.shape);
  if (key === undefined) return [...(fieldsByValue.get(inner)?.fields(value, all) ?? all)];
  return keysAt(inner.shape[key as string], rest, valueAt(value, [key]));
};

/** The field of that name, or of its plural or singular, of the nearest object around this place; undefined where there is none. */
const fieldAbove = (key: string, path: Path, schema: z.ZodType, value: unknown) => {
  const names = new Set([key, `${key}s`, key.replace(/s$/, "")]);
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const around = path.slice(0, depth);
    const name = keysAt(schema, around, value).find((other) => names.has(other));
    if (name !== undefined) return { name, path: around };
  }
  return undefined;
};

/** Of a union's members the first whose own type the value has: what is wrong with it there is what is said. */
const closestOf = (issue: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined =>
  issue.errors.find((member) =>
    member.every(({ code, path }) => path.length > 0 || (code !== "invalid_type" && code !== "invalid_value")),
  );

/** What a union takes where the value has none of its members' types: its literal values, and its types. */
const alternativesOf = (issue: z.core.$ZodIssueInvalidUnion) => {
  const own = issue.errors.flatMap((member) => member.filter(({ path }) => path.length === 0));
  const values = own.flatMap((inner) => (inner.code === "invalid_value" ? inner.values.map(String) : []));
  const types = own.flatMap((inner) => (inner.code === "invalid_type" ? [inner.expected] : []));
  return { values: [...new Set(values)], types: [...new Set(types)] };
};

const withArticle = (type: string): string => `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;

const amount = (issue: { origin: string; inclusive?: boolean | undefined }, bound: number | bigint, word: string) => {
  const limit = `at ${word === "less" ? "most" : "least"}`;
  const noun = issue.origin === "array" ? "item" : issue.origin === "string" ? "character" : null;
  if (noun) return `must have ${limit} ${counted(Number(bound), noun)}`;
  return issue.inclusive === false ? `must be ${word} than ${bound}` : `must be ${limit} ${bound}`;
};

const typeDetail = (expected: string, value: unknown): string => {
  const wanted =
    expected === "int" ? "a whole number" : expected === "number" ? "a finite number" : `of type ${expected}`;
  return `must be ${wanted}, not ${typeof value === "string" ? "text" : String(shown(value))}`;
};

const errorsOf = (issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown, prefix: Path): FieldError[] => {
  const pointer = pointerOf([...prefix, ...issue.path]);
  const found = valueAt(value, issue.path);
  const received = found === undefined ? {} : { received: shown(found) };
  const accepting = (accepted: readonly (string | number)[]): FieldError => ({
    pointer,
    detail: `${found === undefined ? "is required: " : "must be "}${accepted.length > 1 ? "one of " : ""}${accepted.join(", ")}`,
    ...received,
    accepted,
  });
  switch (issue.code) {
    case "unrecognized_keys": {
      const accepted = keysAt(schema, issue.path, value);
      return issue.keys.slice(0, maxErrors).map((key) => {
        const above = fieldAbove(key, issue.path, schema, value);
        const elsewhere =
          above && `; \`${above.name}\` stands in ${pointerOf([...prefix, ...above.path]) || "the whole"}`;
        return {
          pointer: pointerOf([...prefix, ...issue.path, key]),
          detail: `is no field here; accepted: ${accepted.join(", ")}${elsewhere ?? ""}`,
          accepted,
        };
      });
    }
    case "invalid_value":
      return [accepting(issue.values.map((v) => (typeof v === "number" ? v : String(v))))];
    case "invalid_union": {
      if ("options" in issue && Array.isArray(issue.options))
        return [accepting(issue.options.filter((option) => option !== undefined).map(String))];
      const closest = closestOf(issue);
      if (!closest) {
        const { values, types } = alternativesOf(issue);
        const named = values.length > 1 ? `one of ${values.join(", ")}` : values.join("");
        const kinds = types.map((type) => withArticle(type) + (type === "object" ? exampleAt(schema, issue.path) : ""));
        const detail = `must be ${[named, ...kinds].filter((text) => text !== "").join(", or ")}`;
        return [{ pointer, detail, ...received, ...(values.length > 0 && { accepted: values }) }];
      }
      return closest.flatMap((inner) =>
        errorsOf({ ...inner, path: [...issue.path, ...inner.path] }, schema, value, prefix),
      );
    }
    case "invalid_type":
      return [
        { pointer, detail: found === undefined ? "is required" : typeDetail(issue.expected, found), ...received },
      ];
    case "too_small":
      return [{ pointer, detail: amount(issue, issue.minimum, "greater"), ...received }];
    case "too_big":
      return [{ pointer, detail: amount(issue, issue.maximum, "less"), ...received }];
    case "invalid_format":
      return [{ pointer, detail: `must be ${issue.message}`, ...received }];
    case "invalid_key":
      return [
        { pointer, detail: `is no name here, which must be ${issue.issues.map(({ message }) => message).join(", ")}` },
      ];
    default:
      return [{ pointer, detail: issue.message, ...received }];
  }
};

/** Zod says of a whole number outside of the safe range both that and the field's own bound, which is narrower. */
const isWiderBound = (issue: z.core.$ZodIssue, all: readonly z.core.$ZodIssue[]): boolean =>
  (issue.code === "too_big" || issue.code === "too_small") &&
  issue.origin === "int" &&
  all.some((other) => other !== issue && other.code === issue.code && pointerOf(other.path) === pointerOf(issue.path));

/**
 * The errors of a failed parse of `value`, at most twenty, with `prefix` before every path. For a value of the wrong type, only the
 * type is reported.
 */
export const fieldErrors = (error: z.ZodError, schema: z.ZodType, value: unknown, prefix: Path = []): FieldError[] => {
  const mistyped = new Set(error.issues.flatMap((i) => (i.code === "invalid_type" ? pointerOf(i.path) : [])));
  return error.issues
    .filter((issue) => issue.code === "invalid_type" || !mistyped.has(pointerOf(issue.path)))
    .filter((issue) => !isWiderBound(issue, error.issues))
    .flatMap((issue) => errorsOf(issue, schema, value, prefix))
    .slice(0, maxErrors);
};

/** A pointer into a value for people: names, and places in lists counted from 1, as in "attacks, no. 2, steps". */
const placeOf = (pointer: string, value: unknown): string => {
  const keys = pointer.split("/").slice(1);
  let inner = value;
  const words = keys.map((key) => {
    const name = key.replaceAll("~1", "/").replaceAll("~0", "~");
    const word = Array.isArray(inner) ? `no. ${Number(name) + 1}` : name;
    inner = valueAt(inner, [name]);
    return word;
  });
  return words.join(", ");
};

/** The same errors as one line, for a command line or a file. */
export const fieldErrorsInWords = (error: z.ZodError, schema: z.ZodType, value: unknown): string =>
  fieldErrors(error, schema, value)
    .map(({ pointer, detail }) => [placeOf(pointer, value), detail].filter((text) => text !== "").join(": "))
    .join("; ");
