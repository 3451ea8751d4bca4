/** The kinds of requests of the soak test, and the answers that each may have. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { encodePng } from "../../src/image/encode.ts";
import { tensor } from "../../src/tensor.ts";
import { tinyFile } from "../../test/support/networks/tiny.ts";

export interface Answered {
  readonly status: number;
  /** Of what is the same each time; null where nothing is. */
  readonly digest: string | null;
}

export interface Kind {
  readonly name: string;
  /** 0: the client has gone before there was an answer. */
  readonly allowed: readonly number[];
  readonly send: (url: string) => Promise<Answered>;
}

const street = readFileSync(fileURLToPath(new URL("../../examples/street.png", import.meta.url)));
const small = encodePng(
  tensor(
    "float32",
    [3, 48, 64],
    Float32Array.from({ length: 3 * 48 * 64 }, (_, i) => (i * 7919) % 256),
  ),
);
const uploaded = tinyFile({}, { name: "soak" });

const digestOf = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** An answer without what differs from run to run. */
const steady = (text: string): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) => (key === "timings" ? undefined : value));

const form = (parts: Readonly<Record<string, Uint8Array | object>>): FormData => {
  const body = new FormData();
  for (const [name, part] of Object.entries(parts))
    body.set(name, part instanceof Uint8Array ? new Blob([new Uint8Array(part)]) : JSON.stringify(part));
  return body;
};

const post =
  (path: string, parts: Parameters<typeof form>[0], headers: Record<string, string> = {}): Kind["send"] =>
  async (url) => {
    const response = await fetch(`${url}${path}`, { method: "POST", body: form(parts), headers });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const json = response.headers.get("content-type")?.startsWith("application/json");
    const digest = response.status === 200 ? digestOf(json ? steady(Buffer.from(bytes).toString()) : bytes) : null;
    return { status: response.status, digest };
  };

const busy = [200, 503];

/** Leaves after `ms`, whatever has come by then. */
const leaving =
  (path: string, parts: Parameters<typeof form>[0], ms: number): Kind["send"] =>
  async (url) => {
    const framed = new Response(form(parts));
    const bytes = new Uint8Array(await framed.arrayBuffer());
    const headers = { "Content-Type": framed.headers.get("content-type")!, "Content-Length": bytes.length };
    const sent = request(`${url}${path}`, { method: "POST", headers, agent: false });
    let status = 0;
    sent.on("response", (answer) => {
      answer.resume();
      answer.once("end", () => (status = answer.statusCode ?? 0));
    });
    sent.on("error", () => undefined);
    sent.end(bytes);
    const leave = setTimeout(() => sent.destroy(), ms);
    await new Promise((resolve) => sent.once("close", resolve));
    clearTimeout(leave);
    return { status, digest: null };
  };

/** Sends half a body and hangs up. */
const broken: Kind["send"] = async (url) => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const header =
    "POST /v1/segment HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
  socket.write(`${header}{"image":"AAAA`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  return { status: 0, digest: null };
};

const get =
  (path: string, fixed: boolean): Kind["send"] =>
  async (url) => {
    const response = await fetch(`${url}${path}`);
    const text = await response.text();
    return { status: response.status, digest: fixed && response.status === 200 ? digestOf(text) : null };
  };

/** Another network each second time: uploads that replace, and deletions, while others run. */
const replace: Kind["send"] = async (url) => {
  const { sha256: _, file: __, metrics: ___, ...manifest } = uploaded.manifest;
  const { status } = await post("/v1/models?replace=true", { model: uploaded.bytes, manifest })(url);
  return { status, digest: null };
};
const remove: Kind["send"] = async (url) => {
  const { status } = await fetch(`${url}/v1/models/soak`, { method: "DELETE" });
  return { status, digest: null };
};

const attack = { attack: "ifgsm-ii", epsilon: 4, steps: 2 };
const garbage = Uint8Array.from({ length: 300 }, (_, i) => (i * 31) % 256);

export const kinds: readonly Kind[] = [
  { name: "segment", allowed: busy, send: post("/v1/segment", { image: small }) },
  { name: "segment as PNG", allowed: busy, send: post("/v1/segment", { image: street }, { Accept: "image/png" }) },
  { name: "attack", allowed: busy, send: post("/v1/attack", { image: small, spec: attack }) },
  { name: "attack as NPY", allowed: busy, send: post("/v1/attack", { image: small, spec: { ...attack, seed: 3, attack: "pgd" } }, { Accept: "application/x-npy" }) }, // prettier-ignore
  { name: "attack as events", allowed: busy, send: async (url) => ({ ...(await post("/v1/attack", { image: small, spec: attack }, { Accept: "text/event-stream" })(url)), digest: null }) }, // prettier-ignore
  { name: "attack given up", allowed: [0, ...busy], send: leaving("/v1/attack", { image: street, spec: { ...attack, steps: 50 } }, 300) }, // prettier-ignore
  { name: "segment given up", allowed: [0, ...busy], send: leaving("/v1/segment", { image: street }, 10) },
  { name: "bad picture", allowed: [415, 422, 503], send: post("/v1/segment", { image: garbage }) },
  { name: "bad spec", allowed: [422], send: post("/v1/attack", { image: small, spec: { epsilon: -1, what: 2 } }) },
  { name: "half a body", allowed: [0], send: broken },
  { name: "models", allowed: busy, send: get("/v1/models", false) },
  { name: "document", allowed: [200], send: get("/openapi.json", true) },
  { name: "upload", allowed: [200, 201, 503], send: replace },
  { name: "deletion", allowed: [204, 404, 503], send: remove },
];
