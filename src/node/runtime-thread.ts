/** The thread of `runtime.ts`: one WASM instance, and the sessions in it by number. */

import { parentPort, workerData } from "node:worker_threads";
import { RuntimeCrash, type Session } from "../runtime/session.ts";
import { startWasmThreads } from "../runtime/wasm-threads.ts";
import type { Answer, Asked, Call, Fault, Given, Ready, ThreadData } from "./runtime-messages.ts";

const { threads } = workerData as ThreadData;
const runtime = startWasmThreads(threads);
const sessions = new Map<number, Session>();

const performed = async (call: Call): Promise<Given[Call["kind"]]> => {
  if (call.kind === "create") {
    const session = await runtime.createSession(call.model);
    sessions.set(call.session, session);
    return { inputs: session.inputs, outputs: session.outputs };
  }
  const session = sessions.get(call.session)!;
  if (call.kind === "run") return session.run(call.feeds);
  await session.release();
  return null;
};

/** Errors can be posted; what else was thrown may not. */
const faultOf = (error: Error): Fault => ({
  message: error.message,
  cause: error.cause instanceof Error ? error.cause : String(error.cause),
  crashed: error instanceof RuntimeCrash,
});

const port = parentPort!;
port.on("message", ({ id, call }: Asked) => {
  const answer = (result: { readonly given: Given[Call["kind"]] } | { readonly fault: Fault }): void =>
    port.postMessage({ id, memoryBytes: runtime.memoryBytes(), ...result } satisfies Answer);
  performed(call).then(
    (given) => answer({ given }),
    (cause: Error) => answer({ fault: faultOf(cause) }),
  );
});
port.postMessage({ version: runtime.version } satisfies Ready);
