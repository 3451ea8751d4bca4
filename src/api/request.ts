/** Reads requests with images, as multipart/form-data or JSON with base64, with a size limit and validation of every field. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { FaultlineError } from "../contract/failure.ts";
import type { FieldError } from "../contract/field-error.ts";
import type { NamedFile, PartName } from "../contract/files.ts";
import type { Labelled } from "../contract/robustness.ts";
import { fromBase64 } from "./base64.ts";
import { MAX_FILES, readJson, readMultipart, type Fields, type FormParts } from "./body-fields.ts";
import type { BodyBudget, Env } from "./operation.ts";
import { RequestError } from "./request-error.ts";
import { fieldErrors } from "../validation.ts";

const bodyTypes = ["multipart/form-data", "application/json"] as const;

/** The content of a request: a spec, required files and optional files. */
export interface Upload<Spec, Required extends PartName, Optional extends PartName> {
  readonly spec: z.ZodType<Spec>;
  readonly required: Readonly<Record<Required, string>>;
  readonly optional: Readonly<Record<Optional, string>>;
}

export type Uploaded<Spec, Required extends PartName, Optional extends PartName> = { readonly spec: Spec } & {
  readonly [P in Required]: Uint8Array;
} & { readonly [P in Optional]?: Uint8Array };

const invalid = (errors: readonly FieldError[]): RequestError => new RequestError({ kind: "invalid-request", errors });

/**
 * Reads the next chunk of a body. A stream fails if the client closes the connection.
 *
 * @throws FaultlineError cancelled
 */
const nextPiece = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> => {
  try {
    return (await reader.read()).value;
  } catch (cause) {
    throw new FaultlineError({ kind: "cancelled" }, { cause });
  }
};

/** Reads the body. The announced and the actual length are checked against the limit, and all bodies together against the budget. */
const readBody = async (request: Request, limitBytes: number, budget: BodyBudget): Promise<Uint8Array<ArrayBuffer>> => {
  const tooLarge = () => new RequestError({ kind: "body-too-large", limitBytes });
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge();
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (!reader) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let [length, taken] = [0, 0];
  try {
    for (let piece = await nextPiece(reader); piece; piece = await nextPiece(reader)) {
      length += piece.length;
      if (length > limitBytes) throw tooLarge();
      if (!budget.take(piece.length)) throw new RequestError({ kind: "receiving-too-much" });
      taken += piece.length;
      chunks.push(piece);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    throw cause;
  } finally {
    budget.give(taken);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const piece of chunks) {
    body.set(piece, offset);
    offset += piece.length;
  }
  return body;
};

interface BodyOf<Type extends string> {
  readonly types: readonly Type[];
  readonly limitBytes: number;
}

type BodyForm = BodyOf<(typeof bodyTypes)[number]> & FormParts;

/**
 * The bytes of a body of one of these media types.
 *
 * @throws RequestError `unsupported-media-type`, `body-too-large`, `receiving-too-much`.
 */
export const readBytes = async (
  request: Request,
  { types, limitBytes }: BodyOf<string>,
  budget: BodyBudget,
): Promise<Uint8Array<ArrayBuffer>> => {
  const type = mediaTypeOf(request);
  const coding = request.headers.get("content-encoding") ?? "identity";
  const received = coding === "identity" ? type || "not stated" : `coded as ${coding}`;
  if (coding !== "identity" || !types.includes(type))
    throw new RequestError({ kind: "unsupported-media-type", received, accepted: types });
  const body = await readBody(request, limitBytes, budget);
  await budget.turn();
  return body;
};

const mediaTypeOf = (request: Request): string =>
  (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();

/** The body's fields. @throws RequestError as `readBytes`, and `malformed-body`. */
export const readFields = async (
  request: Request,
  { types, limitBytes, ...parts }: BodyForm,
  budget: BodyBudget,
): Promise<Fields> => {
  const body = await readBytes(request, { types, limitBytes }, budget);
  const isJson = mediaTypeOf(request) === "application/json";
  const fields = isJson ? readJson(body) : await readMultipart(body, request.headers.get("content-type") ?? "", parts);
  // Files in JSON are decoded next.
  await budget.turn();
  return fields;
};

/** The bytes of a file, or a description of the fault. */
export const fileOf = (value: unknown, json: boolean): Uint8Array | string => {
  if (value === undefined) return "is required";
  if (!json && typeof value === "string") return "must be a file, not text (with curl: -F name=@file)";
  if (typeof value !== "string" && !(value instanceof Uint8Array)) return "must be base64 text";
  const bytes = typeof value === "string" ? fromBase64(value) : value;
  if (bytes === undefined) return "is not base64";
  return bytes.length === 0 ? "is empty" : bytes;
};

/** The files of a part that may be repeated, or a description of the fault. */
export const filesOf = (value: unknown): readonly NamedFile[] | string => {
  const files = (value ?? []) as readonly (NamedFile | string)[];
  if (files.some((file) => typeof file === "string")) return "must be a file, not text (with curl: -F name=@file)";
  const named = files as readonly NamedFile[];
  return named.every(({ bytes }) => bytes.length > 0) ? named : "is empty";
};

/** Errors for fields that are not accepted, at most twenty. */
export const unknownFields = (fields: Fields, accepted: readonly string[]): FieldError[] =>
  [...fields.keys()]
    .filter((name) => !accepted.includes(name))
    .slice(0, 20)
    .map((name) => ({
      pointer: `/${name.slice(0, 100)}`,
      detail: `is no field here; accepted: ${accepted.join(", ")}`,
      accepted,
    }));

/** The value as its schema gives it. @param at where it stands in the request. @throws RequestError `invalid-request` with all invalid fields. */
export const validated = <S extends z.ZodType>(schema: S, value: unknown, at: readonly string[] = []): z.output<S> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(fieldErrors(result.error, schema, value, at));
};

/** As `Upload`, whichever its parts are. */
interface Documented<Spec> {
  readonly spec: z.ZodType<Spec>;
  readonly required: object;
  readonly optional: object;
}

/** What stands in a field that may be repeated: in a form files with names, in JSON texts or one text. */
const severalOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) && value.length > 0
    ? value.map((file: unknown) => (typeof file === "object" && file !== null && "bytes" in file ? file.bytes : file))
    : [Array.isArray(value) ? undefined : value];

/** The files of each part, and the spec. @throws RequestError as `readImageRequest`. */
const readParts = async <Spec>(
  c: Context<Env>,
  upload: Documented<Spec>,
  { limitBytes, repeated }: { readonly limitBytes: number; readonly repeated: readonly PartName[] },
): Promise<{ readonly spec: Spec; readonly files: Partial<Record<string, readonly Uint8Array[]>> }> => {
  const form = { types: bodyTypes, jsonPart: "spec", repeated, limitBytes };
  const fields = await readFields(c.req.raw, form, c.get("bodies"));
  const json = !c.req.header("content-type")?.trim().toLowerCase().startsWith("multipart/");
  const parts = Object.keys({ ...upload.required, ...upload.optional }) as PartName[];
  const accepted = [...parts, "spec"];
  const errors = unknownFields(fields, accepted);

  const files: Partial<Record<string, readonly Uint8Array[]>> = {};
  for (const part of parts) {
    if (!fields.has(part) && part in upload.optional) continue;
    const given = repeated.includes(part) ? severalOf(fields.get(part)) : [fields.get(part)];
    if (given.length > MAX_FILES)
      throw invalid([{ pointer: `/${part}`, detail: `occurs more than ${MAX_FILES} times` }]);
    const read = given.map((value) => fileOf(value, json));
    for (const [i, file] of read.entries())
      if (typeof file === "string")
        errors.push({ pointer: read.length > 1 ? `/${part}/${i}` : `/${part}`, detail: file });
    files[part] = read.filter((file) => typeof file !== "string");
  }
  const value = fields.has("spec") ? fields.get("spec") : {};
  const spec = upload.spec.safeParse(value);
  if (!spec.success) errors.push(...fieldErrors(spec.error, upload.spec, value, ["spec"]));
  if (!spec.success || errors.length > 0) throw invalid(errors);
  return { spec: spec.data, files };
};

/**
 * Reads and validates a request with images in either media type.
 *
 * @throws RequestError `unsupported-media-type`, `body-too-large`, `malformed-body`, or `invalid-request` with all invalid fields.
 */
export const readImageRequest = async <Spec, Required extends PartName, Optional extends PartName>(
  c: Context<Env>,
  upload: Upload<Spec, Required, Optional>,
  limitBytes: number,
): Promise<Uploaded<Spec, Required, Optional>> => {
  const { spec, files } = await readParts(c, upload, { limitBytes, repeated: [] });
  const single = Object.fromEntries(Object.entries(files).map(([part, own]) => [part, own?.[0]]));
  return { ...single, spec } as Uploaded<Spec, Required, Optional>;
};

/** As `readImageRequest`, of a request that may have several images, each with labels or none of them. */
export const readPicturesRequest = async <Spec>(
  c: Context<Env>,
  upload: Upload<Spec, "image", "labels">,
  limitBytes: number,
): Promise<{ readonly spec: Spec; readonly pictures: readonly Labelled[] }> => {
  const { spec, files } = await readParts(c, upload, { limitBytes, repeated: ["image", "labels"] });
  const { image = [], labels } = files;
  if (labels && labels.length !== image.length) {
    const detail = `must be as many as the images, in their order: there are ${labels.length} for ${image.length}`;
    throw invalid([{ pointer: "/labels", detail }]);
  }
  return { spec, pictures: image.map((bytes, i) => ({ image: bytes, ...(labels && { labels: labels[i]! }) })) };
};
