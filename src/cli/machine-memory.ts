/** How much memory there is for sessions. */

import { totalmem } from "node:os";

const SHARE_OF_MEMORY = 0.6;

/** Of the machine, or of the container where it is less. */
const machineBytes = (): number => {
  const { constrainedMemory } = process as { readonly constrainedMemory?: () => number | undefined };
  const limit = constrainedMemory?.call(process) ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
};

/** Three fifths of it, in bytes: what sessions take where nothing else is said. */
export const usualBytes = (): number => Math.floor(SHARE_OF_MEMORY * machineBytes());
