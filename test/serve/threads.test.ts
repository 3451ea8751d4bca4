/**
 * The thread that answers requests neither compiles nor decodes: it does not even load the files that do. And while the service's
 * thread is busy, requests that need no network are answered first.
 */

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { FaultlineError } from "../../src/contract/failure.ts";
import { useNodeCodecs } from "../../src/image/node.ts";
import { startThreadService, type ThreadService } from "../../src/node/service.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { failureOf, image, imagePng, serviceOf, spec, tiny } from "../service/tiny-service.ts";
import { startServer } from "./serving.ts";
import { mkdirSync, writeFileSync } from "node:fs";

const source = fileURLToPath(new URL("../../src/", import.meta.url));

/** Files of src that a file loads, directly or not; imports of types alone load nothing. */
const loadedFrom = (entry: string): Set<string> => {
  const found = new Set<string>();
  const visit = (file: string): void => {
    const name = relative(source, file);
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(file, "utf8");
    for (const [, clause, from] of text.matchAll(/^(?:import|export)\s([^;]*?)from\s+"(\.[^"]+\.ts)";$/gm))
      if (!clause!.startsWith("type ")) visit(join(dirname(file), from!));
    for (const [, from] of text.matchAll(/^import "(\.[^"]+\.ts)";$/gm)) visit(join(dirname(file), from!));
  };
  visit(join(source, entry));
  return found;
};

const heavy =
  /^(autodiff\/gradient|autodiff\/rules|onnx\/(read|load)|lowering|segmenter\/(compile|segmenter|network)|image\/(decode|png-decode|jpeg|webp|labels)|networks\/(largest-fit|registry|info)|service\/|runtime\/wasm)/;

describe("the thread that answers", () => {
  it("loads nothing that compiles, predicts or decodes; the service's thread does", () => {
    const answering = [...loadedFrom("serve/main.ts")];
    expect(answering).toContain("api/app.ts");
    expect(answering).toContain("node/service.ts");
    expect(answering.filter((name) => heavy.test(name))).toEqual([]);
    const service = [...loadedFrom("node/service-thread.ts")];
    expect(service).toEqual(
      expect.arrayContaining(["segmenter/compile.ts", "image/decode.ts", "networks/largest-fit.ts"]),
    );
  });
});

const { path } = temporaryFolder();
mkdirSync(path("models", "tiny"), { recursive: true });
writeFileSync(path("models", "tiny", "manifest.json"), JSON.stringify(tiny.manifest));
writeFileSync(path("models", "tiny", "model.onnx"), tiny.bytes);

const settings = { models: path("models"), defaultModel: undefined, uploads: undefined, backend: "wasm", threads: 1, budgetBytes: 96 * 2 ** 20, waiting: 2, version: "1.2.3" } as const; // prettier-ignore

describe("the service in a thread", () => {
  const started: ThreadService[] = [];
  afterAll(() => Promise.all(started.map(({ end }) => end())));
  const start = async (changes: object = {}) => {
    const service = await startThreadService({ ...settings, ...changes });
    started.push(service);
    return service;
  };

  it("answers as the service does in this thread, with each step reported in order", async () => {
    const { service } = await start();
    useNodeCodecs(); // As the thread does: another zlib packs the same pixels into another number of bytes.
    const here = serviceOf();
    const steps: number[] = [];
    const run = { onStep: async ({ step }: { step: number }) => void steps.push(step) };
    const outputs = ["adversarial"] as const;
    const [there, local] = [await service.attack({ spec, image: imagePng, outputs }, run), await here.attack({ spec, image: imagePng, outputs }, {})]; // prettier-ignore
    expect([there.scores, there.images.adversarial!.data.length]).toEqual([
      local.scores,
      local.images.adversarial!.data.length,
    ]);
    expect(steps).toEqual([1, 2, 3, 4]);
    expect((await service.segment({ model: "tiny", image: imagePng })).labels.data).toEqual((await here.segment({ model: "tiny", image: imagePng })).labels.data); // prettier-ignore
    expect(service.uploads).toBeUndefined();
  });

  it("passes failures on, ends a run that is aborted or whose report fails, and refuses once it is told to", async () => {
    const { service, refuse } = await start();
    expect(await failureOf(service.model("nothing"))).toEqual({
      kind: "unknown-model",
      model: "nothing",
      accepted: ["tiny"],
    });
    const leave = new AbortController();
    const request = { spec: { ...spec, steps: 200 }, image: imagePng, outputs: [] };
    let seen = 0;
    const aborted = service.attack(request, {
      signal: leave.signal,
      onStep: () => void (++seen === 2 && leave.abort()),
    });
    expect(await failureOf(aborted)).toEqual({ kind: "cancelled" });
    expect(seen).toBeLessThan(6);
    const broken = service.attack(request, { onStep: () => Promise.reject(new RangeError("no")) });
    await expect(broken).rejects.toThrow(RangeError);
    await service.ready();
    refuse();
    expect(await failureOf(service.segment({ model: "tiny", image: imagePng }))).toEqual({ kind: "stopping" });
    expect(image.shape).toEqual([3, 12, 16]);
  });

  it("that runs out of its heap fails its calls, and the next one starts it anew", async () => {
    const reasons: string[] = [];
    const entry = new URL("./exhausted-thread.ts", import.meta.url);
    const { service } = await start({ heapMib: 64, entry, onCrash: (reason: string) => reasons.push(reason) });
    const lost = await failureOf(service.model("exhaust"));
    expect(lost).toMatchObject({ kind: "model-unavailable", reason: expect.stringMatching(/memory/) });
    expect(reasons).toHaveLength(1);
    expect(await service.models()).toMatchObject([{ name: "tiny" }]);
    expect(new FaultlineError(lost).message).toContain("thread has ended");
  });

  it("is refused with one line where it cannot start", async () => {
    const missing = startThreadService({ ...settings, defaultModel: "another" });
    await expect(missing).rejects.toThrow(/--default-model: there is no "another", only tiny/);
  });
});

describe("a server whose service is busy", () => {
  it("is live meanwhile: health is answered before a network that is opened and run", async () => {
    const server = await startServer(["--models", "models", "--backend", "wasm", "--rate", "2", "--budget-mib", "512"]);
    const order: string[] = [];
    const form = new FormData();
    form.set("image", new Blob([readFileSync(new URL("../../examples/street.png", import.meta.url))]), "street.png");
    form.set("spec", JSON.stringify({ model: "fcn8s-resnet-float" }));
    const cold = fetch(`${server.url}/v1/segment`, { method: "POST", body: form }).then(({ status }) =>
      order.push(`model ${status}`),
    );
    for (let i = 0; i < 20; i++) {
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
      order.push("live");
    }
    await cold;
    expect(order.indexOf("model 200")).toBe(20);
    const post = () => fetch(`${server.url}/v1/score`, { method: "POST", body: "" });
    expect([(await post()).status, (await post()).status]).toEqual([415, 429]);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });
});
