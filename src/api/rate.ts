/** Rate limit for requests that compute or change something: a token bucket per client. */
import type { Context, MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import type { Env } from "./operation.ts";
import { RequestError } from "./request-error.ts";

export interface RateOptions {
  /** Requests per minute, which is also the size of a burst; unlimited by default. */
  readonly perMinute?: number | undefined;
  /** Bearer tokens, one of which every such request must send; without tokens, `clientOf` identifies the client. */
  readonly tokens?: readonly string[] | undefined;
  /** Identifies the client of a request if there are no tokens, for instance by its address. */
  readonly clientOf: (c: Context<Env>) => string;
  /** The time in milliseconds; by default the system clock. */
  readonly now?: (() => number) | undefined;
}

/** Maximum number of buckets. Beyond it the least recently active client is forgotten, which refills its bucket. */
const MAX_CLIENTS = 10_000;

/** Tolerance in seconds for rounding errors of a bucket. */
const ROUNDING = 1e-6;

interface Bucket {
  readonly requests: number;
  readonly at: number;
}

/** Returns a function that takes a request from a client's bucket and returns 0, or the seconds until the next one is available. */
export const rateLimiter = (perMinute: number, now: () => number) => {
  const buckets = new Map<string, Bucket>();
  return (client: string): number => {
    const at = now();
    const known = buckets.get(client) ?? { requests: perMinute, at };
    const requests = Math.min(perMinute, known.requests + ((at - known.at) * perMinute) / 60_000);
    const left = requests >= 1 ? requests - 1 : requests;
    buckets.delete(client);
    buckets.set(client, { requests: left, at });
    if (buckets.size > MAX_CLIENTS) buckets.delete(buckets.keys().next().value!);
    return requests >= 1 ? 0 : Math.ceil(((1 - requests) * 60) / perMinute - ROUNDING);
  };
};

const givenToken = (c: Context<Env>): string | undefined =>
  /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];

/** Middleware that enforces the rate limit and the tokens. @throws RequestError `unauthorized`, `too-many-requests`. */
export const limitRate = ({
  perMinute,
  tokens = [],
  clientOf,
  now = Date.now,
}: RateOptions): MiddlewareHandler<Env> => {
  const secondsToWait = perMinute === undefined ? () => 0 : rateLimiter(perMinute, now);
  const clientByToken = async (c: Context<Env>): Promise<string> => {
    const given = givenToken(c);
    const equal = await Promise.all(tokens.map((token) => timingSafeEqual(given ?? "", token)));
    const index = given === undefined ? -1 : equal.indexOf(true);
    if (index === -1) throw new RequestError({ kind: "unauthorized", given: given !== undefined });
    return `token ${index}`;
  };
  return async (c, next) => {
    if (c.req.method !== "POST" && c.req.method !== "DELETE") return next();
    const client = tokens.length > 0 ? await clientByToken(c) : clientOf(c);
    const seconds = secondsToWait(client);
    if (seconds > 0)
      throw new RequestError({ kind: "too-many-requests", perMinute: perMinute!, retryAfterSeconds: seconds });
    return next();
  };
};
