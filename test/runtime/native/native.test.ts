/** Native onnxruntime in a process of its own: as any other runtime; and where it is not installed, the sentence that says so. */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { startNativeProcess } from "../../../src/node/runtime.ts";
import { createBuilder } from "../../../src/onnx/build.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { NATIVE_VERSION } from "../../../src/runtime/native/native.ts";
import { RuntimeCrash } from "../../../src/runtime/session.ts";
import { tensorOf } from "../../../src/tensor.ts";
import { hasNative, native, nativeNote, stopNative } from "../../support/native.ts";
import { describeSession } from "../suite.ts";

describe.skipIf(!hasNative)(`onnxruntime-node${nativeNote}`, () => {
  afterAll(stopNative);

  describeSession("native", native, { skip: [] });

  it("a process that is killed is a crash, which is told; the next session has another", async () => {
    const op = createBuilder();
    const x = op.input("x", "float32", [2]);
    const doubling = writeModel(op.model({ y: op.Add(x, x) }));
    const told: string[] = [];
    const runtime = await startNativeProcess({ threads: 2, onCrash: (reason) => told.push(reason) });
    const feeds = { x: tensorOf("float32", [2], [1, 2]) };
    const lost = await runtime.createSession(doubling);
    process.kill(runtime.processId()!, "SIGKILL");
    await expect(lost.run(feeds)).rejects.toThrow(RuntimeCrash);
    expect([told, runtime.restarts!()]).toEqual([[expect.stringContaining("SIGKILL")], 1]);
    const { y } = await (await runtime.createSession(doubling)).run(feeds);
    expect(y).toEqual(tensorOf("float32", [2], [2, 4]));
    await runtime.stop();
  });
});

describe("the package onnxruntime-node", () => {
  it("where it is absent is named with the command that installs it", async () => {
    const hook = `export const resolve = (name, context, next) => {
      if (name !== "onnxruntime-node") return next(name, context);
      throw Object.assign(new Error("no package " + name), { code: "ERR_MODULE_NOT_FOUND" });
    };`;
    const script = `
      import { register } from "node:module";
      register("data:text/javascript,${encodeURIComponent(hook)}");
      const { startNative } = await import("${new URL("../../../lib/runtime/native/native.js", import.meta.url).href}");
      console.log(await startNative().catch(({ name, message }) => name + ": " + message));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(stdout.trim()).toBe(
      `RuntimeError: the optional package onnxruntime-node is not installed; npm install --ignore-scripts onnxruntime-node@${NATIVE_VERSION} installs it`,
    );
  });

  it("is the one that package.json names", () => {
    const { optionalDependencies } = JSON.parse(
      readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
    ) as { readonly optionalDependencies: Readonly<Record<string, string>> };
    expect(optionalDependencies["onnxruntime-node"]).toBe(NATIVE_VERSION);
  });
});
