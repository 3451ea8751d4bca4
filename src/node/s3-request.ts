/** Requests to an S3-compatible service: signed (SigV4, by aws4fetch), repeated where the service is busy or away, and refused in words. */

import { setTimeout } from "node:timers/promises";
import { sha256Of } from "../digest.ts";
import { reasonOf } from "../reason.ts";
import { Refusal } from "./failure.ts";
import { addressOf, settingsFor, type S3Settings } from "./s3-settings.ts";

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** In the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that the caller understands, beside those of success. */
  readonly expected?: readonly number[];
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Whole, so that a connection that breaks off is a request that is repeated. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws Refusal that says why, and what could be done. */
export type S3Ask = (request: S3Request) => Promise<S3Answer>;

/** 3 s in all before the last attempt, and half of it at least. */
const PAUSES = [100, 200, 400, 800, 1600] as const;

/** Of other statuses: the request was too slow, or another one for the same object is on its way. */
const passing = new Set(["RequestTimeout", "ConditionalRequestConflict", "OperationAborted"]);

/** Busy ("SlowDown" is 503) or away: whoever asks again may be answered. */
const isPassing = (status: number, code: string): boolean =>
  status === 429 || status === 500 || (status >= 502 && status <= 504) || passing.has(code);

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text of an element that contains no others. */
const plainText = (text: string): string =>
  text.replaceAll(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (whole, decimal?: string, hexadecimal?: string, name?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hexadecimal !== undefined) return String.fromCodePoint(Number.parseInt(hexadecimal, 16));
      return entities[name ?? ""] ?? whole;
    },
  );

/** The contents of all elements of that name, as they stand. The documents of S3 nest no element in one of its own name, and have no attributes that matter. */
export const elementsOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs"))].map(([, content]) => content!);

/** The text of the first element of that name. */
export const textOf = (xml: string, name: string): string | undefined => {
  const [content] = elementsOf(xml, name);
  return content === undefined ? undefined : plainText(content);
};

/** What the service says is wrong. HEAD has no body. */
const faultOf = ({
  bytes,
}: S3Answer): { readonly code: string; readonly message: string; readonly region: string | undefined } => {
  const xml = new TextDecoder().decode(bytes);
  return { code: textOf(xml, "Code") ?? "", message: textOf(xml, "Message") ?? "", region: textOf(xml, "Region") };
};

const refusalOf = (place: string, answer: S3Answer, { endpoint, region }: S3Settings): Refusal => {
  const { code, message, region: told } = faultOf(answer);
  const { status, headers } = answer;
  const elsewhere = headers.get("x-amz-bucket-region") ?? told;
  const said = [`${status}`, code, message].filter((part) => part !== "").join(" ");
  if (code === "NoSuchBucket") return new Refusal(`${place}: there is no such bucket at ${endpoint}`);
  if (elsewhere !== undefined && elsewhere !== region)
    return new Refusal(`${place}: lies in another region than ${region}; set AWS_REGION=${elsewhere}`);
  if (status === 301 || status === 307)
    return new Refusal(`${place}: is elsewhere than at ${endpoint}: ${said}; set AWS_REGION or AWS_ENDPOINT_URL`);
  if (status === 401 || status === 403)
    return new Refusal(
      `${place}: denied by ${endpoint} to the keys of the environment (AWS_ACCESS_KEY_ID, …): ${said}`,
    );
  return new Refusal(`${place}: ${endpoint} answers ${said}`);
};

/** aws4fetch is optional. @throws Refusal that says how to get it. */
const signerFor = async ({ accessKeyId, secretAccessKey, sessionToken, region }: S3Settings) => {
  try {
    const { AwsClient } = await import("aws4fetch");
    const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    return new AwsClient({ ...keys, region, service: "s3" });
  } catch (cause) {
    throw new Refusal("addresses in a bucket need the package aws4fetch (npm install aws4fetch)", { cause });
  }
};

/** RFC 3986, as it is signed: encodeURIComponent leaves five characters more. */
const encoded = (part: string): string =>
  encodeURIComponent(part).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

const urlOf = (bucket: string, { endpoint, isPathStyle }: S3Settings, { key, query = {} }: S3Request): URL => {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/$/, "");
  if (!isPathStyle) url.hostname = `${bucket}.${url.hostname}`;
  const path = [...(isPathStyle ? [bucket] : []), ...key.split("/")].map(encoded).join("/");
  url.pathname = `${base}/${path}`;
  url.search = new URLSearchParams(query).toString().replaceAll("+", "%20");
  return url;
};

/** @param pauses milliseconds before a request is made again, of which half is by chance. */
export const askerOf = (bucket: string, settings = settingsFor(bucket), pauses: readonly number[] = PAUSES): S3Ask => {
  let signer: ReturnType<typeof signerFor> | undefined;
  const asked = async (request: S3Request): Promise<S3Answer> => {
    const { method, body, headers = {} } = request;
    const aws = await (signer ??= signerFor(settings));
    // The service compares the digest: what was damaged on its way is refused.
    const digest = await sha256Of(body ?? new Uint8Array());
    const signed = await aws.sign(urlOf(bucket, settings, request).href, {
      method,
      headers: { ...headers, "X-Amz-Content-Sha256": digest },
      ...(body ? { body } : {}),
    });
    // The signature is for this host alone.
    const response = await fetch(signed, { redirect: "manual" });
    return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  return async (request) => {
    const place = addressOf({ bucket, key: request.key });
    for (let attempt = 0; ; attempt++) {
      const pause = pauses[attempt];
      try {
        const answer = await asked(request);
        const { status } = answer;
        if (status >= 200 && status < 300) return answer;
        const { code } = faultOf(answer);
        // A bucket that is not there is no object that is not there.
        if (request.expected?.includes(status) === true && code !== "NoSuchBucket") return answer;
        if (pause === undefined || !isPassing(status, code)) throw refusalOf(place, answer, settings);
      } catch (cause) {
        if (cause instanceof Refusal) throw cause;
        const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : reasonOf(cause);
        if (pause === undefined)
          throw new Refusal(`${place}: ${settings.endpoint} cannot be reached: ${reason}`, { cause });
      }
      await setTimeout((pause * (1 + Math.random())) / 2);
    }
  };
};
