/** The file of rows: durable appends, a torn end cut off, rows in order, nothing else overwritten. */

import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { openLedger } from "../../src/node/ledger-file.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-"));
afterAll(() => rmSync(folder, { recursive: true }));

const idOf = (n: number): string => n.toString(16).padStart(64, "0");
const row = (n: number): Row =>
  ({ schema: 2, id: idOf(n), unit: { item: `é ${"x".repeat((n * 977) % 5000)}` } }) as unknown as Row;
const linesOf = (path: string): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);
const numbers = (path: string): number[] =>
  linesOf(path).map((line) => Number.parseInt((JSON.parse(line) as Row).id, 16));

it("keeps rows as they come, once each, and in order at the end", async () => {
  const path = join(folder, "order.jsonl");
  const ledger = await openLedger(path);
  await Promise.all([ledger.record([row(5), row(3)]), ledger.record([row(3), row(9)]), ledger.record([])]);
  expect(numbers(path)).toEqual([5, 3, 9]);
  await ledger.arrange([3, 4, 5, 9].map(idOf));
  expect(numbers(path)).toEqual([3, 5, 9]);
  await ledger.record([row(4)]);
  await ledger.close();
  expect(numbers(path)).toEqual([3, 5, 9, 4]);
  const again = await openLedger(path);
  expect(again.done()).toEqual(new Set([3, 4, 5, 9].map(idOf)));
  await again.arrange([3, 4, 5, 9].map(idOf));
  await again.close();
  expect(linesOf(path)).toEqual([3, 4, 5, 9].map((n) => JSON.stringify(row(n))));
  expect(readdirSync(folder)).toEqual(["order.jsonl"]);
});

it("cuts off a torn last line, wherever it is torn", async () => {
  const path = join(folder, "torn.jsonl");
  const whole = [1, 2, 3].map((n) => `${JSON.stringify(row(n))}\n`).join("");
  for (const end of [1, 10, Buffer.byteLength(whole.split("\n")[2]!), 400]) {
    writeFileSync(path, whole);
    truncateSync(path, Buffer.byteLength(whole) - end);
    const ledger = await openLedger(path);
    expect([...ledger.done()]).toEqual([1, 2].map(idOf));
    await ledger.record([row(3)]);
    await ledger.close();
    expect(readFileSync(path, "utf8")).toBe(whole);
  }
});

it("cuts off what an attempt that failed has left, before the next", async () => {
  const path = join(folder, "failed.jsonl");
  const ledger = await openLedger(path);
  expect(await ledger.record([row(1), row(1)])).toEqual([idOf(1)]);
  appendFileSync(path, `{"schema":2,"id":"00`);
  expect(await ledger.record([row(1), row(2)])).toEqual([idOf(2)]);
  await ledger.close();
  expect(numbers(path)).toEqual([1, 2]);
});

it("reads lines across the pieces in which a file is read, and takes the first of two rows of one unit", async () => {
  const path = join(folder, "large.jsonl");
  const all = Array.from({ length: 200 }, (_, n) => n);
  writeFileSync(path, all.map((n) => `${JSON.stringify(row(n))}\n`).join(""));
  appendFileSync(path, `${JSON.stringify(row(7))}\n`);
  const ledger = await openLedger(path);
  expect(ledger.done().size).toBe(200);
  await ledger.arrange(all.toReversed().map(idOf));
  await ledger.close();
  expect(linesOf(path)).toEqual(all.toReversed().map((n) => JSON.stringify(row(n))));
});

it("refuses a file of something else, and leaves it as it is", async () => {
  const path = join(folder, "notes.txt");
  for (const text of ["my notes\n", "my notes", `${JSON.stringify(row(1))}\n{"schema":1}\n`]) {
    writeFileSync(path, text);
    await expect(openLedger(path)).rejects.toThrow("is no row");
    expect(readFileSync(path, "utf8")).toBe(text);
  }
});

it("is one process's at a time, and nobody's when that has died", async () => {
  const path = join(folder, "locked.jsonl");
  writeFileSync(`${path}.lock`, `${process.ppid}\n`);
  await expect(openLedger(path)).rejects.toThrow(`process ${process.ppid} is writing it`);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(`${path}.lock`, `${pid}\n`);
  const ledger = await openLedger(path);
  expect(readFileSync(`${path}.lock`, "utf8")).toBe(`${process.pid}\n`);
  await ledger.close();
  expect(existsSync(`${path}.lock`)).toBe(false);
});
