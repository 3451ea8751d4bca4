/** Connections to Redis or Valkey. */

import { Redis } from "ioredis";
import { reasonOf } from "../reason.ts";
import { Refusal, UsageError } from "./failure.ts";

const CONNECT_MS = 5000;

/** What BullMQ makes its connections with: commands wait while the server is away, however long. */
export const connectionTo = (url: string) => ({ url, maxRetriesPerRequest: null }) as const;

/** The address without the password. */
export const shownUrl = (url: string): string => url.replace(/\/\/[^@/]*@/, "//");

/** @throws UsageError where the address is none, Refusal where no server answers there. */
export const connectRedis = async (url: string): Promise<Redis> => {
  if (!/^rediss?:\/\/[^\s]+$/.test(url))
    throw new UsageError(`--redis ${shownUrl(url)}: an address is of the form redis://HOST:PORT or rediss://HOST:PORT`);
  let fault = "no answer";
  // The first connection is attempted once; a server that has been there is waited for.
  let known = false;
  const retryStrategy = (times: number): number | null => (known ? Math.min(2000, 50 * times) : null);
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_MS,
    retryStrategy,
  });
  redis.on("error", (error: Error) => void (fault = reasonOf(error)));
  try {
    await redis.connect();
    await redis.ping();
    known = true;
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw new Refusal(`${shownUrl(url)}: cannot be reached: ${fault === "no answer" ? reasonOf(cause) : fault}`, {
      cause,
    });
  }
};
