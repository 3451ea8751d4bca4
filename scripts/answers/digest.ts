/** Answers in a form that can be compared: without timings, with digests in place of binary parts. */

import { createHash } from "node:crypto";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A JSON value without its `timings`; the base64 `data` of an image as the digest of its bytes. */
export const withoutTimings = (value: Json): Json => {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutTimings);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "timings")
      .map(([key, inner]): [string, Json] =>
        key === "data" && typeof inner === "string"
          ? ["sha256", sha256(Buffer.from(inner, "base64"))]
          : [key, withoutTimings(inner)],
      ),
  );
};

const events = (text: string): Json =>
  text
    .split("\n\n")
    .filter(Boolean)
    .map((block) => {
      const [event = "", data = ""] = block.split("\n");
      return { event, data: withoutTimings(JSON.parse(data.replace("data: ", "")) as Json) };
    });

const body = async (response: Response, type: string): Promise<Json> => {
  if (/json\b/.test(type)) return withoutTimings((await response.json()) as Json);
  if (type.startsWith("text/event-stream")) return events(await response.text());
  return { sha256: sha256(new Uint8Array(await response.arrayBuffer())) };
};

/** Status, media type and body. */
export const digestOf = async (response: Response): Promise<Json> => {
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, body: await body(response, type) };
};

const leaves = (value: Json, path = ""): [path: string, leaf: string][] =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}/${key}`))
    : [[path, JSON.stringify(value)]];

/** One line for each value that is in only one of the two, or is not the same in both. */
export const differences = (before: Json, after: Json): string[] => {
  const [old, now] = [new Map(leaves(before)), new Map(leaves(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => `${path}: ${old.get(path) ?? "absent"} → ${now.get(path) ?? "absent"}`);
};
