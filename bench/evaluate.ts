/**
 * What an evaluation costs beside the runs of its network, how it scales over workers, and whether its memory stays flat:
 * `npm run bench -- evaluate [IMAGES]`.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { camvidClasses } from "../src/datasets/camvid-classes.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import type { Item } from "../src/evaluation/items.ts";
import type { Row } from "../src/evaluation/row.ts";
import { parseSpec, type GivenSpec } from "../src/evaluation/spec.ts";
import { planUnits } from "../src/evaluation/plan-units.ts";
import type { Group } from "../src/evaluation/units.ts";
import { encodePng } from "../src/image/encode.ts";
import { encodeLabels } from "../src/image/labels.ts";
import { runParcels } from "../src/jobs/run.ts";
import { parcelsOf } from "../src/jobs/worker.ts";
import { startEvaluationWorker, type EvaluationWorker } from "../src/node/evaluation-worker.ts";
import { openLedger } from "../src/node/ledger-file.ts";
import { openLocated, type Located } from "../src/node/located.ts";
import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { writeModel } from "../src/onnx/write.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { elapsed, fastest, timed } from "./fastest.ts";
import { feedsOf } from "./feeds.ts";

const located = (name: string): Located => ({
  manifest: parseManifest(JSON.parse(readFileSync(`models/${name}/manifest.json`, "utf8"))),
  path: `models/${name}/model.onnx`,
});

/** Streets as files, of which each of the items names one. */
const writeStreets = (folder: string, size: { width: number; height: number }, files: number): void => {
  for (const kind of ["images", "labels"]) mkdirSync(join(folder, kind));
  const palette = camvidClasses.map(({ color }) => color);
  for (let i = 0; i < files; i++) {
    const { image, labels } = renderStreet(3_000_000 + i, size, rasterise);
    writeFileSync(join(folder, "images", `${i}.png`), encodePng(image));
    writeFileSync(join(folder, "labels", `${i}.png`), encodeLabels(labels, palette));
  }
};

const itemsOf = (count: number, files: number): Item[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `${i}`,
    image: `images/${i % files}.png`,
    labels: `labels/${i % files}.png`,
  }));

interface Case {
  readonly groups: readonly Group[];
  readonly start: () => EvaluationWorker;
  readonly ledger: () => ReturnType<typeof openLedger>;
}

const caseOf = async (
  folder: string,
  network: Located,
  items: readonly Item[],
  given: Partial<GivenSpec>,
): Promise<Case> => {
  const spec = parseSpec({ networks: ["a"], ...given });
  const plan = await planUnits(
    spec,
    [network.manifest],
    items.map(({ name }) => name),
  );
  const data = {
    networks: [network],
    settings: plan.settings,
    items,
    seed: 0,
    small: spec.small,
    version: "bench",
    backend: "wasm",
    threads: 1,
    budgetBytes: 2 ** 31,
    roots: folder,
    reading: {},
    streetSize: { height: 16, width: 16 },
  } as const;
  let runs = 0;
  return {
    groups: plan.groups,
    start: () => startEvaluationWorker(data),
    ledger: () => openLedger(join(folder, `rows-${runs++}.jsonl`)),
  };
};

/** Carries out all groups, and returns the rows. */
const carryOut = async ({ groups, ledger }: Case, workers: readonly EvaluationWorker[], onGroup?: () => void) => {
  const rows: Row[] = [];
  const kept = await ledger();
  const record = (added: readonly Row[]) => {
    rows.push(...added);
    return kept.record(added);
  };
  const failed = await runParcels({
    parcels: parcelsOf(groups, 0),
    workers,
    ledger: { record },
    signal: new AbortController().signal,
    onParcel: onGroup,
  });
  await kept.arrange(groups.flatMap(({ units }) => units.map(({ id }) => id)));
  await kept.close();
  if (failed.length > 0) throw new Error(failed[0]!.error);
  return rows;
};

const SIZE = { height: 360, width: 480 };
const ATTACKS = { attacks: ["fgsm", "ifgsm"], epsilon: [2, 8] } as const satisfies Partial<GivenSpec>;

/** Processor time of an evaluation on one worker, and of the same runs of its sessions alone. */
const overhead = async (folder: string, images: number): Promise<void> => {
  const network = located("enet-street");
  const one = await caseOf(folder, network, itemsOf(images, images), ATTACKS);
  const worker = one.start();
  const rows = await carryOut(one, [worker]); // Its sessions are made, and its code is compiled.
  const forward = rows.reduce((sum, { evaluations }) => sum + evaluations.forward, 0);
  const gradients = rows.reduce((sum, { evaluations }) => sum + evaluations.backward, 0);
  // The clean prediction of a picture is made once for all its units.
  const predictions = forward - gradients - (rows.length - images);
  const runtime = startWasm();
  const opened = await openLocated(network);
  const [predict, climb] = [
    await runtime.createSession(writeModel(compileForward(opened, SIZE).model)),
    await runtime.createSession(writeModel(compileGradient(opened, SIZE, crossEntropyObjective(false)).model)),
  ] as const;
  const feeds = feedsOf(SIZE);
  const bare = async (): Promise<void> => {
    for (let i = 0; i < predictions; i++) await predict.run(feeds);
    for (let i = 0; i < gradients; i++) await climb.run(feeds);
  };
  const [sessions = 0, evaluation = 0] = await fastest(2, [timed(bare), timed(() => carryOut(one, [worker]))]);
  await worker.end();
  console.log(`${rows.length} units: ${predictions} predictions and ${gradients} gradients of enet-street at 360×480`);
  console.log(
    `sessions alone ${sessions.toFixed(0)} ms, evaluate ${evaluation.toFixed(0)} ms of processor time: ×${(evaluation / sessions).toFixed(3)}`,
  );
  console.log(
    `${((1000 * rows.length) / sessions).toFixed(2)} and ${((1000 * rows.length) / evaluation).toFixed(2)} units/s of processor time`,
  );
};

/** Short runs, of which a quiet moment of the machine is likely to see one. */
const SHORT = { attacks: ["ifgsm"], epsilon: 4 } as const satisfies Partial<GivenSpec>;
const SHORT_RUNS = 8;

/** Wall-clock time of one worker, divided by that of two. */
const scaling = async (folder: string, files: number): Promise<void> => {
  const one = await caseOf(folder, located("enet-street"), itemsOf(2, files), SHORT);
  const workers = [one.start(), one.start()];
  const [first] = workers;
  const [alone = 0, both = 0] = await fastest(SHORT_RUNS, [
    elapsed(() => carryOut(one, [first!])),
    elapsed(() => carryOut(one, workers)),
  ]);
  for (const worker of workers) await worker.end();
  console.log(`1 worker ${alone.toFixed(0)} ms, 2 workers ${both.toFixed(0)} ms: ×${(alone / both).toFixed(2)}`);
};

const MANY = 1000;
const MEBIBYTE = 2 ** 20;

/** Resident memory of the whole process along an evaluation of many small pictures. */
const memory = async (folder: string): Promise<void> => {
  const many = await caseOf(folder, located("enet-street"), itemsOf(MANY, 4), { attacks: ["fgsm"], epsilon: 2 });
  const worker = many.start();
  const seen: number[] = [];
  await carryOut(many, [worker], () => void seen.push(process.memoryUsage().rss / MEBIBYTE));
  await worker.end();
  const at = (share: number): string => seen[Math.min(seen.length - 1, Math.floor(share * seen.length))]!.toFixed(0);
  console.log(
    `resident MiB at 10, 25, 50, 75 and 100 % of ${MANY} pictures: ${[0.1, 0.25, 0.5, 0.75, 1].map(at).join(", ")}`,
  );
};

export const evaluateBench = async ([images = "3"]: readonly string[]): Promise<void> => {
  const folders = [SIZE, { height: 48, width: 64 }].map((size, i) => {
    const folder = mkdtempSync(join(tmpdir(), "faultline-bench-"));
    writeStreets(folder, size, i === 0 ? Number(images) : 4);
    return folder;
  });
  try {
    await overhead(folders[0]!, Number(images));
    await scaling(folders[0]!, Number(images));
    await memory(folders[1]!);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true });
  }
};
