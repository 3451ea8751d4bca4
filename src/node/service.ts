/**
 * The service in a thread of its own. This file, and everything that it imports, neither compiles nor decodes: the thread that
 * answers requests stays free for the next one.
 */

import type { Worker } from "node:worker_threads";
import { FaultlineError } from "../contract/failure.ts";
import type { Service } from "../contract/service.ts";
import { Refusal } from "./failure.ts";
import type { FromService, Methods, ServiceData, ToService } from "./service-messages.ts";
import { entryOf, startWorker } from "./worker.ts";
import { reasonOf } from "../reason.ts";

export interface ThreadServiceOptions extends ServiceData {
  /** Limit of the thread's heap, in MiB; beyond it the thread ends and is started anew. Default 2048. */
  readonly heapMib?: number | undefined;
  /** Gets the reason when the thread has ended unexpectedly. */
  readonly onCrash?: ((reason: string) => void) | undefined;
  /** The file that the thread runs; default `service-thread.ts`. */
  readonly entry?: URL | undefined;
}

export interface ThreadService {
  readonly service: Service;
  /** Names of the networks that ship. */
  readonly models: readonly string[];
  /** Lets what runs end; from then on everything else is refused. */
  readonly refuse: () => void;
  /** Ends the thread and its runtimes. */
  readonly end: () => Promise<void>;
}

/** Reports are awaited, as their receivers may be. */
type Report = (...values: never[]) => void | Promise<void>;

interface Run {
  readonly signal?: AbortSignal | undefined;
  readonly report?: Report | undefined;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly report: Report | undefined;
}

/** A thread, from its first message until it ends. */
interface Thread {
  readonly post: (message: ToService) => void;
  readonly pending: Map<number, Pending>;
  readonly ended: Promise<unknown>;
  readonly defaultModel: string;
  readonly models: readonly string[];
}

/** The thread has ended: its calls have no answer. */
const lost = (model: string, reason: string): FaultlineError =>
  new FaultlineError({ kind: "model-unavailable", model, reason: `the service's thread has ended (${reason})` });

const settled = (pending: Map<number, Pending>, post: (message: ToService) => void, message: FromService): void => {
  if (message.kind === "ready" || message.kind === "refused") return;
  const { id } = message;
  const call = pending.get(id);
  if (!call) return;
  if (message.kind === "report") {
    const reported = async (): Promise<void> => call.report?.(...(message.values as never[]));
    reported().then(
      () => post({ kind: "next", id }),
      (cause: unknown) => {
        post({ kind: "abort", id });
        call.reject(cause);
      },
    );
    return;
  }
  pending.delete(id);
  if (message.kind === "value") call.resolve(message.value);
  else call.reject(message.kind === "failure" ? new FaultlineError(message.failure) : message.error);
};

/** @throws Refusal where the service does not start for a reason that its user can mend. */
const startThread = (options: ThreadServiceOptions, onDown: (reason: string) => void): Promise<Thread> =>
  new Promise((resolve, reject) => {
    const { heapMib = 2048, entry = entryOf("service-thread"), onCrash: _, ...data } = options;
    const worker: Worker = startWorker(entry, data satisfies ServiceData, { maxOldGenerationSizeMb: heapMib });
    const pending = new Map<number, Pending>();
    let down = false;
    let model = "";
    const post = (message: ToService): void => worker.postMessage(message, []);
    const ended = new Promise((end) => worker.once("exit", end));
    const goDown = (reason: string): void => {
      if (down) return;
      down = true;
      for (const { reject: refuse } of pending.values()) refuse(lost(model, reason));
      pending.clear();
      reject(new Error(`the service's thread has ended: ${reason}`));
      onDown(reason);
    };
    worker.on("message", (message: FromService) => {
      if (message.kind === "refused") {
        reject(new Refusal(message.reason));
        return void worker.terminate();
      }
      if (message.kind !== "ready") return settled(pending, post, message);
      model = message.defaultModel;
      return resolve({ post, pending, ended, defaultModel: model, models: message.models });
    });
    worker.on("error", (error) => goDown(error.message));
    worker.on("exit", (code) => goDown(`exit code ${code}`));
  });

/**
 * Starts the service. After a crash of its thread, the next call starts another.
 *
 * @throws Refusal where it does not start for a reason that its user can mend.
 */
export const startThreadService = async (options: ThreadServiceOptions): Promise<ThreadService> => {
  let current: Promise<Thread> | undefined;
  let [ending, refusing, calls] = [false, false, 0];
  const thread = (): Promise<Thread> => {
    current ??= startThread(options, (reason) => {
      current = undefined;
      if (!ending) options.onCrash?.(reason);
    });
    return current;
  };
  const first = await thread();

  const call = async <M extends keyof Methods>(
    method: M,
    argument: Parameters<Methods[M]>[0],
    { signal, report }: Run = {},
  ): Promise<Awaited<ReturnType<Methods[M]>>> => {
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
    const { post, pending } = await thread().catch((cause: unknown) => {
      throw lost(first.defaultModel, reasonOf(cause));
    });
    if (refusing) post({ kind: "stop" });
    const id = ++calls;
    const abort = (): void => post({ kind: "abort", id });
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise<Awaited<ReturnType<Methods[M]>>>((resolve, reject) => {
        pending.set(id, { resolve: resolve as Pending["resolve"], reject, report });
        post({ kind: "call", id, method, argument, reports: report !== undefined });
        if (signal?.aborted) abort();
      });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  };

  const service: Service = {
    defaultModel: first.defaultModel,
    models: (run) => call("models", undefined, run),
    model: (name, run) => call("model", name, run),
    ready: () => call("ready", undefined),
    segment: (request, run) => call("segment", request, run),
    attack: (request, { signal, onStep }) => call("attack", request, { signal, report: onStep }),
    score: (request, run) => call("score", request, run),
    robustness: (request, { signal, onPoint }) => call("robustness", request, { signal, report: onPoint }),
    robustnessOfSet: (request, { signal, onPoint }) => call("robustnessOfSet", request, { signal, report: onPoint }),
    prepareRobustness: (request, run) => call("prepareRobustness", request, run),
    concludeRobustness: (request, run) => call("concludeRobustness", request, run),
    transfer: (request, run) => call("transfer", request, run),
    audit: (request, run) => call("audit", request, run),
    certify: (request, run) => call("certify", request, run),
    report: (request, run) => call("report", request, run),
    ...(options.uploads === undefined
      ? {}
      : {
          uploads: {
            add: (request, run) => call("add", request, run),
            remove: (name) => call("remove", name),
          },
        }),
  };
  return {
    service,
    models: first.models,
    refuse: () => {
      refusing = true;
      void current?.then(({ post }) => post({ kind: "stop" }));
    },
    end: async () => {
      ending = true;
      const last = await current?.catch(() => undefined);
      last?.post({ kind: "end" });
      await last?.ended;
    },
  };
};
