/** Answers the calls that reach a runtime in its thread or process. Sessions are known by number. */

import {
  RuntimeCrash,
  type AscentAnswer,
  type AscentSession,
  type AscentsWatch,
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

/** The controls of ascents in progress, which wait for `next` between two steps. */
interface Paused {
  readonly stop: AbortController;
  next: (answers: readonly AscentAnswer[]) => void;
}

/** @param post sends a message to the caller. @returns the function to call with each message of the caller. */
export const answering = (runtime: Runtime, post: (message: Told) => void): ((asked: Asked) => void) => {
  const sessions = new Map<number, Session>();
  const ascents = new Map<number, AscentSession>();
  const climbing = new Map<number, Paused>();

  const ascend = async (id: number, { session, requests, reportSteps, rounds }: Extract<Call, { kind: "ascend" }>) => {
    const paused: Paused = { stop: new AbortController(), next: () => undefined };
    climbing.set(id, paused);
    const onSteps: AscentsWatch["onSteps"] = async (steps) => {
      const next = new Promise<readonly AscentAnswer[]>((resolve) => (paused.next = resolve));
      post({ id, steps });
      const answers = await next;
      paused.stop.signal.throwIfAborted();
      return answers;
    };
    try {
      const watch = { signal: paused.stop.signal, onSteps: reportSteps ? onSteps : undefined, rounds };
      return await ascents.get(session)!.ascend(requests, watch);
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
        climbing.get(call.of)?.next(call.answers);
        return null;
      case "stop":
        climbing.get(call.of)?.stop.abort();
        climbing.get(call.of)?.next([]);
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
