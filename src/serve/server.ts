/** An app on a socket: a line for each request, and an end that lets what runs finish. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import { Refusal } from "../node/failure.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Gets a line for each request, when its answer has gone out. */
  readonly log: (line: string) => void;
}

export interface Listening {
  readonly url: string;
  /** Takes no further connections; resolves when every request has its answer. */
  readonly close: () => Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** Logs method, path, status, milliseconds and id, when the answer has gone out and the work is done. */
const logged =
  (fetch: Fetch, log: (line: string) => void) =>
  async (request: Request, { outgoing }: { readonly outgoing: Writable }): Promise<Response> => {
    const start = performance.now();
    const closed = once(outgoing, "close");
    const answer = await fetch(request);
    const tell = async (): Promise<void> => {
      await closed;
      const ms = (performance.now() - start).toFixed(0);
      const gone = outgoing.writableFinished ? "" : " (the client has gone)";
      const { pathname } = new URL(request.url);
      log(`${request.method} ${pathname} ${answer.status} ${ms} ms ${answer.headers.get("x-request-id")}${gone}`);
    };
    void tell();
    return answer;
  };

const faults: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use; --port names another",
  EACCES: "may not be listened on by this user; ports from 1024 on may",
  EADDRNOTAVAIL: "cannot be listened on: the host is none of this machine's addresses",
  ENOTFOUND: "cannot be listened on: there is no such host",
};

/** @throws Refusal where the port cannot be had. */
const listenOn = async (server: Server, host: string, port: number): Promise<number> => {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw new Refusal(`${host}:${port} ${faults[code] ?? `cannot be listened on: ${message}`}`, { cause });
  }
  return (server.address() as AddressInfo).port;
};

/** @throws Refusal where the port cannot be had. */
export const listen = async (fetch: Fetch, { host, port, log }: ListenOptions): Promise<Listening> => {
  const server = createAdaptorServer({ fetch: logged(fetch, log), createServer, overrideGlobalObjects: false });
  let closing = false;
  server.on("request", (_, answer) =>
    answer.once("close", () => {
      // A connection that is kept alive would keep the server.
      if (closing) setImmediate(() => (server as Server).closeIdleConnections());
    }),
  );
  const actual = await listenOn(server as Server, host, port);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    close: async () => {
      closing = true;
      server.close();
      await once(server, "close");
    },
  };
};
