/** Reads requests with images, as multipart/form-data or JSON with base64, with a size limit and validation of every field. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { FaultlineError } from "../contract/failure.ts";
import type { FieldError } from "../contract/field-error.ts";
import type { NamedFile, PartName } from "../contract/files.ts";
import { fromBase64 } from "./base64.ts";
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

const parseJson = (text: string, pointer?: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = text.trim() ? `it is no JSON (${(cause as Error).message.slice(0, 100)})` : "it is empty";
    throw new RequestError({ kind: "malformed-body", reason, ...(pointer && { pointer }) }, { cause });
  }
};

const decodeText = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new RequestError({ kind: "malformed-body", reason: "it is no UTF-8" }, { cause });
  }
};

type Fields = ReadonlyMap<string, unknown>;

/** The fields of a JSON body, in which files are base64 text. */
const readJson = (body: Uint8Array): Fields => {
  const json = parseJson(decodeText(body));
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid([{ pointer: "", detail: "must be a JSON object" }]);
  }
  return new Map(Object.entries(json));
};

/** Maximum number of files in the part that may be repeated. */
const MAX_FILES = 64;

const appended = async (fields: Map<string, unknown>, part: string, value: string | Blob): Promise<void> => {
  const files = (fields.get(part) ?? []) as readonly (NamedFile | string)[];
  if (files.length === MAX_FILES)
    throw invalid([{ pointer: `/${part}`, detail: `occurs more than ${MAX_FILES} times` }]);
  const file =
    typeof value === "string"
      ? value
      : { name: "name" in value ? String(value.name) : "", bytes: new Uint8Array(await value.arrayBuffer()) };
  fields.set(part, [...files, file]);
};

/**
 * The fields of a multipart body: files as bytes, `jsonPart`, a text field or a part with its own type, parsed as JSON, and `filesPart`, which
 * may be repeated, as a list of files with their names.
 */
const readMultipart = async (
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
  { jsonPart, filesPart }: Pick<BodyForm, "jsonPart" | "filesPart">,
): Promise<Fields> => {
  let form: FormData;
  try {
    form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  } catch (cause) {
    const reason = "its multipart framing cannot be read (boundary, part headers, closing boundary)";
    throw new RequestError({ kind: "malformed-body", reason }, { cause });
  }
  const fields = new Map<string, unknown>();
  for (const [name, value] of form as unknown as Iterable<[string, string | Blob]>) {
    if (name === filesPart) {
      await appended(fields, name, value);
      continue;
    }
    if (fields.has(name)) throw invalid([{ pointer: `/${name}`, detail: "occurs more than once" }]);
    const text = typeof value === "string" ? value : undefined;
    if (name === jsonPart) fields.set(name, parseJson(text ?? (await (value as Blob).text()), `/${name}`));
    else fields.set(name, text ?? new Uint8Array(await (value as Blob).arrayBuffer()));
  }
  return fields;
};

interface BodyOf<Type extends string> {
  readonly types: readonly Type[];
  readonly limitBytes: number;
}

interface BodyForm extends BodyOf<(typeof bodyTypes)[number]> {
  /** Name of the multipart part that is JSON. */
  readonly jsonPart: string;
  /** Name of the multipart part of files that may be repeated, if there is one. */
  readonly filesPart?: string;
}

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
  const fields = await readFields(c.req.raw, { types: bodyTypes, jsonPart: "spec", limitBytes }, c.get("bodies"));
  const json = !c.req.header("content-type")?.trim().toLowerCase().startsWith("multipart/");
  const parts = Object.keys({ ...upload.required, ...upload.optional });
  const accepted = [...parts, "spec"];
  const errors = unknownFields(fields, accepted);

  const files: Partial<Record<string, Uint8Array>> = {};
  for (const part of parts) {
    if (!fields.has(part) && part in upload.optional) continue;
    const file = fileOf(fields.get(part), json);
    if (typeof file === "string") errors.push({ pointer: `/${part}`, detail: file });
    else files[part] = file;
  }
  const value = fields.has("spec") ? fields.get("spec") : {};
  const spec = upload.spec.safeParse(value);
  if (!spec.success) errors.push(...fieldErrors(spec.error, upload.spec, value, ["spec"]));
  if (!spec.success || errors.length > 0) throw invalid(errors);
  return { ...files, spec: spec.data } as Uploaded<Spec, Required, Optional>;
};
