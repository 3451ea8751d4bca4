/** Commands and the service on native onnxruntime: they say where they ran, and their results are WASM's within rounding. */

import { mkdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { RunFile } from "../../../src/cli/run-file.ts";
import type { Row } from "../../../src/evaluation/row.ts";
import { encodeLabels } from "../../../src/image/labels.ts";
import { faultline, temporaryFolder } from "../../cli/terminal.ts";
import { imagePng, serviceOf, spec, tiny } from "../../service/tiny-service.ts";
import { noiseLabels } from "../../support/networks/image.ts";
import { hasNative, native, nativeNote, stopNative } from "../../support/native.ts";

const { path, put } = temporaryFolder();
for (const folder of ["net", "data", "data/images", "data/labels"]) mkdirSync(path(folder));
put("net/model.onnx", tiny.bytes);
put("net/manifest.json", JSON.stringify(tiny.manifest));
put("data/images/a.png", imagePng);
put("data/labels/a.png", encodeLabels(noiseLabels(12, 16, 4, 1), []));
const rowsOf = (file: string): Row[] =>
  readFileSync(path(file), "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);

const version = hasNative ? (await native()).version : "";

describe.skipIf(!hasNative)(`native onnxruntime${nativeNote}`, () => {
  afterAll(stopNative);

  it("runs evaluations, whose rows and run file say so; they are not mixed with rows of another backend", async () => {
    const flags = [path("net"), "--data", path("data"), "--attacks", "fgsm", "--epsilon", "2", "-o"];
    const asked = ["--backend", "native", "--threads", "2", "--workers", "1"];
    const { code, stdout, stderr } = await faultline("evaluate", ...flags, path("native.jsonl"), ...asked);
    expect([code, stdout, code === 0 ? "" : stderr]).toEqual([
      0,
      expect.stringContaining("\non native: it was asked for\n"),
      "",
    ]);
    const rows = rowsOf("native.jsonl");
    expect(rows).toHaveLength(2);
    for (const { receipt } of rows) expect([receipt.backend, receipt.onnxruntime]).toEqual(["native", version]);
    const run = JSON.parse(readFileSync(path("native.run.json"), "utf8")) as RunFile;
    expect([run.backend, run.versions.onnxruntime]).toEqual(["native", version]);

    const mixed = await faultline("evaluate", ...flags, path("native.jsonl"));
    expect([mixed.code, mixed.stderr]).toEqual([1, expect.stringContaining("ran on native")]);
    expect((await faultline("evaluate", ...flags, path("wasm.jsonl"))).code).toBe(0);
    expect(rows.map(({ id, counts }) => ({ id, counts }))).toEqual(
      rowsOf("wasm.jsonl").map(({ id, counts }) => ({ id, counts })),
    );
  });

  it("answers requests that ask for it, or for any; the answer says which and why", async () => {
    let started = 0;
    const open = () => {
      started += 1;
      return native();
    };
    const service = serviceOf([tiny], { native: open });
    const attack = async (backend?: "native" | "wasm") =>
      service.attack({ spec: { ...spec, backend }, image: imagePng, outputs: ["adversarial-npy"] }, {});
    const [any, asked, wasm] = [await attack(), await attack("native"), await attack("wasm")];
    expect(started).toBe(1);
    expect([any, asked, wasm].map(({ receipt: { backend } }) => backend)).toEqual(["native", "native", "wasm"]);
    expect(any.receipt.versions.onnxruntime).toBe(version);
    expect(any.receipt.backendWhy).toBe(`${version} is installed, and this service has no WebGPU`);
    expect(asked.images).toEqual(any.images);
    expect(asked.images).toEqual(wasm.images);
    expect(asked.scores).toEqual(wasm.scores);
  });
});
