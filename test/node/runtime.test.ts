/** The runtime in a thread: as any other, and back after a crash. */

import { afterAll, expect, it } from "vitest";
import { startThreadRuntime, type ThreadOptions, type ThreadRuntime } from "../../src/node/runtime.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { RuntimeCrash, type Runtime } from "../../src/runtime/session.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { tensorOf } from "../../src/tensor.ts";
import { failureOf, imagePng, serviceOf, tiny } from "../service/tiny-service.ts";
import { describeSession } from "../runtime/suite.ts";

const started: ThreadRuntime[] = [];
const start = async (options: ThreadOptions = {}): Promise<ThreadRuntime> => {
  const runtime = await startThreadRuntime(options);
  started.push(runtime);
  return runtime;
};
afterAll(() => Promise.all(started.map((runtime) => runtime.stop())));

describeSession("WASM in a thread", () => start(), { skip: [] });
describeSession("WASM with two threads", () => start({ threads: 2 }), { skip: [] });

const crashing = new URL("crashing-thread.ts", import.meta.url);
const poison = tensorOf("float32", [1], [0]);

/** y = x + x. */
const doubling = (): Uint8Array => {
  const op = createBuilder();
  const x = op.input("x", "float32", [2]);
  return writeModel(op.model({ y: op.Add(x, x) }));
};
const x = tensorOf("float32", [2], [1, 2]);
const doubled = { y: tensorOf("float32", [2], [2, 4]) };

it("a crash fails the runs and sessions of its thread, is told once, and those after it run", async () => {
  const told: string[] = [];
  const runtime = await start({ entry: crashing, onCrash: (reason) => told.push(reason) });
  const [session, other] = [await runtime.createSession(doubling()), await runtime.createSession(doubling())];
  expect(await session.run({ x })).toEqual(doubled);
  const runs = [session.run({ x, crash: poison }), other.run({ x })];
  for (const run of runs) await expect(run).rejects.toThrow(RuntimeCrash);
  await expect(other.run({ x })).rejects.toThrow(RuntimeCrash);
  expect(told).toEqual([expect.stringContaining("onnxruntime crashed: ")]);
  expect(runtime.restarts!()).toBe(1);
  expect(await (await runtime.createSession(doubling())).run({ x })).toEqual(doubled);
});

it("a thread that ends by itself counts as a crash", async () => {
  const exits = new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", () => process.exit(3));
    parentPort.postMessage({ version: "none 0.0" });
  `)}`,
  );
  const told: string[] = [];
  const runtime = await start({ entry: exits, onCrash: (reason) => told.push(reason) });
  await expect(runtime.createSession(doubling())).rejects.toThrow(RuntimeCrash);
  expect([told.length, runtime.restarts!()]).toEqual([1, 1]);
});

/** With one run that crashes, when it is wanted. */
const crashingOnce = (runtime: Runtime) => {
  let wanted = false;
  const createSession: Runtime["createSession"] = async (model) => {
    const session = await runtime.createSession(model);
    const run: typeof session.run = (feeds) => {
      const given = wanted ? { ...feeds, crash: poison } : feeds;
      wanted = false;
      return session.run(given);
    };
    return { ...session, run };
  };
  return { runtime: { ...runtime, createSession }, crash: () => (wanted = true) };
};

it("a service answers the request after the one that crashed it, as before", async () => {
  const { runtime, crash } = crashingOnce(await start({ entry: crashing }));
  const service = serviceOf([tiny], { runtime });
  const request = { model: "tiny", image: imagePng };
  const before = await service.segment(request);
  crash();
  expect(await failureOf(service.segment(request))).toMatchObject({
    kind: "model-unavailable",
    reason: expect.stringContaining("crashed"),
  });
  const after = await service.segment(request);
  expect(after.labels).toEqual(before.labels);
  const here = await serviceOf([tiny], { runtime: startWasm() }).segment(request);
  expect(after.labels).toEqual(here.labels);
});
