/** `npm run serve`, driven from outside. */

import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createService } from "../../src/service/service.ts";
import type { AttackSpec } from "../../src/contract/attack.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { folderModels } from "../../src/node/folder-models.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { imagePng, tiny } from "../service/tiny-service.ts";
import { printed, root, startServer, type Serving } from "./serving.ts";

// What the gradient of a model takes at many sizes is found out when it is first listed: seconds of computing.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const { path } = temporaryFolder();
const uploads = path("uploads");
const street = readFileSync(`${root}examples/street.png`);

const formOf = (parts: Readonly<Record<string, Uint8Array | object>>): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    if (value instanceof Uint8Array) form.set(name, new Blob([new Uint8Array(value)]), name);
    else form.set(name, JSON.stringify(value));
  }
  return form;
};

type Started = Serving & { readonly url: string };

/** Where this process computes before its next request: a connection that is kept alive would have ended meanwhile. */
const alone = { Connection: "close" };

const post = (server: Started, at: string, parts: Parameters<typeof formOf>[0], headers: Record<string, string> = {}) =>
  fetch(`${server.url}${at}`, { method: "POST", body: formOf(parts), headers });

/** An attack that has begun: its events as they come. */
const beginAttack = async (server: Started, spec: object) => {
  const response = await post(server, "/v1/attack", { image: street, spec }, { Accept: "text/event-stream" });
  const events = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await events.read()).value ?? "";
  expect(first).toContain("event: progress");
  /** All of them. */
  const rest = async (): Promise<string> => {
    let told = first;
    for (let part = await events.read(); !part.done; part = await events.read()) told += part.value;
    return told;
  };
  return { rest };
};

/** A request that the server has when this resolves, and its response to come. */
const sent = async (server: Started, at: string, body: object) => {
  const headers = { "Content-Type": "application/json" };
  const asked = request(`${server.url}${at}`, { method: "POST", headers, agent: false });
  const response = once(asked, "response");
  asked.end(JSON.stringify(body));
  await once(asked, "finish");
  expect((await fetch(`${server.url}/health/live`, { headers: alone })).status).toBe(200);
  return { response };
};

/** The same service, in this process; one for all tests, so that its sessions are made once. */
const here = (() => {
  const start = async () => {
    useNodeCodecs();
    const store = await folderModels(`${root}models`);
    return createService({ store, runtime: startWasm(), version: "0.1.0", defaultModel: "enet-street" });
  };
  let service: ReturnType<typeof start> | undefined;
  return () => (service ??= start());
})();

describe("the server", () => {
  let server: Started;
  beforeAll(async () => {
    server = await startServer(["--uploads", uploads, "--backend", "wasm", "--threads", "2"], {
      UPLOAD_TOKEN: "secret",
    });
  });

  it("is live and ready, lists its models, and serves its document and pages", async () => {
    for (const state of ["live", "ready"]) {
      expect(await (await fetch(`${server.url}/health/${state}`)).json()).toEqual({ status: state });
    }
    const { default: preset, models } = (await (await fetch(`${server.url}/v1/models`)).json()) as {
      default: string;
      models: { name: string }[];
    };
    expect(preset).toBe("enet-street");
    expect(models.map(({ name }) => name)).toContain("enet-street");
    expect(await (await fetch(`${server.url}/openapi.json`)).json()).toMatchObject({ openapi: "3.1.0" });
    expect((await fetch(`${server.url}/docs`)).status).toBe(200);
  });

  it("labels the example as the service does in one thread of this process", async () => {
    const response = await post(server, "/v1/segment", { image: street }, { ...alone, Accept: "image/png" });
    expect([response.status, response.headers.get("vary")]).toEqual([200, "Accept"]);
    const expected = await (await here()).segment({ model: "enet-street", image: street });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(expected.labels.data));
  });

  it("attacks as the service does in this process, and is live meanwhile", async () => {
    const spec = { attack: "ifgsm", epsilon: 4, alpha: 1, steps: 1, label: "prediction", seed: 0 } as const;
    let attacking = true;
    const answer = post(server, "/v1/attack", { image: street, spec }, alone).finally(() => (attacking = false));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await fetch(`${server.url}/health/live`, { headers: alone })).status).toBe(200);
    expect(attacking).toBe(true);
    const { scores, receipt } = (await (await answer).json()) as { scores: object; receipt: object };
    const full: AttackSpec = { ...spec, model: "enet-street", norm: "linf", pixelRange: "clip" };
    const expected = await (await here()).attack({ spec: full, image: street, outputs: [] }, {});
    expect(JSON.parse(JSON.stringify(expected.scores))).toMatchObject(scores);
    expect(receipt).toMatchObject({ backend: "wasm", model: "enet-street" });
  });

  it("answers what it cannot read with a problem, and logs a line for each request with its id", async () => {
    const response = await post(server, "/v1/segment", { image: new TextEncoder().encode("GIF89a".padEnd(64)) });
    const id = response.headers.get("x-request-id")!;
    expect([response.status, response.headers.get("content-type")]).toEqual([415, "application/problem+json"]);
    expect(await response.json()).toMatchObject({
      type: "/problems/image-unsupported-format",
      instance: `urn:faultline:request:${id}`,
    });
    await printed(server, new RegExp(`^POST /v1/segment 415 \\d+ ms ${id}$`, "m"));
    expect(server.stderr()).toBe("");
  });

  it("keeps uploaded models in its folder, for who has the token", async () => {
    const manifest = { ...tiny.manifest, name: "mine" };
    const upload = (token: string) =>
      post(server, "/v1/models", { model: tiny.bytes, manifest }, { Authorization: `Bearer ${token}` });
    expect((await upload("another")).status).toBe(401);
    expect(existsSync(uploads)).toBe(false);
    expect((await upload("secret")).status).toBe(201);
    expect(readdirSync(`${uploads}/mine`)).toContain("entry.json");
    const segmented = await post(server, "/v1/segment", { image: imagePng, spec: { model: "mine" } });
    expect(await segmented.json()).toMatchObject({ model: "mine", width: 16, height: 12 });
    const headers = { Authorization: "Bearer secret" };
    expect((await fetch(`${server.url}/v1/models/mine`, { method: "DELETE", headers })).status).toBe(204);
    expect(readdirSync(uploads)).toEqual([]);
  });

  it("tells of a client that has gone, and goes on", async () => {
    const leave = new AbortController();
    const body = formOf({ image: street, spec: { attack: "ifgsm", epsilon: 32, steps: 60 } });
    const gone = fetch(`${server.url}/v1/attack`, { method: "POST", body, signal: leave.signal });
    setTimeout(() => leave.abort(), 1000);
    await expect(gone).rejects.toThrow("abort");
    await printed(server, /^POST \/v1\/attack 499 \d+ ms \S+ \(the client has gone\)$/m);
    expect((await post(server, "/v1/segment", { image: imagePng })).status).toBe(200);
  });

  it("at SIGTERM finishes what runs, refuses what waits, and ends", async () => {
    const attack = await beginAttack(server, { attack: "ifgsm", epsilon: 4, steps: 3 });
    const { response: waiting } = await sent(server, "/v1/segment", {
      image: Buffer.from(imagePng).toString("base64"),
    });
    server.child.kill("SIGTERM");
    await printed(server, /^SIGTERM: /m);
    await expect(fetch(`${server.url}/health/live`, { headers: alone })).rejects.toThrow("fetch");
    expect(await attack.rest()).toContain("event: result");
    const [refused] = (await waiting) as [IncomingMessage];
    expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "5"]);
    expect(JSON.parse(await text(refused))).toMatchObject({ type: "/problems/stopping" });
    expect(await server.ended).toBe(0);
    expect(server.stderr()).toBe("");
  });
});

describe("a server without a line", () => {
  it("answers a second request with 503 and Retry-After while one runs", async () => {
    const server = await startServer(["--waiting", "0"]);
    const attack = await beginAttack(server, { attack: "ifgsm", epsilon: 4, steps: 2 });
    const second = await post(server, "/v1/segment", { image: imagePng });
    expect([second.status, Number(second.headers.get("retry-after")) > 0]).toEqual([503, true]);
    expect(await second.json()).toMatchObject({ type: "/problems/busy" });
    expect(await attack.rest()).toContain("event: result");
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(0);
  });
});
