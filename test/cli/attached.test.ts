/** A command whose service has gone. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { processFlags } from "../../src/node/worker.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { startS3 } from "../support/s3/server.ts";
import { temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const isRow = (request: string): boolean => /^PUT .*\/rows\.jsonl\.rows\//.test(request);
const s3 = await startS3({ isHeld: isRow });
afterAll(() => s3.end());

it("does not wait for a bucket until another service has its place", async () => {
  const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "one" });
  for (const folder of ["one", "data/images", "data/labels"]) mkdirSync(path(folder), { recursive: true });
  put("one/model.onnx", bytes);
  put("one/manifest.json", JSON.stringify(manifest));
  put("data/images/a.png", encodePng(noiseImage(12, 16)));
  put("data/labels/a.png", encodeLabels(noiseLabels(12, 16, 4), []));
  const entry = new URL("../../src/cli/attached.ts", import.meta.url);
  const argv = ["evaluate", path("one"), "--data", path("data"), "--attacks", "ifgsm", "--workers", "1"];
  const child = spawn(
    process.execPath,
    [...processFlags(entry), fileURLToPath(entry), ...argv, "-o", "s3://results/rows.jsonl"],
    { env: { ...process.env, ...s3.environment, TMPDIR: path() }, stdio: ["ignore", "ignore", "inherit", "ipc"] },
  );
  const ended = once(child, "exit");
  while (!s3.requests.some(isRow) && child.exitCode === null) await setTimeout(20);
  child.disconnect();
  expect(await ended).toEqual([1, null]);
  // It would have asked again after 15 s.
  expect(s3.requests.filter(isRow)).toHaveLength(1);
});
