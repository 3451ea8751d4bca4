/** Signature Version 4 as AWS documents it, computed anew from what has arrived, so that a client's own is compared with something independent. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Keys {
  readonly id: string;
  readonly secret: string;
  readonly token?: string | undefined;
}

/** A code of S3, and what is wrong. */
export type SignatureFault = readonly [status: number, code: string, message: string];

const hex = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");
const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** RFC 3986: all but letters, digits and -._~ */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

const canonicalPath = (path: string): string =>
  path
    .split("/")
    .map((part) => encoded(decodeURIComponent(part)))
    .join("/");

const canonicalQuery = (query: string): string =>
  query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return `${encoded(decodeURIComponent(name))}=${encoded(decodeURIComponent(value))}`;
    })
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join("&");

const MINUTES_15 = 15 * 60_000;

/** Null for a request that these keys have signed, with this body, for this region, now. */
export const signatureFault = (
  { method, url = "", headers }: IncomingMessage,
  body: Uint8Array,
  keys: Keys,
  region: string,
): SignatureFault | null => {
  const [, id, day, scope, signed = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  if (id === undefined) return [403, "AccessDenied", "no signature of version 4"];
  if (id !== keys.id) return [403, "InvalidAccessKeyId", "there is no such key"];
  if (scope !== region)
    return [400, "AuthorizationHeaderMalformed", `the region '${scope}' is wrong; expecting '${region}'`];
  const names = signed.split(";");
  const required = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  const missing = required.find((name) => !names.includes(name));
  if (missing !== undefined) return [403, "AccessDenied", `the header ${missing} is not signed`];
  if (headers["x-amz-security-token"] !== keys.token) return [403, "InvalidToken", "the token is another one"];
  const stamp = String(headers["x-amz-date"]);
  const [, ...digits] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? [];
  const [year, month, date, hour, minute, second] = digits.map(Number);
  const at = Date.UTC(year!, month! - 1, date, hour, minute, second);
  if (!(Math.abs(Date.now() - at) < MINUTES_15) || !stamp.startsWith(day!))
    return [403, "RequestTimeTooSkewed", "the time is another one"];
  const digest = String(headers["x-amz-content-sha256"]);
  if (digest !== hex(body)) return [400, "XAmzContentSHA256Mismatch", "the body has another digest"];
  const [path = "", query = ""] = url.split("?");
  const canonical = [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, " ")}`),
    "",
    signed,
    digest,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", stamp, `${day}/${scope}/s3/aws4_request`, hex(canonical)].join("\n");
  const key = ["s3", "aws4_request"].reduce<Buffer>(hmac, hmac(hmac(`AWS4${keys.secret}`, day!), scope));
  const own = hmac(key, text);
  if (!timingSafeEqual(own, Buffer.from(signature, "hex")))
    return [403, "SignatureDoesNotMatch", "the signature is another one"];
  return null;
};
