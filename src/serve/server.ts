/** An HTTP server for an app. It logs a line per request and finishes current requests when it closes. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Writable } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import { Refusal } from "../node/failure.ts";

export interface ListenOptions {
  readonly host: string;
  /** The port; 0 selects a free one. */
  readonly port: number;
  /** Called with a line for each request when its response has been sent. */
  readonly log: (line: string) => void;
}

export interface Listening {
  readonly url: string;
  /**
   * Stops accepting connections, and resolves when every received request has been answered. Connections with an incomplete request
   * are closed after `graceMs`.
   */
  readonly close: (graceMs?: number) => Promise<void>;
}

/** Time in which an incomplete request may still arrive when the server closes. */
const GRACE_MS = 5000;

/** Handles a request. @param bindings Node's own objects, which Hono passes to middleware. */
export type Fetch = (request: Request, bindings: object) => Response | Promise<Response>;

/** Logs method, path, status, milliseconds and id when the response has been sent. */
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
  EADDRINUSE: "is in use; --port N takes another",
  EACCES: "may not be listened on by this user; ports from 1024 on may",
  EADDRNOTAVAIL: "cannot be listened on: the host is none of this machine's addresses",
  ENOTFOUND: "cannot be listened on: there is no such host",
};

/** Listens on a port and returns it. @throws Refusal if the port is not available. */
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

/** Starts a server. @throws Refusal if the port is not available. */
export const listen = async (fetch: Fetch, { host, port, log }: ListenOptions): Promise<Listening> => {
  const server = createAdaptorServer({ fetch: logged(fetch, log), createServer, overrideGlobalObjects: false });
  let closing = false;
  const connections = new Set<Socket>();
  /** The current request of each connection. */
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
      // A keep-alive connection would prevent the server from closing.
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
