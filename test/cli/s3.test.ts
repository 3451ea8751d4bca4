/** Data and results in an S3-compatible bucket: an evaluation has the rows and the report of one on this disk, wherever its workers are. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { dataAt, setAt } from "../../src/node/stores.ts";
import { openBucket } from "../../src/node/s3.ts";
import { sha256Of } from "../../src/digest.ts";
import { redisNote, redisProgram, startRedis } from "../support/redis.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";
import { evaluateFolder } from "./evaluate-folder.ts";
import { faultline } from "./terminal.ts";

const { path, one, put } = evaluateFolder();
const bin = fileURLToPath(new URL("../../bin/faultline.js", import.meta.url));
const flags = ["--attacks", "pgd:steps=3,ifgsm", "--epsilon", "1,4", "--repeats", "1"];
const files = ["images", "labels"].flatMap((folder) =>
  readdirSync(path(`data/${folder}`)).map((name) => `${folder}/${name}`),
);

let server: S3Server;
beforeAll(async () => {
  server = await startS3({ pageSize: 3 });
  for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
  const bucket = openBucket("s3://results/sets/pictures");
  for (const file of files) await bucket.put(file, readFileSync(path("data", file)));
  await bucket.put("images/", "");
  await bucket.put(".hidden", "none");
  const store = dataAt("s3://results/pushed");
  const listed = [];
  for (const file of files) {
    const bytes = readFileSync(path("data", file));
    const sha256 = await sha256Of(bytes);
    await store.putFile(sha256, bytes);
    listed.push({ path: file, sha256, bytes: bytes.length });
  }
  await store.commit({ name: "pictures", files: listed });
  mkdirSync(path("out"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.end();
});

const objectOf = (key: string): string => new TextDecoder().decode(server.objects.get(key));
const evaluated = async (...argv: readonly string[]) => {
  const ended = await faultline("evaluate", one, ...flags, "--workers", "1", ...argv);
  expect(ended).toMatchObject({ code: 0 });
  return ended;
};
const reported = async (rows: string): Promise<string> => {
  const report = path("out/report.json");
  const ended = await faultline("report", rows, "-o", report);
  expect(ended).toMatchObject({ code: 0 });
  // The command names the place of its rows.
  return readFileSync(report, "utf8").replaceAll(/^ +"command": .*$/gm, "");
};

describe("evaluate", () => {
  it.each(["s3://results/sets/pictures", setAt("s3://results/pushed", "pictures"), "s3://results/sets/pictures/"])(
    "has the rows of a folder on %s",
    async (data) => {
      await evaluated("--data", path("data"), "-o", path("out/local.jsonl"));
      await evaluated("--data", data, "-o", path("out/from-bucket.jsonl"));
      expect(readFileSync(path("out/from-bucket.jsonl"))).toEqual(readFileSync(path("out/local.jsonl")));
    },
  );

  it("takes pictures and label maps from two places, and lists beside their files", async () => {
    const two = ["--data", "s3://results/sets/pictures/images", "--labels", path("data/labels")];
    await evaluated(...two, "-o", path("out/two.jsonl"));
    expect(readFileSync(path("out/two.jsonl"))).toEqual(readFileSync(path("out/local.jsonl")));
    const pair = { image: "images/picture-0.png", labels: "labels/picture-0.png" };
    await openBucket("s3://results/sets/pictures").put("list.json", JSON.stringify([pair]));
    await evaluated("--data", "s3://results/sets/pictures/list.json", "-o", path("out/list.jsonl"));
    expect(readFileSync(path("out/list.jsonl"), "utf8").split("\n").length).toBe(10);
  });

  it("keeps rows, what stands beside them, Parquet and reports in a bucket, and goes on there", async () => {
    const out = "s3://results/runs/here/rows.jsonl";
    const own = [
      "--data",
      path("data"),
      "-o",
      out,
      "--report",
      "s3://results/runs/here/report.md",
      "--format",
      "parquet",
    ];
    await evaluated("--data", path("data"), "-o", out, "--images", "2");
    server.requests.length = 0;
    const { stderr } = await evaluated(...own);
    // What was there is read at the beginning, and all of it once at the end: for the summary, for Parquet and for the report.
    expect(server.requests.filter((request) => /^GET .*\/rows\.jsonl$/.test(request)).length).toBe(2);
    expect(stderr).toContain("s3://results/runs/here/rows.jsonl: 18 of 36 units are there already");
    expect(objectOf("runs/here/rows.jsonl")).toBe(readFileSync(path("out/local.jsonl"), "utf8"));
    const names = [...server.objects.keys()].filter((key) => key.startsWith("runs/here/"));
    expect(names.toSorted()).toEqual(
      ["report.md", "rows.jsonl", "rows.parquet", "rows.run.json"].map((name) => `runs/here/${name}`),
    );
    expect(objectOf("runs/here/rows.parquet").slice(0, 4)).toBe("PAR1");
    expect(await reported(out)).toBe(await reported(path("out/local.jsonl")));
    expect(await faultline("report", out, "-o", path("out/report.md"))).toMatchObject({ code: 0 });
    expect(objectOf("runs/here/report.md")).toBe(readFileSync(path("out/report.md"), "utf8"));
    const other = await faultline("evaluate", one, "--data", path("data"), "--attacks", "fgsm", "-o", out);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining(`${out}: holds`) });
    expect((await faultline("report", "s3://results/runs/here/rows.parquet")).stderr).toMatch(/name the .jsonl/);
  });

  it.each([
    [["--data", "s3://results/none"], 1, "s3://results/none: no such file or folder"],
    [["--data", "s3://results/pushed#none"], 1, "s3://results/pushed#none: no such file or folder"],
    [["--data", "s3://missing/a"], 1, "there is no such bucket"],
    [["--data", "s3://forbidden/a"], 1, "denied by"],
    [["--data", "s3://A"], 2, "of the form s3://BUCKET/PREFIX"],
    [["-o", "s3://results/rows#a.jsonl"], 2, "goes with the data"],
    [["-o", "s3://forbidden/rows.jsonl"], 1, "denied by"],
  ])("refuses %j in a line", async (argv, code, message) => {
    const ended = await faultline(
      "evaluate",
      one,
      ...flags,
      ...(argv.includes("--data") ? [] : ["--data", path("data")]),
      ...argv,
    );
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(message) });
    expect(ended.stderr.trim().split("\n").length).toBe(1);
  });
});

interface Process {
  readonly child: ChildProcess;
  readonly exit: Promise<{ readonly code: number | null; readonly told: string }>;
}

/** The command in a process of its own, with a folder of its own, so that nothing is shared but the bucket and Redis. */
const started = (folder: string, argv: readonly string[]): Process => {
  const env = { ...process.env, ...server.environment };
  const child = spawn(process.execPath, [bin, ...argv], { cwd: folder, stdio: ["ignore", "ignore", "pipe"], env });
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => void (told += chunk.toString()));
  return { child, exit: once(child, "exit").then(([code]) => ({ code: code as number | null, told })) };
};

describe.skipIf(!redisProgram)(`two workers behind Redis${redisNote}`, () => {
  it("with nothing but a bucket give the report of a run on this disk, byte by byte", async () => {
    const { url, end } = await startRedis();
    const folders = ["first", "second", "third"].map((name) => path(name));
    for (const folder of folders) {
      mkdirSync(`${folder}/one`, { recursive: true });
      for (const file of ["model.onnx", "manifest.json"])
        put(`${folder.slice(path("").length)}/one/${file}`, readFileSync(path("one", file)));
    }
    const out = "s3://results/runs/there/rows.jsonl";
    const data = setAt("s3://results/pushed", "pictures");
    const workers = folders.slice(0, 2).map((folder) => started(folder, ["worker", "--redis", url, "--workers", "1"]));
    const run = ["evaluate", "one", ...flags, "--data", data, "--redis", url, "-o", out];
    const evaluation = await started(folders[2]!, run).exit;
    expect(evaluation).toMatchObject({ code: 0 });
    const alone = path("third/alone.jsonl");
    const local = await started(folders[2]!, ["evaluate", "one", ...flags, "--data", data, "-o", alone]).exit;
    expect(local).toMatchObject({ code: 0 });
    expect(objectOf("runs/there/rows.jsonl")).toBe(readFileSync(alone, "utf8"));
    expect(await reported(out)).toBe(await reported(alone));
    for (const { child } of workers) child.kill("SIGTERM");
    for (const { exit } of workers) expect(await exit).toMatchObject({ code: 0 });
    await end();
  });
});

it("says what is missing where the optional package is not installed", async () => {
  const hooks = `export const resolve = (name, context, next) => {
    if (name === "aws4fetch") throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  };`;
  const url = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(url(hooks))});`;
  const run = async (...argv: readonly string[]) => {
    const child = spawn(process.execPath, ["--import", url(register), bin, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stderr };
  };
  expect(await run("evaluate", one, "--data", "s3://results/sets/pictures", "-o", path("out/none.jsonl"))).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      /addresses in a bucket need the package aws4fetch \(npm install aws4fetch\)\n$/,
    ) as string,
  });
  expect(await run("evaluate", one, "--dry-run", "--data", path("data"))).toMatchObject({ code: 0 });
});
