/** `worker`: an evaluation whose units are carried out by other processes has the rows of one that is run here. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { connectRedis } from "../../src/node/redis.ts";
import { keepNetwork, LostInRedis, networkPieces } from "../../src/node/redis-networks.ts";
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
const started = (folder: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Process => {
  const stdio = ["ignore", "ignore", "pipe"] as const;
  const child = spawn(process.execPath, [bin, ...argv], {
    cwd: path(folder),
    env: { ...process.env, ...env },
    stdio: [...stdio],
  });
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

  it("needs no network of its own that is sent, of whichever size, and leaves nothing of it", async () => {
    const { url, end } = await startRedis();
    const scratch = path("scratch");
    mkdirSync(scratch);
    const here = started("here", ["evaluate", ...flags, "--workers", "1", "-o", path("alone.jsonl")]);
    expect(await here.exit).toMatchObject({ code: 0 });
    // A network of another digest has the name there.
    const worker = started("elsewhere", ["worker", "--redis", url, "--workers", "2"], { TMPDIR: scratch });
    const send = ["--redis", url, "--send", "one", "-o", path("sent.jsonl")];
    expect(await started("here", ["evaluate", ...flags, ...send]).exit).toMatchObject({ code: 0 });
    expect(readFileSync(path("sent.jsonl"))).toEqual(readFileSync(path("alone.jsonl")));
    worker.child.kill("SIGTERM");
    expect(await worker.exit).toMatchObject({ code: 0 });
    expect(readdirSync(scratch).filter((name) => name.startsWith("faultline-network"))).toEqual([]);
    const redis = await connectRedis(url);
    const [key] = await redis.keys("faultline:network:*");
    expect(await redis.ttl(key!)).toBeLessThanOrEqual(600);
    // Pieces of 4 MiB, the last of them a part.
    const large = Buffer.alloc(9 * 2 ** 20, "0123456789");
    put("large.onnx", large);
    const { signal } = new AbortController();
    await keepNetwork(redis, "large", path("large.onnx"), { seconds: 100, signal });
    await keepNetwork(redis, "large", path("not there"), { seconds: 1000, signal });
    expect([await redis.hlen("large"), await redis.ttl("large")]).toEqual([3, 1000]);
    const wholeOf = async (name: string): Promise<Buffer> => {
      const pieces: Buffer[] = [];
      for await (const piece of networkPieces(redis, name)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    expect((await wholeOf("large")).equals(large)).toBe(true);
    await redis.rename("large", "damaged");
    await redis.hset("damaged", "4", "");
    for (const name of ["damaged", "large"]) await expect(wholeOf(name)).rejects.toThrow(LostInRedis);
    await redis.config("SET", "maxmemory", "1mb");
    await expect(keepNetwork(redis, "more", path("large.onnx"), { seconds: 100, signal })).rejects.toThrow(
      /large\.onnx: cannot be sent .*: OOM/,
    );
    expect(await redis.keys("more*")).toEqual([]);
    redis.disconnect();
    await end();
  });

  it("is not ended by a network that Redis has lost, which is sent again", async () => {
    const { url, end } = await startRedis();
    const send = ["--redis", url, "--send", "one", "-o", path("lost.jsonl")];
    const evaluation = started("here", ["evaluate", ...flags, ...send]);
    const redis = await connectRedis(url);
    const waiting = async (): Promise<number> => {
      const [key] = await redis.keys("bull:*:wait");
      return key === undefined ? 0 : redis.llen(key);
    };
    // A parcel that is sent later would bring it back.
    for (let [last, now] = [0, 0]; now === 0 || now > last; [last, now] = [now, await waiting()])
      await setTimeout(1000);
    expect(await redis.del(await redis.keys("faultline:network:*"))).toBe(1);
    const worker = started("elsewhere", ["worker", "--redis", url, "--workers", "1"]);
    expect(await evaluation.exit).toMatchObject({ code: 0 });
    worker.child.kill("SIGTERM");
    expect(await worker.exit).toMatchObject({ code: 0 });
    redis.disconnect();
    await end();
  });

  it("needs a server", async () => {
    const refused = await faultline("worker", "--redis", "redis://127.0.0.1:1", "--workers", "1");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("redis://127.0.0.1:1: cannot be reached: connect ECONNREFUSED");
    expect((await faultline("worker", "--redis", "localhost:1")).stderr).toContain("of the form redis://HOST:PORT");
    expect(await faultline("worker", "here")).toMatchObject({ code: 2 });
    const send = await faultline("evaluate", "one", "--send", "one");
    expect([send.code, send.stderr]).toEqual([2, expect.stringContaining("--send goes with --redis URL")]);
  });
});
