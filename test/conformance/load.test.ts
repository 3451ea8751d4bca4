/** Many clients at once, and clients that leave. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { formBody } from "../support/api-request.ts";
import { makeScene } from "./scene.ts";
import { attackWith, openWorker, outcome } from "./worker.ts";

const client = openWorker();
const scenes = [makeScene(7, 96, 72), makeScene(8, 120, 80)] as const;
const imageOf = (i: number) => ({ image: scenes[i % 2]!.png });
const short = { attack: "fgsm", epsilon: 1, images: [] };

const burst = (count: number): Promise<Response[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => client.form("/v1/attack", imageOf(i), short)));

describe("many requests at once", () => {
  it("are answered, or told when to come back; and then the Worker goes on", async () => {
    const alone = await Promise.all([0, 1].map((i) => attackWith(client, imageOf(i), short)));
    const answers = (await burst(12)).map((response, i) => ({ response, i }));
    const [ok, busy] = [200, 503].map((status) => answers.filter(({ response }) => response.status === status));
    expect(ok!.length + busy!.length).toBe(12);
    // One runs and eight wait, whenever they come.
    expect(ok!.length).toBeGreaterThanOrEqual(9);
    for (const { response, i } of ok!) {
      const { scores, perturbation }: (typeof alone)[0] = await response.json();
      expect([i, scores, perturbation]).toEqual([i, alone[i % 2]!.scores, alone[i % 2]!.perturbation]);
    }
    for (const { response } of busy!) {
      expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      expect(await outcome(response)).toEqual([503, "busy"]);
    }
    expect((await burst(1))[0]!.status).toBe(200);
  });

  it("while a stream runs, health is answered", async () => {
    const spec = { attack: "ifgsm", epsilon: 8, steps: 20 };
    const stream = await client.form("/v1/attack", imageOf(0), spec, { accept: "text/event-stream" });
    expect((await client.send("/health/live")).status).toBe(200);
    expect(await stream.text()).toContain("event: result");
  });
});

describe("a client that leaves", () => {
  /** Starts a long attack, reads its first event, and leaves. */
  const leave = async (): Promise<void> => {
    const abort = new AbortController();
    const response = await client.send("/v1/attack", {
      method: "POST",
      body: formBody(imageOf(0), { attack: "ifgsm", epsilon: 8, steps: 200, images: [] }),
      headers: { accept: "text/event-stream" },
      signal: abort.signal,
    });
    const { value } = await response.body!.getReader().read();
    expect(new TextDecoder().decode(value)).toContain("event: progress");
    abort.abort();
  };

  const duration = async (run: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };

  /** Sends a request that answers with JSON, and resets the connection while it runs. */
  const reset = async (path: string, spec: object, ms: number): Promise<void> => {
    const framed = new Response(formBody(imageOf(0), spec));
    const body = new Uint8Array(await framed.arrayBuffer());
    const { hostname, port } = await client.url();
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const type = framed.headers.get("content-type");
    socket.write(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`); // prettier-ignore
    socket.write(body);
    await setTimeout(ms);
    socket.resetAndDestroy();
  };

  // workerd takes the end of the client's side of a connection (FIN) for no departure until it writes; a reset it sees at once.
  it.each([
    ["/v1/attack", { attack: "ifgsm", epsilon: 8, steps: 200, images: [] }],
    ["/v1/robustness", { attacks: ["ifgsm"], epsilons: [8, 16, 32], label: "prediction" }],
    ["/v1/audit", { epsilon: 8, steps: 20 }],
    ["/v1/certify", { sigma: 16 }],
    ["/v1/transfer", { sources: ["enet-street"], targets: ["enet-street"], attack: "ifgsm", steps: 200 }],
  ])("by a reset stops its run of %s that answers with JSON, and no other request waits for it", async (path, spec) => {
    await attackWith(client, imageOf(0), { ...short, attack: "ifgsm", steps: 1 });
    const twentySteps = await duration(() => attackWith(client, imageOf(0), { ...short, attack: "ifgsm", steps: 20 }));
    await reset(path, spec, twentySteps / 4);
    const next = await duration(() => attackWith(client, imageOf(0), short));
    expect(next).toBeLessThan(3 * twentySteps + 1000);
  });

  it("stops its run that answers with a stream, and no other request waits for it", async () => {
    await attackWith(client, imageOf(0), { ...short, attack: "ifgsm", steps: 1 });
    const twentySteps = await duration(() => attackWith(client, imageOf(0), { ...short, attack: "ifgsm", steps: 20 }));
    for (let i = 0; i < 3; i++) {
      await leave();
      const next = await duration(() => attackWith(client, imageOf(0), short));
      // What is left of the 200 steps would take some nine times as long as these twenty.
      expect(next).toBeLessThan(3 * twentySteps + 1000);
    }
  });
});
