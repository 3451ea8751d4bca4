/** Server-sent events of a run that reports its progress. */

import { yieldToEvents } from "../yield.ts";

type Emit = (event: "progress", data: unknown) => Promise<void>;

interface StreamOptions<Result> {
  /** The signal of the request, which also aborts the run. */
  readonly signal: AbortSignal | undefined;
  readonly run: (emit: Emit, signal: AbortSignal) => Promise<Result>;
  /** The data of the closing `result` event. */
  readonly result: (result: Result) => unknown;
  /** The data of a closing `error` event. */
  readonly problem: (error: unknown) => unknown;
}

/**
 * A `text/event-stream` response: `progress` events, then `result` or `error`. The response starts with the first progress event, so
 * that an earlier failure is an ordinary problem response.
 *
 * @throws the error with which the run rejects before its first progress event.
 */
export const eventStream = async <Result>(options: StreamOptions<Result>): Promise<Response> => {
  const abort = new AbortController();
  const encoder = new TextEncoder();
  let open = true;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (c) => {
      controller = c;
    },
    cancel: () => {
      open = false;
      abort.abort();
    },
  });
  const send = (event: string, data: unknown): void => {
    if (open) controller?.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  };

  let begin: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const emit: Emit = async (event, data) => {
    send(event, data);
    begin();
    await yieldToEvents();
  };
  const signals = options.signal === undefined ? [abort.signal] : [abort.signal, options.signal];
  const finished = options.run(emit, AbortSignal.any(signals));
  await Promise.race([begun, finished]);

  const close = async (): Promise<void> => {
    try {
      send("result", options.result(await finished));
    } catch (error) {
      if (open) send("error", options.problem(error));
    }
    if (open) controller?.close();
    open = false;
  };
  void close();
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" } });
};
