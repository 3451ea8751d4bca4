/** A server that closes: what has arrived is answered, what is incomplete is closed after a grace period. */

import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listen } from "../../src/serve/server.ts";

/** A server whose answers to /slow wait for `finish`. */
const slowServer = async () => {
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const server = await listen(
    async (request) => {
      if (request.method === "POST") await request.text().catch(() => "");
      if (request.url.endsWith("/slow")) await finished;
      return new Response("done");
    },
    { host: "localhost", port: 0, log: () => undefined },
  );
  return { server, finish };
};

const socketTo = async (url: string, text: string) => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(text);
  let received = "";
  socket.on("data", (bytes: Buffer) => (received += bytes.toString()));
  const closed = once(socket, "close").then(() => received);
  return { closed };
};

describe("a server that closes", () => {
  it.each([
    { name: "half a header", text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Le" },
    { name: "half a body", text: "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf" },
    { name: "nothing", text: "" },
  ])(
    "closes a connection that has sent $name after the grace period, and answers what has arrived",
    async ({ text }) => {
      const { server, finish } = await slowServer();
      const half = await socketTo(server.url, text);
      const whole = await socketTo(server.url, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
      const closed = server.close(20);
      expect(await half.closed).not.toContain("200 OK");
      finish();
      expect(await whole.closed).toContain("done");
      await closed;
    },
  );
});
