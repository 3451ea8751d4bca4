/** Requests to an S3-compatible service: signed (SigV4, by aws4fetch), repeated where the service is busy or away, and refused in words. */

import { setTimeout as pausing } from "node:timers/promises";
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

/** A service is away that has not begun to answer after so long, or that takes or gives fewer bytes than that in a millisecond. */
const [WAIT_MS, BYTES_PER_MS] = [15_000, 100];

/** Requests that are not answered at all, of which a second one is enough. */
const MOST_SILENT = 2;

class Silence extends Error {}

/** Ends what the signal is given to once nothing has come for so long. */
const patience = (ms: number) => {
  const control = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  /** @param bytes that are on their way. */
  const waitFor = (bytes: number): void => {
    clearTimeout(timer);
    const most = ms + bytes / BYTES_PER_MS;
    timer = setTimeout(() => control.abort(new Silence(`no answer within ${Math.round(most / 1000)} s`)), most);
  };
  return { signal: control.signal, waitFor, end: () => clearTimeout(timer) };
};

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

/**
 * @param pauses milliseconds before a request is made again, of which half is by chance.
 * @param waitMs before the first byte of an answer.
 */
export const askerOf = (
  bucket: string,
  settings = settingsFor(bucket),
  pauses: readonly number[] = PAUSES,
  waitMs = WAIT_MS,
): S3Ask => {
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
    const { signal, waitFor, end } = patience(waitMs);
    try {
      waitFor(body?.length ?? 0);
      // The signature is for this host alone.
      const response = await fetch(signed, { redirect: "manual", signal });
      const { status, headers: told } = response;
      waitFor(method === "HEAD" ? 0 : Number(told.get("content-length") ?? 0));
      return { status, headers: told, bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch (cause) {
      throw signal.aborted ? (signal.reason as Silence) : cause;
    } finally {
      end();
    }
  };
  return async (request) => {
    const place = addressOf({ bucket, key: request.key });
    let silent = 0;
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
        if (cause instanceof Silence) silent += 1;
        if (pause === undefined || silent === MOST_SILENT)
          throw new Refusal(`${place}: ${settings.endpoint} cannot be reached: ${reason}`, { cause });
      }
      await pausing((pause * (1 + Math.random())) / 2);
    }
  };
};
