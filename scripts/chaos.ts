/**
 * An evaluation under bad conditions, compared with one in peace: `npx tsx scripts/chaos.ts [PICTURES] [SECONDS] [HEIGHTxWIDTH]`. Two processes of `faultline
 * worker` behind Redis carry it out; one of them is killed (−9) and replaced every SECONDS, and a tenth of the parcels is delivered twice.
 * With `--partition`, the workers reach Redis through a relay that passes nothing on for 30 s in mid run, and drops the connections.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { sha256Of } from "../src/digest.ts";
import { version } from "../src/node/package.ts";
import { connectionTo } from "../src/node/redis.ts";
import { queueName } from "../src/node/redis-messages.ts";
import { startRedis } from "../test/support/redis.ts";

const isPartitioned = process.argv.includes("--partition");
const [pictures = "20", seconds = "20", size = "64x96"] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith("--"));
const SHARE = 0.1;
const PARTITION_MS = 30_000;

const bin = fileURLToPath(new URL("../bin/faultline.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "chaos-"));
const evaluation = [
  "enet-street",
  "--images",
  pictures,
  "--size",
  size,
  "--attacks",
  "fgsm,ifgsm,pgd",
  "--epsilon",
  "1,2,4",
];

/** Processor time of what has ended is its parent's to ask for. */
const faultline = (argv: readonly string[]): ChildProcess =>
  spawn(process.execPath, [bin, ...argv], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "ignore", "inherit"],
  });

const finished = async (argv: readonly string[]): Promise<void> => {
  const [code] = (await once(faultline(argv), "exit")) as [number | null];
  if (code !== 0) throw new Error(`faultline ${argv[0]} ended with ${code}`);
};

/** Passes bytes between the workers and Redis, until it is cut. */
const startRelay = async (port: number) => {
  let isCut = false;
  const open = new Set<Socket>();
  const server = createServer((from) => {
    if (isCut) {
      from.destroy();
      return;
    }
    const to = connect(port, "127.0.0.1");
    for (const socket of [from, to]) {
      open.add(socket);
      socket.on("error", () => undefined).once("close", () => open.delete(socket));
    }
    from.pipe(to).pipe(from);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: async (milliseconds: number) => {
      isCut = true;
      for (const socket of open) socket.destroy();
      await setTimeout(milliseconds);
      isCut = false;
    },
    end: () => server.close(),
  };
};

const redis = await startRedis();
const relay = await startRelay(redis.port);
const worker = (): ChildProcess => faultline(["worker", "--redis", relay.url, "--workers", "1", "--lease", "5"]);
let [first, second] = [worker(), worker()];
let [kills, duplicates] = [0, 0];
const over = new AbortController();

const killing = async (): Promise<void> => {
  for (;;) {
    await setTimeout(1000 * Number(seconds));
    if (over.signal.aborted) return;
    first.kill("SIGKILL");
    kills += 1;
    [first, second] = [second, worker()];
  }
};

/** Each job of the queue is delivered once more under another name, with a chance of one in ten. */
const duplicating = async (): Promise<void> => {
  const queue = new Queue(queueName(version), { connection: connectionTo(redis.url) });
  const seen = new Set<string>();
  while (!over.signal.aborted) {
    for (const job of await queue.getJobs(["active", "waiting"])) {
      if (job?.id === undefined || seen.has(job.id)) continue;
      seen.add(job.id).add(`${job.id}-again`);
      if (Number.parseInt((await sha256Of(job.id)).slice(0, 8), 16) / 2 ** 32 >= SHARE) continue;
      duplicates += 1;
      await queue.add(job.name, job.data, { jobId: `${job.id}-again`, removeOnComplete: true, removeOnFail: true });
    }
    await setTimeout(200);
  }
  await queue.close();
};

const partitioning = async (): Promise<void> => {
  if (!isPartitioned) return;
  await setTimeout(20_000);
  console.log("the workers are cut off from Redis for 30 s");
  await relay.cut(PARTITION_MS);
};

const [rough, calm] = [join(folder, "rough.jsonl"), join(folder, "calm.jsonl")];
const began = performance.now();
void killing();
const around = [duplicating(), partitioning()];
await finished(["evaluate", ...evaluation, "--redis", redis.url, "--backend", "native", "-o", rough, "--workers", "8"]);
over.abort();
const elapsed = (performance.now() - began) / 1000;
await Promise.all(around);
for (const child of [first, second]) child.kill("SIGTERM");
relay.end();
await redis.end();
await finished(["evaluate", ...evaluation, "--backend", "native", "-o", calm, "--workers", "1"]);
const reports = [rough, calm].map((rows) => rows.replace(".jsonl", ".report.json"));
for (const [i, rows] of [rough, calm].entries()) await finished(["report", rows, "-o", reports[i]!]);

/** What a report says of its run: the command differs, and nothing else may. */
const withoutCommand = (path: string): string => readFileSync(path, "utf8").replaceAll(/"command": ".*"/g, "");
const [a, b] = [readFileSync(rough), readFileSync(calm)];
const lines = a.toString().split("\n").length - 1;
console.log(
  `${lines} rows in ${elapsed.toFixed(0)} s, ${kills} processes killed, ${duplicates} parcels delivered twice`,
);
console.log(
  `rows ${a.equals(b) ? "have the same bytes" : "DIFFER"}; reports ${withoutCommand(reports[0]!) === withoutCommand(reports[1]!) ? "have the same bytes" : "DIFFER"}`,
);
process.exit(a.equals(b) ? 0 : 1);
