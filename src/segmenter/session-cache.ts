/** Sessions by key; the least recently used are released first, so that the predicted memory stays within a budget. */

import { predictMemory, roomBeside, type Footprint } from "../runtime/memory/memory.ts";
import { nativeRoomBeside, predictNativeMemory } from "../runtime/memory/native.ts";
import type { AscentSession, Runtime, Session } from "../runtime/session.ts";
import type { SessionSource } from "./session-source.ts";
import type { AscentSource } from "./batch.ts";
import { createGather, type Gather } from "./gather.ts";
import { RecentlyUsed } from "./recently-used.ts";

/** A run is predicted to take more memory than the budget. */
export class MemoryBudgetError extends Error {
  override readonly name = "MemoryBudgetError";
  readonly predictedBytes: number;
  readonly budgetBytes: number;
  constructor(predictedBytes: number, budgetBytes: number) {
    super(`predicted to take ${mebibytes(predictedBytes)} MiB of memory, the budget is ${mebibytes(budgetBytes)} MiB`);
    this.predictedBytes = Math.ceil(predictedBytes);
    this.budgetBytes = budgetBytes;
  }
}

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

interface Held {
  readonly footprint: Footprint;
  readonly session: Promise<Session | AscentSession>;
}

/**
 * The sessions that segmenters share, within a budget of memory in bytes.
 *
 * @example const cache = new SessionCache(startWasm(), 512 * 2 ** 20);
 */
export class SessionCache {
  readonly budgetBytes: number;
  /** What runs its sessions for several tasks at a time. */
  readonly gather: Gather;
  readonly #runtime: Runtime;
  readonly #held = new RecentlyUsed<Held>();
  /** Restarts of the runtime when those sessions were made. */
  #restarts = 0;

  constructor(runtime: Runtime, budgetBytes: number) {
    if (!(budgetBytes > 0)) throw new RangeError(`the memory budget must be positive, is ${budgetBytes} bytes`);
    this.#runtime = runtime;
    this.budgetBytes = budgetBytes;
    this.gather = createGather({
      session: (source) => this.session(source),
      ascent: (source) => this.ascent(source),
      fits: ({ footprint }) =>
        this.predict([footprint]) <= budgetBytes &&
        footprint.liveness.largestBytes <= (runtime.largestTensorBytes ?? Infinity),
      isOnDevice: runtime.createAscent !== undefined,
    });
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  /** The memory that is predicted for these sessions alone, held together: resident memory on native, elsewhere that of WASM. */
  predict(footprints: readonly Footprint[]): number {
    return this.#isNative ? predictNativeMemory(footprints) : predictMemory(footprints);
  }

  /** The bytes (of `needOf`) that one more session may have beside these; negative where the budget is exceeded without it. */
  roomBeside(held: readonly Footprint[]): number {
    return this.#isNative ? nativeRoomBeside(held, this.budgetBytes) : roomBeside(held, this.budgetBytes);
  }

  get #isNative(): boolean {
    return this.#runtime.backend === "native";
  }

  /** @throws MemoryBudgetError where these sessions do not fit together. */
  requireFit(footprints: readonly Footprint[]): void {
    const predicted = this.predict(footprints);
    if (predicted > this.budgetBytes) throw new MemoryBudgetError(predicted, this.budgetBytes);
  }

  /**
   * The session of that key. It is made if there is none, once for all concurrent callers. It may be released when
   * another session is requested, so it must be run before that.
   *
   * @throws MemoryBudgetError where it does not fit even on its own.
   */
  async session(source: SessionSource): Promise<Session> {
    return this.#hold(source, async () => {
      const optimised = await source.optimised?.();
      return optimised
        ? this.#runtime.createSession(optimised, { optimised: true })
        : this.#runtime.createSession(source.bytes());
    });
  }

  /** The same for a session that ascends on the backend's device; the runtime must have `createAscent`. */
  async ascent({ capture, ...source }: AscentSource): Promise<AscentSession> {
    const key = `${source.key} ascent ${capture}`;
    return this.#hold({ ...source, key }, () => this.#runtime.createAscent!(source.bytes(), { capture }));
  }

  async #hold<S extends Session | AscentSession>(source: SessionSource, make: () => Promise<S>): Promise<S> {
    this.#forgetLost();
    const known = this.#held.get(source.key);
    if (known) return known.session as Promise<S>; // A key has sessions of one kind.
    this.requireFit([source.footprint]);
    const session = this.#make(make, this.#makeRoom(source.footprint));
    const held = { footprint: source.footprint, session };
    this.#held.set(source.key, held);
    session.catch(() => this.#held.delete(source.key, held));
    return session;
  }

  /** Sessions that went down with their runtime need no release. */
  #forgetLost(): void {
    const restarts = this.#runtime.restarts?.() ?? 0;
    if (restarts !== this.#restarts) this.#held.clear();
    this.#restarts = restarts;
  }

  async #make<S>(make: () => Promise<S>, leaving: readonly Held[]): Promise<S> {
    // A session that could not be made needs no release; its caller has received the error.
    for (const { session } of leaving) await (await session.catch(() => null))?.release();
    return make();
  }

  /** Releases the least recently used sessions until one of that footprint fits beside the others. */
  #makeRoom(added: Footprint): Held[] {
    const leaving: Held[] = [];
    for (const [key, held] of this.#held.entries()) {
      const staying = this.#held.entries().map(([, { footprint }]) => footprint);
      if (this.predict([...staying, added]) <= this.budgetBytes) break;
      this.#held.delete(key);
      leaving.push(held);
    }
    return leaving;
  }
}
