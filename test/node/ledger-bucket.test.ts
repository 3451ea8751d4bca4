/** Rows in a bucket: kept one object after another, merged, put in order, and never mixed with those of another process. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { ledgerAt } from "../../src/node/ledger-bucket.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";

const scratch = mkdtempSync(join(tmpdir(), "ledgers-"));
let server: S3Server;
beforeAll(async () => {
  server = await startS3({ pageSize: 7 });
  vi.stubEnv("TMPDIR", scratch);
  for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
  await server.end();
});
afterEach(() => server.objects.clear());

const idOf = (n: number): string => n.toString(16).padStart(64, "0");
const row = (n: number, size = 10): Row =>
  ({ schema: 2, id: idOf(n), unit: { item: `é ${"x".repeat(size)}` } }) as unknown as Row;
const address = "s3://results/runs/a/rows.jsonl";
const keys = (): string[] => [...server.objects.keys()].toSorted();
const textOf = (key: string): string => new TextDecoder().decode(server.objects.get(key));
const numbersIn = (key: string): number[] =>
  textOf(key)
    .split("\n")
    .slice(0, -1)
    .map((line) => Number.parseInt((JSON.parse(line) as Row).id, 16));
const scratches = (): readonly string[] => readdirSync(scratch);

it("keeps rows as they come, once each, and in order at the end", async () => {
  const ledger = await ledgerAt(address);
  expect(await ledger.record([row(5), row(3)])).toEqual([idOf(5), idOf(3)]);
  expect(await ledger.record([row(3), row(9)])).toEqual([idOf(9)]);
  expect(await ledger.record([])).toEqual([]);
  const folder = `runs/a/rows.jsonl.rows/`;
  expect(keys()).toEqual([`${folder}000000000.jsonl`, `${folder}000000001.jsonl`]);
  // The process is killed; another one goes on.
  const again = await ledgerAt(address);
  expect(again.done()).toEqual(new Set([3, 5, 9].map(idOf)));
  await again.record([row(4)]);
  await again.arrange([3, 4, 5, 7, 9].map(idOf));
  expect([keys(), numbersIn("runs/a/rows.jsonl")]).toEqual([["runs/a/rows.jsonl"], [3, 4, 5, 9]]);
  await again.record([row(7)]);
  await again.close();
  const last = await ledgerAt(address);
  await last.arrange([3, 4, 5, 7, 9].map(idOf));
  await last.close();
  expect(textOf("runs/a/rows.jsonl")).toBe([3, 4, 5, 7, 9].map((n) => `${JSON.stringify(row(n))}\n`).join(""));
  expect(keys()).toEqual(["runs/a/rows.jsonl"]);
  await ledger.close();
  expect(scratches()).toEqual([]);
});

it("puts what comes meanwhile together, and merges what has become many", async () => {
  const ledger = await ledgerAt(address);
  server.requests.length = 0;
  const all = Array.from({ length: 40 }, (_, n) => row(n));
  const fresh = await Promise.all(all.map((one) => ledger.record([one])));
  expect(fresh.flat().length).toBe(40);
  expect(server.requests.length).toBeLessThan(5);
  // 8 MiB in pieces of 1 MiB are merged.
  for (let n = 100; n < 110; n++) await ledger.record([row(n, 2 ** 20)]);
  expect(keys().length).toBeLessThan(5);
  const ids = [...ledger.done()];
  expect(ids.length).toBe(50);
  // And 500 objects, of any size.
  for (let n = 1000; n < 1502; n++) await ledger.record([row(n)]);
  expect(keys().length).toBeLessThan(10);
  const again = await ledgerAt(address);
  expect(again.done().size).toBe(552);
  await Promise.all([ledger.close(), again.close()]);
});

it("refuses a second process at its first row that is not the same", async () => {
  const [one, two] = [await ledgerAt(address), await ledgerAt(address)];
  await one.record([row(1)]);
  await expect(two.record([row(2)])).rejects.toThrow(
    /^s3:\/\/results\/runs\/a\/rows.jsonl: another process is writing it.*000000000.jsonl there/,
  );
  expect(numbersIn(keys()[0]!)).toEqual([1]);
  await Promise.all([one.close(), two.close()]);
});

it("keeps rows that the bucket did not take for another attempt", async () => {
  const ledger = await ledgerAt(address);
  server.faults.push({ status: 400, code: "InvalidRequest" });
  await expect(ledger.record([row(1)])).rejects.toThrow("InvalidRequest");
  expect([keys(), ledger.done().size]).toEqual([[], 0]);
  expect(await ledger.record([row(1)])).toEqual([idOf(1)]);
  expect(keys().length).toBe(1);
  await ledger.close();
});

it("refuses an object that holds something else, and says where", async () => {
  server.objects.set("runs/a/rows.jsonl", Buffer.from("no row\n"));
  await expect(ledgerAt(address)).rejects.toThrow("s3://results/runs/a/rows.jsonl: line 1 is no row");
  await expect(ledgerAt("s3://missing/rows.jsonl")).rejects.toThrow("s3://missing");
  expect(scratches()).toEqual([]);
});
