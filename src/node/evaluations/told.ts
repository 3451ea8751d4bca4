/** What a requester is told of a failure: names of the deployment, not where it keeps things. */

import { addressOf, isInBucket, parseAddress } from "../s3-settings.ts";
import { setAt } from "../stores.ts";

/** Addresses of buckets, of their services and of queues. */
const address = /\b(?:s3|https?|rediss?):\/\//;

export interface Where {
  /** Of all data sets. */
  readonly data: string | null;
  /** Of the files of one evaluation, if it is in a bucket. */
  readonly rows?: string | undefined;
  /** Absolute paths of this machine, of which a requester knows none. */
  readonly folders?: readonly string[] | undefined;
}

/**
 * @param reason what a command has said.
 * @param instead is told where the reason has an address or a path of which the requester knows no name.
 * @param log is given the reason then.
 */
export const toldReason = (
  reason: string,
  { data, rows, folders = [] }: Where,
  instead: string,
  log: (text: string) => void,
): string => {
  // The names are those that they have in a folder.
  const sets = data !== null && isInBucket(data) ? [data, addressOf(parseAddress(data))] : [];
  const named = [...sets.map((set) => [setAt(set, ""), "data/"] as const), [rows, ""] as const].reduce(
    (text, [from, to]) => (from === undefined ? text : text.replaceAll(from, to)),
    reason,
  );
  if (!address.test(named) && !folders.some((folder) => named.includes(folder))) return named;
  log(reason);
  return `${instead}; the log of the service says why`;
};
