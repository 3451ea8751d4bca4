/**
 * The orders of attacks that theory demands, on pictures of synthetic streets: `npm run bench -- orders [IMAGES [BACKEND]]`. An attack may
 * not leave more than one that does less: SEA than its parts, APGD than PGD at equal evaluations, many steps than one, an attack on the
 * picture than one perturbation for all, a gradient than queries, and through transformations an attack on what is scored than one on the network alone. It takes long, and resumes where it
 * stopped. BACKEND is `wasm` or `native` (onnxruntime's, in this thread, a third of the time).
 */

import { readFileSync } from "node:fs";
import { makeAttack } from "../src/attacks/catalogue.ts";
import { follow } from "../src/attacks/run.ts";
import { renderStreet } from "../src/datasets/street/render.ts";
import { rasterise } from "../src/datasets/street/resvg.ts";
import { remainingShare } from "../src/evaluation/craft.ts";
import { measure, type Subject } from "../src/evaluation/measure.ts";
import { aimOf, type AttackPlan } from "../src/evaluation/plan.ts";
import { craftUniversal, withDelta } from "../src/evaluation/universal.ts";
import { countsOf, emptyCounts, iouRatio, mergeCounts, scoresOf, type ClassCounts } from "../src/metrics/counts.ts";
import { startExactNative } from "../src/node/native-integers.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import type { Through } from "../src/segmenter/defence.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { openNetwork } from "../src/segmenter/network.ts";
import {
  createSegmenter,
  type Image,
  type Labels,
  type Prediction,
  type Segmenter,
} from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import type { TransformSpec } from "../src/transforms/pipeline.ts";
import { keptIn } from "./kept.ts";

const NETWORK = "enet-street";
const SIZE = { height: 96, width: 128 };
const FIRST_STREET = 3_000_000;
const RADII = [1, 4, 8] as const;
/** Evaluations of each white-box attack, and of each part of SEA beside its three judgements. */
const BUDGET = 20;
const QUERIES = 200;

/** What an attack leaves of an image: pixels against the ground truth, and the share that keeps the clean prediction. */
interface Left {
  readonly clean: ClassCounts;
  readonly counts: ClassCounts;
  readonly kept: number;
}

interface Case {
  readonly segmenter: Segmenter;
  readonly image: Image;
  readonly truth: Labels;
  readonly clean: Prediction;
}

type Run = (of: Case, epsilon: number) => Promise<Image>;

const planOf = (given: Partial<AttackPlan> & Pick<AttackPlan, "attack">, epsilon: number): AttackPlan => ({
  epsilon,
  alpha: epsilon / 8,
  steps: BUDGET,
  pixelRange: "clip",
  seed: 0,
  ...given,
});

const subjectOf = ({ segmenter, image, clean }: Case): Subject => ({ segmenter, image, clean, item: "street" });

const attacked =
  (given: (epsilon: number) => Partial<AttackPlan> & Pick<AttackPlan, "attack">): Run =>
  async (of, epsilon) =>
    (await measure(subjectOf(of), planOf(given(epsilon), epsilon))).float.image;

/** One of SEA's trajectories. */
const part =
  (index: number): Run =>
  async ({ segmenter, image, clean: { labels } }, epsilon) => {
    const plan = planOf({ attack: "sea" }, epsilon);
    const trajectory = makeAttack("sea", { epsilon, steps: BUDGET, pixelRange: [0, 255], seed: 0 }).trajectories[
      index
    ]!;
    const evaluate = segmenter.objective(aimOf(trajectory.objective, plan, labels));
    return follow(
      trajectory,
      async (...at) => {
        const seen = await evaluate(...at);
        return { ...seen, remaining: remainingShare(seen.labels, plan, labels) };
      },
      image,
    );
  };

/** PGD on the network behind transformations. */
const behind =
  (transform: readonly TransformSpec[], through: Through, draws = 1): Run =>
  (of, epsilon) => {
    const defended = of.segmenter.withTransform({ transform, through, draws, seed: 0 });
    return attacked(() => ({ attack: "pgd", steps: BUDGET / 2, alpha: epsilon / 4 }))(
      { ...of, segmenter: defended },
      epsilon,
    );
  };

const random: readonly TransformSpec[] = [{ name: "resize-and-pad", probability: 1, scale: [0.7, 1] }];
const jpeg: readonly TransformSpec[] = [{ name: "jpeg", quality: 50 }];

/** Streets that a universal perturbation is made on, and none of those that it is tried on. */
const MADE_ON = { first: FIRST_STREET + 1000, count: 8 };
const deltas = new Map<number, Promise<Image>>();

/** One perturbation for all streets, made once for each radius. */
const universal: Run = async ({ segmenter, image }, epsilon) => {
  const read = (k: number) => Promise.resolve({ image: renderStreet(MADE_ON.first + k, SIZE, rasterise).image });
  const settings = { epsilon, alpha: epsilon / 10, epochs: 6, batch: 4, seed: 0 };
  const made = deltas.get(epsilon) ?? craftUniversal(segmenter, image.shape, { count: MADE_ON.count, read }, settings);
  deltas.set(epsilon, made);
  return withDelta(image, { delta: await made, pixelRange: "clip" });
};

interface Competitor {
  readonly run: Run;
  /** Where the network is scored behind transformations. */
  readonly transform?: readonly TransformSpec[];
}

const competitors = {
  fgsm: { run: attacked((alpha) => ({ attack: "fgsm", steps: 1, alpha })) },
  pgd: { run: attacked(() => ({ attack: "pgd" })) },
  // Of its evaluations one only judges.
  apgd: { run: attacked(() => ({ attack: "apgd", steps: BUDGET - 1 })) },
  sea: { run: attacked(() => ({ attack: "sea" })) },
  "sea: balanced": { run: part(0) },
  "sea: masked": { run: part(1) },
  "sea: Jensen–Shannon": { run: part(2) },
  universal: { run: universal },
  square: { run: attacked(() => ({ attack: "square", steps: QUERIES })) },
  nes: { run: attacked((epsilon) => ({ attack: "nes", steps: QUERIES, alpha: epsilon / 4 })) },
  "random: naive": { run: behind(random, "naive"), transform: random },
  "random: one draw": { run: behind(random, "differentiable"), transform: random },
  "random: four draws": { run: behind(random, "differentiable", 4), transform: random },
  "jpeg: naive": { run: behind(jpeg, "naive"), transform: jpeg },
  "jpeg: bpda": { run: behind(jpeg, "bpda"), transform: jpeg },
  "jpeg: differentiable": { run: behind(jpeg, "differentiable"), transform: jpeg },
} as const satisfies Readonly<Record<string, Competitor>>;

type Name = keyof typeof competitors;

/** The first is to leave no more than the second. */
const orders: readonly (readonly [stronger: Name, weaker: Name])[] = [
  ["sea", "sea: balanced"],
  ["sea", "sea: masked"],
  ["sea", "sea: Jensen–Shannon"],
  ["apgd", "pgd"],
  ["pgd", "fgsm"],
  ["pgd", "universal"],
  ["pgd", "square"],
  ["pgd", "nes"],
  ["random: one draw", "random: naive"],
  ["random: four draws", "random: one draw"],
  ["jpeg: differentiable", "jpeg: naive"],
  ["jpeg: bpda", "jpeg: naive"],
];

/** Predictions behind a random transformation are scored with draws that no attack has seen. */
const SCORED_SEEDS = [101, 102, 103] as const;

const leftOf = async (of: Case, { run, transform }: Competitor, epsilon: number): Promise<Left> => {
  const adversarial = await run(of, epsilon);
  const scored = transform
    ? SCORED_SEEDS.map((seed) => of.segmenter.withTransform({ transform, seed, through: "naive", draws: 1 }))
    : [of.segmenter];
  const classes = of.segmenter.manifest.classes.length;
  let [clean, counts, kept] = [emptyCounts(classes), emptyCounts(classes), 0];
  for (const segmenter of scored) {
    const before = transform ? await segmenter.predict(of.image) : of.clean;
    const after = await segmenter.predict(adversarial);
    clean = mergeCounts(clean, countsOf(before.labels, of.truth, classes));
    counts = mergeCounts(counts, countsOf(after.labels, of.truth, classes));
    kept += remainingShare(after.labels, {}, before.labels) / scored.length;
  }
  return { clean, counts, kept };
};

const ratioOf = (left: readonly Left[]): number => {
  const none = emptyCounts(left[0]!.counts.truePositive.length);
  const pooled = (of: "clean" | "counts") => scoresOf(left.map((one) => one[of]).reduce(mergeCounts, none));
  return iouRatio(pooled("counts"), pooled("clean"))!;
};

/** An order as it was found; what fails is bold. */
const compared = (a: number, b: number): string =>
  a <= b ? `${a.toFixed(3)} ≤ ${b.toFixed(3)}` : `**${a.toFixed(3)} > ${b.toFixed(3)}**`;

/** Of each order the pooled IoU ratio, the mean share that is kept, and on how many images the latter is in order. */
const print = (left: ReadonlyMap<string, readonly Left[]>): void => {
  const at = (name: Name, epsilon: number): readonly Left[] => left.get(`${name} ${epsilon}`)!;
  const keptBy = (of: readonly Left[]): number => of.reduce((sum, { kept }) => sum + kept, 0) / of.length;
  console.log(`| order | ${RADII.map((e) => `ε = ${e}`).join(" | ")} |`);
  console.log(`| --- |${" --- |".repeat(RADII.length)}`);
  for (const [stronger, weaker] of orders) {
    const cells = RADII.map((e) => {
      const [first, second] = [at(stronger, e), at(weaker, e)];
      const images = first.filter(({ kept }, i) => kept <= second[i]!.kept).length;
      return `${compared(ratioOf(first), ratioOf(second))}; ${compared(keptBy(first), keptBy(second))}; ${images} of ${first.length}`;
    });
    console.log(`| ${stronger} ≤ ${weaker} | ${cells.join(" | ")} |`);
  }
};

export const ordersBench = async ([count = "24", backend = "wasm"]: readonly string[]): Promise<void> => {
  const manifest = parseManifest(JSON.parse(readFileSync(`models/${NETWORK}/manifest.json`, "utf8")));
  const runtime = backend === "native" ? await startExactNative({}) : startWasm();
  const network = openNetwork(manifest, readFileSync(`models/${NETWORK}/${manifest.file}`));
  const segmenter = createSegmenter(network, new SessionCache(runtime, 2 ** 31));
  const keep = keptIn<Left>(`orders-${runtime.backend}`);
  const left = new Map<string, Left[]>();
  for (let street = 0; street < Number(count); street++) {
    const { image, labels: truth } = renderStreet(FIRST_STREET + street, SIZE, rasterise);
    const of = { segmenter, image, truth, clean: await segmenter.predict(image) };
    for (const [name, competitor] of Object.entries(competitors))
      for (const epsilon of RADII) {
        const key = `${name} ${epsilon}`;
        const one = await keep(`${street} ${key}`, () => leftOf(of, competitor, epsilon));
        left.set(key, [...(left.get(key) ?? []), one]);
      }
    console.log(`${street + 1} of ${count} streets`);
  }
  print(left);
};
