/** How many requests that compute or change something a client may send: a token bucket for each. */
import type { Context, MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import type { Env } from "./operation.ts";
import { RequestError } from "./request-error.ts";

export interface RateOptions {
  /** Requests a minute; as many may come at once. Unlimited by default. */
  readonly perMinute?: number | undefined;
  /** Bearer tokens, one of which every such request must send; without any, clients are told apart by `clientOf`. */
  readonly tokens?: readonly string[] | undefined;
  /** The client of a request without tokens, its address for instance. */
  readonly clientOf: (c: Context<Env>) => string;
  /** Milliseconds; default the clock. */
  readonly now?: (() => number) | undefined;
}

/** Clients that are remembered; of more, the one that has been silent for longest is forgotten, and its bucket is full again. */
const MOST_CLIENTS = 10_000;

/** Seconds that rounding errors of the bucket may add. */
const ROUNDING = 1e-6;

interface Bucket {
  readonly requests: number;
  readonly at: number;
}

/** Takes a request from the client's bucket: 0, or the seconds until there is one. */
export const rateLimiter = (perMinute: number, now: () => number) => {
  const buckets = new Map<string, Bucket>();
  return (client: string): number => {
    const at = now();
    const known = buckets.get(client) ?? { requests: perMinute, at };
    const requests = Math.min(perMinute, known.requests + ((at - known.at) * perMinute) / 60_000);
    const left = requests >= 1 ? requests - 1 : requests;
    buckets.delete(client);
    buckets.set(client, { requests: left, at });
    if (buckets.size > MOST_CLIENTS) buckets.delete(buckets.keys().next().value!);
    return requests >= 1 ? 0 : Math.ceil(((1 - requests) * 60) / perMinute - ROUNDING);
  };
};

const givenToken = (c: Context<Env>): string | undefined =>
  /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];

/** @throws RequestError unauthorized, too-many-requests. */
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
