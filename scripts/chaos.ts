/**
 * An evaluation under bad conditions, compared with one in peace: `npx tsx scripts/chaos.ts [PICTURES] [SECONDS] [HEIGHTxWIDTH]`. Two processes of `faultline
 * worker` behind Redis carry it out; one of them is killed (−9) and replaced every SECONDS in which rows have come, and a tenth of the parcels is delivered twice.
 * With `--partition`, the workers have a network of their own (`ip netns`, as root), whose cable to Redis is cut for 30 s in mid run.
 */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
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

const root = fileURLToPath(new URL("..", import.meta.url));
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

const faultline = (argv: readonly string[]): ChildProcess =>
  spawn(process.execPath, [bin, ...argv], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });

const finished = async (argv: readonly string[]): Promise<void> => {
  const [code] = (await once(faultline(argv), "exit")) as [number | null];
  if (code !== 0) throw new Error(`faultline ${argv[0]} ended with ${code}`);
};

/** Addresses of this side and of the workers', in a network of their own. */
const NETWORK = { name: "chaos", here: "10.231.7.1", there: "10.231.7.2" } as const;

const ip = (line: string): void => void execFileSync("ip", line.split(" "));

/** A namespace of the network for the workers, joined to this one by a cable that can be cut. */
const startNetwork = () => {
  const { name, here, there } = NETWORK;
  ip(`netns add ${name}`);
  ip("link add chaos0 type veth peer name chaos1");
  ip(`link set chaos1 netns ${name}`);
  ip(`addr add ${here}/24 dev chaos0`);
  ip(`-n ${name} addr add ${there}/24 dev chaos1`);
  ip("link set chaos0 up");
  ip(`-n ${name} link set chaos1 up`);
  return {
    cut: async (milliseconds: number) => {
      ip("link set chaos0 down");
      await setTimeout(milliseconds);
      ip("link set chaos0 up");
    },
    end: () => ip(`netns del ${name}`),
  };
};

const address = isPartitioned ? NETWORK.here : "127.0.0.1";
const network = isPartitioned ? startNetwork() : null;
const redis = await startRedis(undefined, address);
const over = new AbortController();
let [kills, duplicates] = [0, 0];
const [rough, calm] = [join(folder, "rough.jsonl"), join(folder, "calm.jsonl")];

/** A worker process, which is replaced when it ends. */
const places: ChildProcess[] = [];
const keepWorker = (place: number): void => {
  const argv = ["worker", "--redis", redis.url, "--workers", "1", "--lease", "5"];
  const child = network
    ? spawn("ip", ["netns", "exec", NETWORK.name, process.execPath, bin, ...argv], { cwd: root, stdio: "ignore" })
    : faultline(argv);
  places[place] = child;
  child.once("exit", () => {
    if (!over.signal.aborted) keepWorker(place);
  });
};
keepWorker(0);
keepWorker(1);

/** Rows that there are. */
const rowsIn = (): number => (existsSync(rough) ? readFileSync(rough, "utf8").split("\n").length - 1 : 0);

/** Not before there are further rows: on a busy machine a process takes longer to start. */
const killing = async (): Promise<void> => {
  for (let before = 0; ;) {
    await setTimeout(1000 * Number(seconds));
    if (over.signal.aborted) return;
    const rows = rowsIn();
    if (rows === before) continue;
    before = rows;
    places[kills % 2]!.kill("SIGKILL");
    kills += 1;
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

/** Once, when a quarter is done. */
const partitioning = async (): Promise<void> => {
  if (!network) return;
  while (rowsIn() < (10 * Number(pictures)) / 4 && !over.signal.aborted) await setTimeout(200);
  console.log(`the workers are cut off from Redis for 30 s, at ${rowsIn()} rows`);
  await network.cut(PARTITION_MS);
  console.log(`they are back, at ${rowsIn()} rows`);
};

const began = performance.now();
void killing();
const around = [duplicating(), partitioning()];
await finished(["evaluate", ...evaluation, "--redis", redis.url, "--backend", "native", "-o", rough, "--workers", "8"]);
over.abort();
const elapsed = (performance.now() - began) / 1000;
await Promise.all(around);
for (const child of places) child.kill("SIGKILL");
await redis.end();
network?.end();
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
