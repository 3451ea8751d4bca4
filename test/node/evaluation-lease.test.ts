/** A prefix of a bucket has one service at a time, and rows that are being merged are each read once. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openRows } from "../../src/node/evaluations/bucket-rows.ts";
import { startEvaluations } from "../../src/node/evaluations/evaluations.ts";
import { takeLease } from "../../src/node/evaluations/lease.ts";
import { openBucket, type S3Bucket } from "../../src/node/s3.ts";
import { askerOf } from "../../src/node/s3-request.ts";
import { settingsFor } from "../../src/node/s3-settings.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";

const scratch = mkdtempSync(join(tmpdir(), "leases-"));
let server: S3Server;
beforeAll(async () => {
  server = await startS3({ pageSize: 2 });
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await server.end();
});

const opened = (address: string): S3Bucket =>
  openBucket(address, (bucket) => askerOf(bucket, settingsFor(bucket, server.environment), [1, 1]));
const keysIn = (prefix: string): string[] => [...server.objects.keys()].filter((key) => key.startsWith(prefix));

const beatMs = 100;
const kept = { beatMs, onLost: expect.unreachable };
const refused = /^s3:\/\/results\/\w+: another service(, process \d+ on \S+,)? has it; end that one, or name another/;

it("refuses a second service while the first one lives, and none after it", async () => {
  const [address, bucket] = ["s3://results/two", opened("s3://results/two")];
  const first = await takeLease(bucket, address, kept);
  await expect(takeLease(bucket, address, kept)).rejects.toThrow(refused);
  await first.release();
  const second = await takeLease(bucket, address, { ...kept, beatMs: 60_000, onWait: expect.unreachable });
  await second.release();
  expect(keysIn("two/")).toEqual(["two/service/000000002.json"]);
});

it("gives it to one of many that come at once", async () => {
  const [address, bucket] = ["s3://results/many", opened("s3://results/many")];
  for (let round = 0; round < 5; round++) {
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => takeLease(bucket, address, kept)));
    const won = all.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(won.length).toBe(1);
    const lost = all.flatMap((result) => (result.status === "rejected" ? [(result.reason as Error).message] : []));
    expect(lost.filter((message) => refused.test(message)).length).toBe(5);
    await won[0]!.release();
  }
});

it("takes over from a service that has gone silent, which ends as soon as it sees that", async () => {
  const [address, bucket] = ["s3://results/silent", opened("s3://results/silent")];
  let isSilent = false;
  const quiet: S3Bucket = {
    ...bucket,
    list: (options) => (isSilent ? Promise.reject(new Error("away")) : bucket.list(options)),
  };
  const lost = new Promise<string>((resolve) => void takeLease(quiet, address, { beatMs, onLost: resolve }));
  while (keysIn("silent/").length === 0) await setTimeout(5);
  await setTimeout(2 * beatMs);
  isSilent = true;
  await setTimeout(beatMs);
  const waits: string[] = [];
  const next = await takeLease(bucket, address, { ...kept, onWait: (reason) => void waits.push(reason) });
  expect(waits).toEqual([
    expect.stringMatching(/^s3:\/\/results\/silent: process \d+ on .* had it last; 300 ms to see/),
  ]);
  isSilent = false;
  expect(await lost).toMatch(/another service has taken it over, as this one was away for more than 300 ms/);
  await next.release();
});

it("is given back by who cannot go on after having taken it", async () => {
  const [address, bucket] = ["s3://results/broken", opened("s3://results/broken")];
  const first = await takeLease(bucket, address, kept);
  await first.release();
  const fails = (name: "delete" | "list", at: number): S3Bucket => {
    let calls = 0;
    const failing = () => ((calls += 1) === at ? Promise.reject(new Error(`no ${name}`)) : null);
    return {
      ...bucket,
      delete: (key) => (name === "delete" ? failing() : null) ?? bucket.delete(key),
      list: (options) => (name === "list" ? failing() : null) ?? bucket.list(options),
    };
  };
  const atOnce = { ...kept, beatMs: 60_000, onWait: expect.unreachable };
  await expect(takeLease(fails("list", 2), address, atOnce)).rejects.toThrow("no list");
  await expect(takeLease(fails("delete", 1), address, atOnce)).rejects.toThrow("no delete");
  server.objects.set("broken/records/a.json", Buffer.from("no JSON"));
  vi.stubEnv("TMPDIR", scratch);
  for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
  const options = { place: address, models: scratch, data: null, maxCpuHours: 1, lease: atOnce };
  await expect(startEvaluations(options)).rejects.toThrow("JSON");
  server.objects.delete("broken/records/a.json");
  await expect(startEvaluations({ ...options, uploads: "s3://" })).rejects.toThrow("s3://BUCKET/PREFIX");
  vi.unstubAllEnvs();
  expect(readdirSync(scratch)).toEqual([]);
  const next = await takeLease(bucket, address, atOnce);
  await next.release();
});

it("is not taken from a service whose bucket was away for a moment", async () => {
  const [address, bucket] = ["s3://results/moment", opened("s3://results/moment")];
  const first = await takeLease(bucket, address, kept);
  for (let i = 0; i < 3; i++) server.faults.push({ status: 503, code: "SlowDown" });
  await setTimeout(2 * beatMs);
  expect(server.faults).toEqual([]);
  await expect(takeLease(bucket, address, kept)).rejects.toThrow(refused);
  await first.release();
});

const row = (number: number): string =>
  `${JSON.stringify({ schema: 2, id: number.toString(16).padStart(64, "0"), number })}\n`;
const numbersOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly number: unknown }).number);

it.each([
  ["merged", "rows.jsonl.rows/000000009.jsonl"],
  ["put in order", "rows.jsonl"],
])("reads each row once where the objects of rows are %s while they are read", async (_, target) => {
  const bucket = opened(`s3://results/${target.length}`);
  const part = (number: number): string => `rows.jsonl.rows/00000000${number}.jsonl`;
  for (let i = 0; i < 6; i++) await bucket.put(part(i), row(i));
  let gets = 0;
  const changing: S3Bucket = {
    ...bucket,
    get: async (key) => {
      if ((gets += 1) === 3) {
        await bucket.put(target, [5, 4, 3, 2, 1, 0].map(row).join(""));
        for (let i = 0; i < 6; i++) await bucket.delete(part(i));
      }
      return bucket.get(key);
    },
  };
  const { bytes, body } = await openRows(changing, "rows.jsonl");
  expect(bytes).toBeUndefined();
  const numbers = numbersOf(await new Response(body).text());
  expect(numbers.slice(0, 2)).toEqual([0, 1]);
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  expect(numbers.length).toBe(6);
});
