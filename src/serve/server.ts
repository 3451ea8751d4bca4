/** An app on a socket: it logs a line for each request, and at its end what runs may finish. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Writable } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import { Refusal } from "../node/failure.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Gets a line for each request when its answer has been sent. */
  readonly log: (line: string) => void;
}

export interface Listening {
  readonly url: string;
  /**
   * Takes no further connections; resolves when every request that has arrived has its answer. Connections whose request is still
   * incomplete are closed after `graceMs`.
   */
  readonly close: (graceMs?: number) => Promise<void>;
}

/** How long an incomplete request may still arrive once the server closes. */
const GRACE_MS = 5000;

/** `bindings`: Node's own objects, which Hono hands to its middleware. */
export type Fetch = (request: Request, bindings: object) => Response | Promise<Response>;

/** Logs method, path, status, milliseconds and id when the answer has been sent. */
const logged =
  (fetch: Fetch, log: (line: string) => void) =>
  async (request: Request, bindings: { readonly outgoing: Writable }): Promise<Response> => {
    const { outgoing } = bindings;
    const start = performance.now();
    const closed = once(outgoing, "close");
    const answer = await fetch(request, bindings);
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
  const connections = new Set<Socket>();
  /** The request that each connection is answering. */
  const requests = new Map<Socket, IncomingMessage>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", (request: IncomingMessage, answer) => {
    const { socket } = request;
    requests.set(socket, request);
    answer.once("close", () => {
      requests.delete(socket);
      // A connection that is kept alive would keep the server.
      if (closing) setImmediate(() => (server as Server).closeIdleConnections());
    });
  });
  const closeIncomplete = (): void => {
    for (const socket of connections) if (requests.get(socket)?.complete !== true) socket.destroy();
  };
  const actual = await listenOn(server as Server, host, port);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    close: async (graceMs = GRACE_MS) => {
      closing = true;
      server.close();
      const grace = setTimeout(closeIncomplete, graceMs);
      await once(server, "close");
      clearTimeout(grace);
    },
  };
};
