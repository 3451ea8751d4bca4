import type { Footprint } from "../runtime/memory/memory.ts";

/** What a session is made from; `bytes` is called only when the session is made. */
export interface SessionSource {
  readonly key: string;
  readonly footprint: Footprint;
  readonly bytes: () => Uint8Array;
  /** The same as onnxruntime's optimisations leave it, where it is stored like that; null where what is stored is not what it should be. */
  readonly optimised?: (() => Promise<Uint8Array | null>) | undefined;
}
