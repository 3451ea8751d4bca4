/** `worker`: an evaluation whose units are carried out by other processes has the rows of one that is run here. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { redisNote, redisProgram, startRedis } from "../support/redis.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const bin = fileURLToPath(new URL("../../bin/faultline.js", import.meta.url));
const storeNetwork = (folder: string, seed: number): void => {
  const { bytes, manifest } = tinyFile({ activation: "Tanh", seed }, { name: "one" });
  mkdirSync(path(folder, "one"), { recursive: true });
  put(`${folder}/one/model.onnx`, bytes);
  put(`${folder}/one/manifest.json`, JSON.stringify(manifest));
};
storeNetwork("here", 1);
storeNetwork("elsewhere", 2);
for (const folder of ["data", "data/images", "data/labels"]) mkdirSync(path(folder));
for (let i = 0; i < 5; i++) {
  put(`data/images/${i}.png`, encodePng(noiseImage(12, 16, i)));
  put(`data/labels/${i}.png`, encodeLabels(noiseLabels(12, 16, 4, i, true), []));
}

interface Process {
  readonly child: ChildProcess;
  /** The exit code, and what was printed to stderr. */
  readonly exit: Promise<{ readonly code: number | null; readonly told: string }>;
}

/** The command in a process of its own, started in a folder that has a network "one". */
const started = (folder: string, argv: readonly string[]): Process => {
  const child = spawn(process.execPath, [bin, ...argv], { cwd: path(folder), stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => void (told += chunk.toString()));
  const exit = once(child, "exit").then(([code]) => ({ code: code as number | null, told }));
  return { child, exit };
};

const flags = ["one", "--data", path("data"), "--attacks", "pgd:steps=20", "--epsilon", "1,4", "--repeats", "1"];

describe.skipIf(!redisProgram)(`worker${redisNote}`, () => {
  it("carries out an evaluation while workers and the command itself are killed, with the bytes of a local run", async () => {
    const { url, end } = await startRedis();
    const worker = () => started("here", ["worker", "--redis", url, "--workers", "1", "--lease", "1"]);
    const evaluation = () => started("here", ["evaluate", ...flags, "--redis", url, "-o", path("remote.jsonl")]);
    const local = started("here", ["evaluate", ...flags, "--workers", "1", "-o", path("local.jsonl")]);
    const first = evaluation();
    const doomed = worker();
    expect(await local.exit).toMatchObject({ code: 0 });
    // Whatever they are at: by then the worker may be starting, or in any unit.
    first.child.kill("SIGKILL");
    doomed.child.kill("SIGKILL");
    await Promise.all([first.exit, doomed.exit]);
    const second = evaluation();
    const other = worker();
    expect(await second.exit).toMatchObject({ code: 0 });
    expect(readFileSync(path("remote.jsonl"))).toEqual(readFileSync(path("local.jsonl")));
    other.child.kill("SIGTERM");
    expect(await other.exit).toMatchObject({ code: 0 });
    await end();
  });

  it("leaves what it lacks to others, and says what", async () => {
    const { url, end } = await startRedis();
    const evaluation = started("here", ["evaluate", ...flags, "--redis", url, "-o", path("left.jsonl")]);
    const wrong = started("elsewhere", ["worker", "--redis", url, "--workers", "1"]);
    const { code, told } = await wrong.exit;
    expect(code).toBe(1);
    expect(told).toMatch(/one: has the digest [0-9a-f]{64} here, and [0-9a-f]{64} where the evaluation/);
    await setTimeout(100);
    evaluation.child.kill("SIGINT");
    expect(await evaluation.exit).toMatchObject({ code: 130 });
    await end();
  });

  it("needs a server", async () => {
    const refused = await faultline("worker", "--redis", "redis://127.0.0.1:1", "--workers", "1");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("redis://127.0.0.1:1: cannot be reached: connect ECONNREFUSED");
    expect((await faultline("worker", "--redis", "localhost:1")).stderr).toContain("of the form redis://HOST:PORT");
    expect(await faultline("worker", "here")).toMatchObject({ code: 2 });
  });
});
