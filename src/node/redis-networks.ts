/** Files of networks that go to workers through Redis: in pieces, each file there whole or not at all. */

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { reasonOf } from "../reason.ts";
import { Refusal } from "./failure.ts";
import type { connectRedis } from "./redis.ts";

type Redis = Awaited<ReturnType<typeof connectRedis>>;

/** Of a value in Redis, which answers others between two of them. */
const PIECE_BYTES = 4 * 2 ** 20;

/** What should be in Redis is there no more: whoever put it there does so again. */
export class LostInRedis extends Error {
  override readonly name = "LostInRedis";
}

/** A command that is killed leaves half a file for so long. */
const DRAFT_SECONDS = 10 * 60;

export interface Keeping {
  /** From now on. */
  readonly seconds: number;
  /** Stops between two pieces. */
  readonly signal: AbortSignal;
}

/** Sees to it that a file is there for so long; it is read only where it is not there. @throws Refusal where Redis does not take it; the signal's reason. */
export const keepNetwork = async (
  redis: Redis,
  key: string,
  path: string,
  { seconds, signal }: Keeping,
): Promise<void> => {
  signal.throwIfAborted();
  if ((await redis.expire(key, seconds)) === 1) return;
  const draft = `${key}:${randomUUID()}`;
  let pieces = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      // Without waiting between the two: a command that ended there would leave the piece for ever.
      await Promise.all([redis.hset(draft, `${pieces}`, piece), redis.expire(draft, DRAFT_SECONDS)]);
      pieces += 1;
    }
    await redis.rename(draft, key);
    await redis.expire(key, seconds);
  } catch (cause) {
    await redis.del(draft).catch(() => undefined);
    throw new Refusal(`${path}: cannot be sent to the workers through Redis: ${reasonOf(cause)}`, { cause });
  }
};

/** The file in pieces. @throws LostInRedis */
export async function* networkPieces(redis: Redis, key: string): AsyncGenerator<Buffer> {
  const pieces = await redis.hlen(key);
  if (pieces === 0) throw new LostInRedis("a network that the run sent is no longer in Redis");
  for (let k = 0; k < pieces; k++) {
    const piece = await redis.hgetBuffer(key, `${k}`);
    if (!piece) throw new LostInRedis("a network that the run sent is no longer whole in Redis");
    yield piece;
  }
}
