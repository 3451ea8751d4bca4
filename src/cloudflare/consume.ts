/** The two consumers: of the queue, and of the one that takes what was delivered too often. */

import type { Deliveries, Delivery } from "./deliveries.ts";

export interface Consumer extends Deliveries {
  readonly log: (cause: unknown, delivery: Delivery) => void;
  /** Seconds before a message is delivered again, by its attempts. */
  readonly delayOf?: ((attempts: number) => number) | undefined;
}

/** Doubled each time, up to ten minutes. */
const backOff = (attempts: number): number => Math.min(600, 2 ** attempts);

/** Each message is acknowledged or given back by itself. @param isDead whether these were delivered too often. */
export const consume = async (
  batch: MessageBatch<Delivery>,
  { deliver, bury, log, delayOf = backOff }: Consumer,
  isDead: boolean,
): Promise<void> => {
  for (const message of batch.messages)
    try {
      await (isDead ? bury(message.body) : deliver(message.body, message.attempts));
      message.ack();
    } catch (cause) {
      log(cause, message.body);
      message.retry({ delaySeconds: delayOf(message.attempts) });
    }
};
