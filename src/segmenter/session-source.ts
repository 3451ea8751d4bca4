import type { Footprint } from "../runtime/memory/memory.ts";

/** What a session is made from; `bytes` is called only when the session is made. */
export interface SessionSource {
  readonly key: string;
  readonly footprint: Footprint;
  readonly bytes: () => Uint8Array;
}
