/** Answers the calls that reach a runtime in its thread or process. Sessions are known by number. */

import {
  RuntimeCrash,
  type AscentAnswer,
  type AscentSession,
  type AscentStep,
  type Runtime,
  type Session,
} from "../runtime/session.ts";
import type { Answer, Asked, Call, Fault, Given, Told } from "./runtime-messages.ts";

/** An error as a message. Errors can be cloned; other thrown values might not be, and are sent as text. */
const faultOf = (error: Error): Fault => ({
  message: error.message,
  cause: error.cause instanceof Error ? error.cause : String(error.cause),
  crashed: error instanceof RuntimeCrash,
});

/** The controls of an ascent in progress, which waits for `next` between two steps. */
interface Paused {
  readonly stop: AbortController;
  next: (answer: AscentAnswer) => void;
}

/** @param post sends a message to the caller. @returns the function to call with each message of the caller. */
export const answering = (runtime: Runtime, post: (message: Told) => void): ((asked: Asked) => void) => {
  const sessions = new Map<number, Session>();
  const ascents = new Map<number, AscentSession>();
  const climbing = new Map<number, Paused>();

  const ascend = async (id: number, { session, request, reportSteps }: Extract<Call, { kind: "ascend" }>) => {
    const paused: Paused = { stop: new AbortController(), next: () => undefined };
    climbing.set(id, paused);
    const onStep = async (step: AscentStep): Promise<AscentAnswer> => {
      const next = new Promise<AscentAnswer>((resolve) => (paused.next = resolve));
      post({ id, step });
      const answer = await next;
      paused.stop.signal.throwIfAborted();
      return answer;
    };
    try {
      const watch = { signal: paused.stop.signal, onStep: reportSteps ? onStep : undefined };
      return await ascents.get(session)!.ascend(request, watch);
    } finally {
      climbing.delete(id);
    }
  };

  const performed = async (id: number, call: Call): Promise<Given[Call["kind"]]> => {
    switch (call.kind) {
      case "create": {
        const session = await runtime.createSession(call.model, call.options);
        sessions.set(call.session, session);
        return { inputs: session.inputs, outputs: session.outputs };
      }
      case "create-ascent":
        ascents.set(call.session, await runtime.createAscent!(call.model, call.options));
        return null;
      case "run":
        return sessions.get(call.session)!.run(call.feeds);
      case "ascend":
        return ascend(id, call);
      case "next":
        climbing.get(call.of)?.next(call.answer);
        return null;
      case "stop":
        climbing.get(call.of)?.stop.abort();
        climbing.get(call.of)?.next({});
        return null;
      case "release":
        await (sessions.get(call.session) ?? ascents.get(call.session))!.release();
        return null;
      default:
        return call satisfies never;
    }
  };

  return ({ id, call }) => {
    const answer = (result: { readonly given: Given[Call["kind"]] } | { readonly fault: Fault }): void =>
      post({
        id,
        memoryBytes: runtime.memoryBytes(),
        restarts: runtime.restarts?.() ?? 0,
        ...result,
      } satisfies Answer);
    performed(id, call).then(
      (given) => answer({ given }),
      (cause: Error) => answer({ fault: faultOf(cause) }),
    );
  };
};
