/** Evaluations of uploaded networks that `faultline worker` carries out, on a machine that has none of the uploads. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { startEvaluations } from "../../src/node/evaluations/evaluations.ts";
import { folderUploads } from "../../src/store/folder.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { redisNote, redisProgram, startRedis } from "../support/redis.ts";

const { path, put } = temporaryFolder();
const network = (name: string, seed: number) => tinyFile({ activation: "Tanh", classes: 11, seed }, { name });
const shipped = network("one", 1);
for (const folder of ["service/models", "worker/models"]) {
  mkdirSync(path(folder, "one"), { recursive: true });
  put(`${folder}/one/model.onnx`, shipped.bytes);
  put(`${folder}/one/manifest.json`, JSON.stringify(shipped.manifest));
}
const bin = fileURLToPath(new URL("../../bin/faultline.js", import.meta.url));

it.skipIf(!redisProgram)(
  `reaches workers through Redis, though it is replaced before they start${redisNote}`,
  async () => {
    const redis = await startRedis();
    const store = folderUploads(path("uploads"));
    const upload = async (seed: number, file: string): Promise<string> => {
      const { bytes, manifest } = network("mine", seed);
      await store.write({ manifest: { ...manifest, file }, info: {} as never, foundBy: "" }, bytes);
      return manifest.sha256;
    };
    const { evaluations, end } = await startEvaluations({
      place: path("evaluations"),
      models: path("service/models"),
      uploads: path("uploads"),
      data: null,
      redis: redis.url,
      maxCpuHours: 1,
    });
    const sha256 = await upload(2, "a.onnx");
    const data = { images: 1, size: { width: 32, height: 32 } };
    const spec = { networks: ["one", "mine"], transferFrom: ["mine"], data, attacks: ["fgsm"], epsilon: 4 } as const;
    const { id } = (await evaluations.submit({ spec: spec as never })).evaluation;
    await upload(3, "b.onnx");
    await store.removeFile("mine", "a.onnx");
    const argv = [bin, "worker", "--redis", redis.url, "--workers", "1"];
    const worker = spawn(process.execPath, argv, { cwd: path("worker"), stdio: "ignore" });
    const done = await evaluations.follow(id, { onChange: () => undefined });
    expect(done).toMatchObject({ state: "done", uploaded: { mine: sha256 } });
    const lines = (await new Response((await evaluations.rows(id)).body).text()).trimEnd().split("\n");
    const units = lines.map((line) => (JSON.parse(line) as Row).unit);
    expect(new Set(units.map(({ networkSha256 }) => networkSha256))).toEqual(
      new Set([shipped.manifest.sha256, sha256]),
    );
    expect(new Set(units.flatMap(({ source }) => source ?? []))).toEqual(new Set([sha256]));
    worker.kill("SIGTERM");
    expect(await once(worker, "exit")).toEqual([0, null]);
    await end();
    await redis.end();
  },
);
