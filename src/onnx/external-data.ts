/** Weights in a separate file next to the model (ONNX, "External Data"). */

import { OnnxError } from "./graph.ts";

/** Returns the bytes of a file in the model's folder by its relative path; called once per file. @throws OnnxError if there is no such file. */
export type External = (location: string) => Uint8Array;

/**
 * Whether a path stays in the model's folder. Absolute paths, drive letters and ".." are refused wherever they lead, because an
 * untrusted model must not read other files.
 */
export const staysInside = (location: string): boolean =>
  location !== "" && !/^[/\\]|^[a-z]:|\0/iu.test(location) && location.split(/[/\\]/u).every((part) => part !== "..");

/** @throws OnnxError for a path that leaves the model's folder. */
const checkLocation = (location: string, place: string): void => {
  if (staysInside(location)) return;
  throw new OnnxError(`its weights are at "${location.slice(0, 200)}", which is not in the folder of the model`, place);
};

/** As `external`, but each file is read once only. */
export const cached = (external: External): External => {
  const files = new Map<string, Uint8Array>();
  return (location) => {
    const known = files.get(location) ?? external(location);
    files.set(location, known);
    return known;
  };
};

const offset = (fields: ReadonlyMap<string, string>, name: string, absent: number, place: string): number => {
  const text = fields.get(name);
  if (text === undefined) return absent;
  if (/^\d{1,15}$/u.test(text)) return Number(text);
  throw new OnnxError(`external data with ${name} "${text.slice(0, 40)}", which is not a number of bytes`, place);
};

/**
 * The bytes of a tensor in another file.
 *
 * @param fields location, offset and length, as in the model.
 * @throws OnnxError for a path outside the folder, and for a range outside the file.
 */
export const externalBytes = (
  fields: ReadonlyMap<string, string>,
  external: External | undefined,
  place: string,
): Uint8Array => {
  const location = fields.get("location") ?? "";
  checkLocation(location, place);
  if (!external)
    throw new OnnxError(
      `its weights are in another file, "${location}"; give that file too, or save the model with its weights inside`,
      place,
    );
  const file = external(location);
  const start = offset(fields, "offset", 0, place);
  const length = offset(fields, "length", file.length - start, place);
  if (length < 0 || start + length > file.length)
    throw new OnnxError(
      `its weights are bytes ${start} to ${start + length} of "${location}", which has ${file.length}`,
      place,
    );
  return file.subarray(start, start + length);
};
