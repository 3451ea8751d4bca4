/** A worker of an evaluation: what becomes of a crash of its backend, of its thread, and of a stop. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Item } from "../../src/evaluation/items.ts";
import { parseSpec, type GivenSpec } from "../../src/evaluation/spec.ts";
import { planUnits } from "../../src/evaluation/plan-units.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { runParcels } from "../../src/jobs/run.ts";
import { parcelsOf } from "../../src/jobs/worker.ts";
import { startEvaluationWorker } from "../../src/node/evaluation-worker.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";

const folder = mkdtempSync(join(tmpdir(), "evaluation-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { bytes, manifest } = tinyFile({ activation: "Tanh" });
mkdirSync(join(folder, "data"));
writeFileSync(join(folder, "model.onnx"), bytes);
writeFileSync(join(folder, "data/a.png"), encodePng(noiseImage(12, 16)));
writeFileSync(join(folder, "data/b.png"), encodeLabels(noiseLabels(12, 16, 4), []));
const itemOf = (name: string): Item => ({ name, image: "a.png", labels: "b.png" });

const startOn = async (names: readonly string[], given: Partial<GivenSpec>, entry?: URL) => {
  const spec = parseSpec({ networks: ["tiny"], ...given });
  const { groups, settings } = await planUnits(spec, [manifest], names);
  const worker = startEvaluationWorker(
    {
      networks: [{ manifest, path: join(folder, "model.onnx") }],
      settings,
      items: names.map(itemOf),
      seed: 0,
      small: 0.01,
      version: "0",
      backend: "wasm",
      threads: 1,
      budgetBytes: 2 ** 30,
      roots: join(folder, "data"),
      reading: {},
      streetSize: { height: 16, width: 16 },
    },
    entry,
  );
  return { groups, worker };
};

const crashing = new URL("crashing-evaluation.ts", import.meta.url);

describe("a worker", () => {
  it("loses the units of a crash, of its backend or of its thread, and no others", async () => {
    const names = ["a", "crash", "b", "exit", "c"];
    const { groups, worker } = await startOn(names, { attacks: [] }, crashing);
    const kept: string[] = [];
    const record = (rows: readonly { readonly unit: { readonly item: string } }[]) => {
      kept.push(...rows.map(({ unit }) => unit.item));
      return Promise.resolve([]);
    };
    const failed = await runParcels({
      parcels: parcelsOf(groups, 0),
      workers: [worker],
      ledger: { record },
      signal: new AbortController().signal,
    });
    await worker.end();
    expect(kept).toEqual(["a", "b", "c"]);
    expect(failed.map(({ unit }) => unit.unit.item)).toEqual(["crash", "exit"]);
    expect(failed[0]!.crashed).toBe(true);
    expect(failed[1]!.error).toContain("has ended");
  });

  it("stops at the next step", async () => {
    const long = { attacks: [{ attack: "pgd" as const, steps: 1_000_000 }], epsilon: 2 };
    const { groups, worker } = await startOn(["a"], long);
    const abort = new AbortController();
    const run = worker.perform([groups[1]!], { signal: abort.signal, onSteps: () => abort.abort(new Error("enough")) });
    await expect(run).rejects.toThrow("enough");
    // It is there for the next group.
    const [clean] = await worker.perform([groups[0]!], { signal: new AbortController().signal, onSteps: () => {} });
    expect(clean).toHaveProperty("row");
    expect(await worker.time(0, 0)).toMatchObject({ forward: expect.any(Number) as number });
    await worker.end();
  });
});
