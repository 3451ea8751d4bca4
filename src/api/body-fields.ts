/** The fields of a body: of a form, or of a JSON object. */
import type { FieldError } from "../contract/field-error.ts";
import type { NamedFile } from "../contract/files.ts";
import { RequestError } from "./request-error.ts";

const invalid = (errors: readonly FieldError[]): RequestError => new RequestError({ kind: "invalid-request", errors });

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

export type Fields = ReadonlyMap<string, unknown>;

/** The fields of a JSON body, in which files are base64 text. */
export const readJson = (body: Uint8Array): Fields => {
  const json = parseJson(decodeText(body));
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid([{ pointer: "", detail: "must be a JSON object" }]);
  }
  return new Map(Object.entries(json));
};

/** Maximum number of files in the part that may be repeated. */
export const MAX_FILES = 64;

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

/** What stands in the parts of a form. */
export interface FormParts {
  /** Name of the part that is JSON. */
  readonly jsonPart: string;
  /** Names of the parts of files that may be repeated. */
  readonly repeated?: readonly string[];
}

/**
 * The fields of a multipart body: files as bytes, `jsonPart`, a text field or a part with its own type, parsed as JSON, and those of
 * `repeated` as lists of files with their names.
 */
export const readMultipart = async (
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
  { jsonPart, repeated = [] }: FormParts,
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
    if (repeated.includes(name)) {
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
