/** The page's interface to the engine: asynchronous calls, one at a time, and termination at any time. */

import type { Call, Calls, EngineFailure, Loaded, Reply, Request, Stage, Stepped } from "./messages.ts";

/** A call that the engine refused or that failed. */
export class EngineRefusal extends Error {
  override readonly name = "EngineRefusal";
  readonly failure: EngineFailure;
  constructor(failure: EngineFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

export interface Watch {
  readonly onStage?: (stage: Stage) => void;
  readonly onLoaded?: (loaded: Loaded) => void;
  readonly onStep?: (step: Stepped) => void;
}

export interface Engine {
  /** @throws EngineRefusal */
  readonly call: <C extends Call>(call: C, given: Calls[C]["given"], watch?: Watch) => Promise<Calls[C]["answer"]>;
  /** Stops the current call at its next step. */
  readonly cancel: () => void;
  /** Terminates the engine at once and frees its memory; the current call is rejected as cancelled. */
  readonly end: () => void;
}

interface Waiting extends Watch {
  readonly resolve: (answer: Calls[Call]["answer"]) => void;
  readonly reject: (error: EngineRefusal) => void;
}

export const startEngine = (): Engine => {
  // Relative to the page, as its own script is: this module may be in any chunk of the bundle.
  const worker = new Worker(new URL("lab/engine.js", document.baseURI), { type: "module", name: "faultline" });
  const send = (request: Request): void => worker.postMessage(request, { transfer: [] });
  const waiting = new Map<number, Waiting>();
  let calls = 0;

  const refuseAll = (failure: EngineFailure): void => {
    for (const { reject } of waiting.values()) reject(new EngineRefusal(failure));
    waiting.clear();
  };
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    const call = waiting.get(data.id);
    if (!call) return;
    if (data.kind === "stage") call.onStage?.(data.stage);
    else if (data.kind === "loaded") call.onLoaded?.(data.loaded);
    else if (data.kind === "step") call.onStep?.(data.step);
    else {
      waiting.delete(data.id);
      if (data.kind === "answer") call.resolve(data.answer);
      else call.reject(new EngineRefusal(data.failure));
    }
  });
  worker.addEventListener("error", (event) => {
    refuseAll({ kind: "crash", reason: event.message || "its script could not be loaded" });
  });

  return {
    call: <C extends Call>(call: C, given: Calls[C]["given"], watch: Watch = {}) =>
      new Promise<Calls[C]["answer"]>((resolve, reject) => {
        calls += 1;
        // The id identifies the call, so the answer has the call's type.
        waiting.set(calls, { ...watch, resolve, reject });
        send({ id: calls, call, given } as Request);
      }),
    cancel: () => send({ call: "cancel" }),
    end: () => {
      worker.terminate();
      refuseAll({ kind: "cancelled" });
    },
  };
};
