/**
 * A runtime in a thread or process of its own: the event loop stays free while a network runs, and a crash ends only that thread
 * or process, which is then started again.
 */

import {
  RuntimeCrash,
  RuntimeError,
  type AscentSession,
  type AscentsWatch,
  type Optimisation,
  type Runtime,
  type Session,
} from "../runtime/session.ts";
import type { Adapter } from "../runtime/choose.ts";
import { inProcess, inThread, type StartHost } from "./runtime-host.ts";
import { entryOf } from "./worker.ts";
import type { Answer, Call, Given, RuntimeData, Stepped, Told } from "./runtime-messages.ts";

export interface ThreadOptions {
  /** Threads that share the work of a run; default 1. */
  readonly threads?: number | undefined;
  /** Called after each crash. */
  readonly onCrash?: (reason: string) => void;
  /** Script of the thread; default `runtime-thread.ts`. */
  readonly entry?: URL;
}

export interface NativeProcessOptions extends Pick<ThreadOptions, "threads" | "onCrash"> {
  readonly optimisation?: Optimisation | undefined;
}

export interface ThreadRuntime extends Runtime {
  /** Ends the thread; runs in progress are lost. */
  readonly stop: () => Promise<void>;
  /** Id of the runtime's current process; undefined for a thread. */
  readonly processId: () => number | undefined;
}

interface Pending {
  readonly resolve: (given: Given[Call["kind"]]) => void;
  readonly reject: (reason: RuntimeError) => void;
  readonly onSteps?: ((steps: Stepped["steps"]) => void) | undefined;
}

/** A call in progress. */
interface Ongoing<C extends Call> {
  readonly id: number;
  readonly given: Promise<Given[C["kind"]]>;
}

/** One thread or process, from its start until it crashes or is stopped. */
interface Place {
  readonly ask: <C extends Call>(call: C, onSteps?: Pending["onSteps"]) => Ongoing<C>;
  readonly end: () => Promise<unknown>;
  readonly processId: number | undefined;
  readonly version: string;
  readonly adapter: Adapter | undefined;
  readonly largestTensorBytes: number | undefined;
  readonly memoryBytes: () => number;
  /** How often its device was replaced. */
  readonly restarts: () => number;
}

interface Beginning {
  readonly host: StartHost;
  readonly entry: URL;
  readonly data: RuntimeData;
  /** Called once, after which no call is answered. */
  readonly onDown: (reason: string) => void;
}

/** @throws RuntimeCrash where the host does not start, RuntimeError where it reports that the backend is unavailable. */
const startPlace = ({ host, entry, data, onDown }: Beginning): Promise<Place> =>
  new Promise((started, failed) => {
    const pending = new Map<number, Pending>();
    let [asked, memoryBytes, restarts, down] = [0, 0, 0, ""];
    const goDown = (reason: string): void => {
      if (down !== "") return;
      down = reason;
      for (const { reject } of pending.values()) reject(new RuntimeCrash(reason));
      failed(new RuntimeCrash(reason));
      void place.end();
      onDown(reason);
    };
    const ask: Place["ask"] = (call, onSteps) => {
      asked += 1;
      const id = asked;
      const given = new Promise<Given[Call["kind"]]>((resolve, reject) => {
        if (down !== "") return reject(new RuntimeCrash(down));
        pending.set(id, { resolve, reject, onSteps });
        return place.post({ id, call });
      });
      return { id, given: given as Promise<Given[(typeof call)["kind"]]> };
    };
    const answered = ({ id, ...answer }: Answer): void => {
      const { resolve, reject } = pending.get(id)!;
      pending.delete(id);
      ({ memoryBytes, restarts } = answer);
      if ("given" in answer) return resolve(answer.given);
      const { message, cause, crashed } = answer.fault;
      reject(new (crashed ? RuntimeCrash : RuntimeError)(message, { cause }));
      if (crashed) goDown(message);
    };
    const onMessage = (message: Told): void => {
      if ("steps" in message) return pending.get(message.id)?.onSteps?.(message.steps);
      if ("id" in message) return answered(message);
      if ("unavailable" in message) {
        down = message.unavailable;
        failed(new RuntimeError(down));
        return void place.end();
      }
      const { version, adapter, largestTensorBytes } = message;
      const numbers = { memoryBytes: () => memoryBytes, restarts: () => restarts };
      return started({
        version,
        adapter,
        largestTensorBytes,
        ask,
        ...numbers,
        end: place.end,
        processId: place.processId,
      });
    };
    const place = host(entry, data, { onMessage, onDown: goDown });
  });

/** Ascents in that place. After each step they wait for the caller's `onSteps`. */
const ascendAt =
  ({ ask }: Place, session: number): AscentSession["ascend"] =>
  async (requests, { onSteps, signal, rounds }: AscentsWatch = {}) => {
    signal?.throwIfAborted();
    let failure: { readonly cause: unknown } | undefined;
    const tell = (call: Extract<Call, { kind: "next" | "stop" }>): void => void ask(call).given.catch(() => undefined);
    const report = async (steps: Stepped["steps"]): Promise<void> => {
      try {
        const answers = (await onSteps!(steps)).map((answer) => answer ?? {});
        tell({ kind: "next", of: id, answers });
      } catch (cause) {
        failure = { cause };
        tell({ kind: "stop", of: id });
      }
    };
    const { id, given } = ask(
      { kind: "ascend", session, requests, reportSteps: onSteps !== undefined, rounds },
      (steps) => void report(steps),
    );
    const stop = (): void => tell({ kind: "stop", of: id });
    signal?.addEventListener("abort", stop);
    try {
      return await given;
    } catch (cause) {
      if (failure) throw failure.cause;
      signal?.throwIfAborted();
      throw cause;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  };

interface Placed {
  readonly runtime: ThreadRuntime;
  readonly adapter: Adapter | undefined;
}

/** A runtime over a place; the first session after a crash starts another one. */
const startPlaced = async (
  host: StartHost,
  entry: URL,
  data: RuntimeData,
  onCrash: (reason: string) => void,
): Promise<Placed> => {
  let [crashes, made, stopped, known] = [0, 0, false, 0];
  let current: Promise<Place> | undefined;
  const onDown = (reason: string): void => {
    current = undefined;
    crashes += 1;
    known += latest?.restarts() ?? 0;
    if (!stopped) onCrash(reason);
  };
  const place = (): Promise<Place> => {
    current ??= startPlace({ host, entry, data, onDown });
    current.catch(() => (current = undefined));
    return current;
  };
  let latest: Place | undefined = undefined;
  latest = await place();
  const first = latest;

  const begin = async (): Promise<{ readonly at: Place; readonly session: number }> => {
    latest = await place();
    made += 1;
    return { at: latest, session: made };
  };
  const releaseAt = (at: Place, session: number) => async (): Promise<void> => {
    await at.ask({ kind: "release", session }).given;
  };
  const createSession: Runtime["createSession"] = async (model, options = {}) => {
    const { at, session } = await begin();
    const { inputs, outputs } = await at.ask({ kind: "create", session, model, options }).given;
    const run: Session["run"] = (feeds) => at.ask({ kind: "run", session, feeds }).given;
    return { inputs, outputs, run, release: releaseAt(at, session) };
  };
  const createAscent: NonNullable<Runtime["createAscent"]> = async (model, options = {}) => {
    const { at, session } = await begin();
    await at.ask({ kind: "create-ascent", session, model, options }).given;
    return { ascend: ascendAt(at, session), release: releaseAt(at, session) };
  };
  const runtime: ThreadRuntime = {
    backend: data.backend,
    version: first.version,
    createSession,
    ...(data.backend === "webgpu" ? { createAscent, largestTensorBytes: first.largestTensorBytes } : {}),
    memoryBytes: () => latest!.memoryBytes(),
    restarts: () => crashes + known + (current ? latest!.restarts() : 0),
    processId: () => latest!.processId,
    stop: async () => {
      stopped = true;
      await latest!.end();
    },
  };
  return { runtime, adapter: first.adapter };
};

/** Starts onnxruntime's WASM in a thread. */
export const startThreadRuntime = async ({
  threads = 1,
  onCrash = () => {},
  entry = entryOf("runtime-thread"),
}: ThreadOptions = {}): Promise<ThreadRuntime> =>
  (await startPlaced(inThread, entry, { backend: "wasm", threads }, onCrash)).runtime;

/**
 * Starts native onnxruntime in a process: a thread that is ended while it runs would abort this one.
 *
 * @throws RuntimeError, saying why, where it is not installed or does not load.
 */
export const startNativeProcess = async ({
  threads = 1,
  optimisation,
  onCrash = () => {},
}: NativeProcessOptions = {}): Promise<ThreadRuntime> => {
  const data = { backend: "native", threads, optimisation } as const;
  return (await startPlaced(inProcess, entryOf("runtime-process"), data, onCrash)).runtime;
};

/** Starts onnxruntime's WebGPU in a process. @throws RuntimeError, saying why, where there is no adapter. */
export const startGpuProcess = async (
  onCrash: (reason: string) => void,
): Promise<{ readonly runtime: ThreadRuntime; readonly adapter: Adapter }> => {
  const entry = entryOf("runtime-process");
  const { runtime, adapter } = await startPlaced(inProcess, entry, { backend: "webgpu", threads: 1 }, onCrash);
  return { runtime, adapter: adapter! };
};
