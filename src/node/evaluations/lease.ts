/**
 * A prefix of a bucket for one service alone. Whoever has it keeps writing the object of the highest number under service/; the next one is made by a
 * conditional request, which one service alone can win. Nobody's clock is compared with another's: a service whose object stays as it is for three beats has ended.
 */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { jsonAt, keysUnder } from "../../store/bucket.ts";
import { each } from "../../turns.ts";
import { Refusal } from "../failure.ts";
import { TOGETHER } from "../ledger-bucket.ts";
import type { S3Bucket } from "../s3.ts";
import { orUndo } from "../undo.ts";

export interface LeaseOptions {
  /** Milliseconds; default 10 000. */
  readonly beatMs?: number | undefined;
  /** Told that another service has it, or has ended without a word: which of these takes three beats to see. */
  readonly onWait?: ((reason: string) => void) | undefined;
  /** Another service has taken it over, as this one was away for too long. */
  readonly onLost: (reason: string) => void;
}

export interface Lease {
  /** The next service may have it at once. */
  readonly release: () => Promise<void>;
}

/** Of whoever has it. */
interface Beat {
  readonly host: string;
  readonly pid: number;
  /** Another one at each beat. */
  readonly beat: string;
  readonly released?: boolean;
}

const BEAT_MS = 10_000;
const BEATS = 3;

const prefix = "service/";
const keyOf = (number: number): string => `${prefix}${String(number).padStart(9, "0")}.json`;

const numbersIn = async (bucket: S3Bucket): Promise<number[]> =>
  (await keysUnder(bucket, prefix)).map((name) => Number.parseInt(name, 10)).toSorted((a, b) => a - b);

const taken = (address: string, other: Beat | null): Refusal =>
  new Refusal(
    `${address}: another service${other ? `, process ${other.pid} on ${other.host},` : ""} has it; end that one, or name another prefix`,
  );

/** Waits until nobody has it. @throws Refusal as soon as its service is seen to be alive. */
const requireFree = async (bucket: S3Bucket, address: string, last: number, options: LeaseOptions): Promise<void> => {
  const { beatMs = BEAT_MS, onWait } = options;
  const look = () => jsonAt(bucket, keyOf(last)) as Promise<Beat | null>;
  const first = await look();
  if (first && first.released !== true)
    onWait?.(
      `${address}: process ${first.pid} on ${first.host} had it last; ${BEATS * beatMs} ms to see whether it lives`,
    );
  for (let beat = 0; beat < BEATS; beat++) {
    const now = await look();
    if (!now || now.released === true) return;
    if (now.beat !== first?.beat) throw taken(address, now);
    await setTimeout(beatMs);
  }
  const now = await look();
  if (now && now.beat !== first?.beat && now.released !== true) throw taken(address, now);
};

/** @throws Refusal where another service has it, and where the bucket cannot be read or written. */
export const takeLease = async (bucket: S3Bucket, address: string, options: LeaseOptions): Promise<Lease> => {
  const { beatMs = BEAT_MS, onLost } = options;
  const last = (await numbersIn(bucket)).at(-1) ?? 0;
  if (last > 0) await requireFree(bucket, address, last, options);
  const own = last + 1;
  const content = (more: Partial<Beat> = {}): Uint8Array => {
    const beat: Beat = { host: hostname(), pid: process.pid, beat: randomUUID(), ...more };
    return new TextEncoder().encode(JSON.stringify(beat));
  };
  if (!(await bucket.putIfAbsent(keyOf(own), content())))
    throw taken(address, (await jsonAt(bucket, keyOf(own))) as Beat | null);
  const givenBack = (): Promise<unknown> => bucket.put(keyOf(own), content({ released: true }));
  const all = await orUndo(numbersIn(bucket), givenBack);
  // Others may have come and gone since the first look.
  if (all.at(-1) !== own) {
    await bucket.delete(keyOf(own));
    throw taken(address, null);
  }
  const former = all.slice(0, -1);
  await orUndo(
    each(former, TOGETHER, (number) => bucket.delete(keyOf(number))),
    givenBack,
  );

  let isOver = false;
  const beat = async (): Promise<void> => {
    const highest = (await numbersIn(bucket)).at(-1) ?? 0;
    if (isOver) return;
    if (highest <= own) return void (await bucket.put(keyOf(own), content()));
    isOver = true;
    clearInterval(timer);
    onLost(`${address}: another service has taken it over, as this one was away for more than ${BEATS * beatMs} ms`);
  };
  let beating: Promise<void> = Promise.resolve();
  let isBeating = false;
  const timer = setInterval(() => {
    if (isBeating) return;
    isBeating = true;
    // A bucket that is away now may be there at the next beat.
    beating = beat()
      .catch(() => undefined)
      .finally(() => (isBeating = false));
  }, beatMs);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await beating;
      if (!isOver) await givenBack();
      isOver = true;
    },
  };
};
