/** Parquet: what another reader finds in the file is what the rows say. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterAll, expect, it } from "vitest";
import { writeParquet } from "../../src/cli/parquet.ts";
import { rowsInParquet } from "../../src/cli/read-parquet.ts";
import { readResults } from "../../src/cli/read-results.ts";
import { checkRow } from "../../src/report/read-row.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { canonicalJson, type Json, type Row } from "../../src/evaluation/row.ts";
import { smallObjects } from "../../src/metrics/components.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const folder = mkdtempSync(join(tmpdir(), "parquet-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cache = new SessionCache(startWasm(), 2 ** 30);
const [segmenter, source] = [tinyNetwork({}, { name: "one" }), tinyNetwork({ seed: 2 }, { name: "two" })].map(
  (network) => createSegmenter(network, cache),
) as [ReturnType<typeof createSegmenter>, ReturnType<typeof createSegmenter>];

const truth = noiseLabels(12, 16, 4);
const subject = { segmenter, image: noiseImage(12, 16), truth, item: "é", small: smallObjects(truth, 0.05) };
const plan = { attack: "ifgsm", epsilon: 2, alpha: 1, steps: 3, pixelRange: "clip", seed: 4 } as const;
const measured = [
  await measure(subject, null),
  await measure({ ...subject, source, version: "1" }, { ...plan, repeat: 2 }),
  await measure({ ...subject, small: undefined }, { ...plan, attack: "fmn", epsilon: undefined, steps: 5 }),
].map(({ row }) => row);

const part = (reached: number) => ({ pixels: 4000, reached, elsewhere: 9, kept: 8 });

/** More than are held at a time. */
const rows = Array.from({ length: 2100 }, (_, i): Row => ({
  ...measured[i % 3]!,
  id: String(i),
  ...(i % 3 === 1 && { region: { clean: part(0), float: part(i), uint8: part(1) } }),
}));

const stream = async function* (): AsyncGenerator<Row> {
  for (const row of rows) yield await Promise.resolve(row);
};

const numbers = (value: unknown): number[] | null => (value as bigint[] | null | undefined)?.map(Number) ?? null;

it("is read again as the rows that were written", async () => {
  const path = join(folder, "again.parquet");
  await writeParquet(path, stream());
  const found: unknown[] = [];
  for await (const value of rowsInParquet(path)) found.push(JSON.parse(JSON.stringify(value)));
  expect(found).toEqual(JSON.parse(JSON.stringify(rows)));
  expect(() => found.map(checkRow)).not.toThrow();
  writeFileSync(path, "PAR1 and no more");
  await expect(readResults([path])).rejects.toThrow(/again\.parquet: cannot be read as Parquet/);
});

it("has every field of every row", async () => {
  const path = join(folder, "rows.parquet");
  await writeParquet(path, stream());
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const found = (await parquetReadObjects({ file })) as readonly Record<string, unknown>[];
  expect(found).toHaveLength(rows.length);
  for (const i of [0, 1, 2, 1999, 2000, 2099]) {
    const [row, record] = [rows[i]!, found[i]!];
    const attack = row.unit.attack as { readonly attack: string; readonly epsilon?: number } | null;
    expect(record).toMatchObject({
      id: row.id,
      model: "one",
      item: "é",
      attack: attack?.attack ?? null,
      epsilon: attack?.epsilon ?? null,
      attack_options: attack && canonicalJson(attack as Json),
      source_model: row.receipt.source ?? null,
      source_sha256: row.unit.source ?? null,
      repeat: row.unit.repeat === undefined ? null : BigInt(row.unit.repeat),
      l2: row.distances.l2,
      success: row.success ?? null,
      backward: BigInt(row.evaluations.backward),
      signs: row.signs?.join(" ") ?? null,
      faultline: row.receipt.faultline ?? null,
    });
    expect(numbers(record["float_true_positive"])).toEqual(row.counts.float.truePositive);
    expect(numbers(record["small_uint8_predicted"])).toEqual(row.small?.uint8.predicted ?? null);
  }
});
