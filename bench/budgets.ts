/** IoU ratio against the evaluations spent: attacks of fixed budget at one radius, each with as many steps as a budget allows. */

import { readFileSync, writeFileSync } from "node:fs";
import {
  attackEntry,
  attackNames,
  evaluationsOf,
  makeAttack,
  withDefaults,
  type AttackName,
} from "../src/attacks/catalogue.ts";
import { svgOf } from "../src/node/charts.ts";
import { measure } from "../src/evaluation/measure.ts";
import type { AttackPlan } from "../src/evaluation/plan.ts";
import { pooledCounts } from "../src/evaluation/pool.ts";
import type { RowCounts } from "../src/evaluation/row.ts";
import { iouRatio, scoresOf } from "../src/metrics/counts.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { networkOf, openNetwork, prepared, type Network } from "../src/segmenter/network.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { cropOf, type Crop } from "./crops.ts";
import { keptIn } from "./kept.ts";
import { hasReference, referenceNetwork, referencePath } from "./networks.ts";

const EPSILON = 4;

interface Case {
  readonly network: () => Network;
  readonly crop: Crop;
  readonly pictures: number;
  readonly budgets: readonly number[];
}

const shipped = (name: string): Network => {
  const manifest = parseManifest(JSON.parse(readFileSync(`models/${name}/manifest.json`, "utf8")));
  return openNetwork(manifest, readFileSync(`models/${name}/${manifest.file}`));
};

const referenceEnet = (): Network => {
  const { manifest, model } = referenceNetwork("enet_camvid", true);
  return networkOf(manifest, prepared(model));
};

/** E-Net takes crops as they are; PSPNet's size is fixed, so that it takes a whole picture, and to a lower budget. */
const cases: Readonly<Record<string, Case>> = {
  "E-Net": {
    network: referenceEnet,
    crop: { y: 116, x: 160, height: 128, width: 160 },
    pictures: 3,
    budgets: [1, 3, 10, 30, 100],
  },
  PSPNet: {
    network: () => shipped("pspnet-resnet-float"),
    crop: { y: 0, x: 0, height: 360, width: 480 },
    pictures: 1,
    budgets: [1, 3, 10],
  },
};

/** Queries are cheaper than gradients, and an attack by them takes more. */
const QUERIES_PER_GRADIENT = 3;

const costOf = (attack: AttackName): number =>
  attackEntry(attack).knowledge === "gradient-free" ? QUERIES_PER_GRADIENT : 1;

/** A patch is bounded by its place, and not by ε. */
const fixedBudget = attackNames.filter((name) => attackEntry(name).type === "fixed-budget" && name !== "patch");

/** The evaluations of an attack with so many steps; null where it cannot have them. */
const evaluationsWith = (attack: AttackName, steps: number): number | null => {
  try {
    return evaluationsOf(makeAttack(attack, { epsilon: EPSILON, steps, pixelRange: [0, 255], seed: 0 }));
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
};

/** The attack with its own options and as many steps as the budget allows; null where one step is too many. */
const planWithin = (attack: AttackName, budget: number): (AttackPlan & { readonly spent: number }) | null => {
  for (let steps = budget; steps >= 1; steps--) {
    const spent = evaluationsWith(attack, steps);
    if (spent === null || spent > budget) continue;
    const { alpha = 1, ...options } = withDefaults(attack, { epsilon: EPSILON }, { steps });
    return { ...options, attack, epsilon: EPSILON, alpha, steps, pixelRange: "clip", seed: 0, spent };
  }
  return null;
};

interface Point {
  readonly network: string;
  readonly attack: AttackName;
  readonly evaluations: number;
  readonly ratio: number;
}

const pointsOf = async (name: string, { network, crop, pictures, budgets }: Case): Promise<Point[]> => {
  const keep = keptIn<RowCounts>("budgets");
  const segmenter = createSegmenter(network(), new SessionCache(startWasm(), 2 ** 31));
  const { images } = JSON.parse(readFileSync(referencePath("curves/enet_camvid.json"), "utf8")) as { images: string[] };
  const counts = new Map<string, RowCounts[]>();
  const plans = fixedBudget.flatMap((attack) => {
    const all = budgets.flatMap((budget) => planWithin(attack, costOf(attack) * budget) ?? []);
    return [...new Map(all.map((plan) => [plan.spent, plan])).values()];
  });
  for (const id of images.slice(0, pictures)) {
    const { image, truth } = await cropOf(id, crop);
    const clean = await segmenter.predict(image);
    for (const { spent, ...plan } of plans) {
      const key = `${plan.attack} ${spent}`;
      const one = await keep(`${name} ${id} ${key}`, async () => {
        const { row } = await measure({ segmenter, image, truth, clean, item: id }, plan);
        return row.counts;
      });
      counts.set(key, [...(counts.get(key) ?? []), one]);
    }
    console.log(`${name}: ${id} done`);
  }
  return plans.map(({ attack, spent }) => {
    const pooled = pooledCounts(counts.get(`${attack} ${spent}`)!.map((own) => ({ counts: own })));
    return {
      network: name,
      attack,
      evaluations: spent,
      ratio: iouRatio(scoresOf(pooled.float), scoresOf(pooled.clean))!,
    };
  });
};

/** A line for each attack, with a column for each budget of each network. */
const print = (points: readonly Point[]): void => {
  const columns = Object.entries(cases).flatMap(([network, { budgets: own }]) =>
    own.map((budget) => ({ network, budget })),
  );
  console.log(
    `\nIoU ratio at ε = ${EPSILON}; budgets are evaluations, of attacks without gradients ${QUERIES_PER_GRADIENT} times as many queries`,
  );
  console.log(`| attack | ${columns.map(({ network, budget }) => `${network}, ${budget}`).join(" | ")} |`);
  console.log(`| --- |${" --- |".repeat(columns.length)}`);
  for (const attack of fixedBudget) {
    const cells = columns.map(({ network, budget }) => {
      const limit = budget * costOf(attack);
      const own = points.filter((point) => point.network === network && point.attack === attack);
      const within = own.filter(({ evaluations }) => evaluations <= limit && evaluations > limit / 3);
      return within.at(-1)?.ratio.toFixed(3) ?? "–";
    });
    console.log(`| ${attack} | ${cells.join(" | ")} |`);
  }
};

/** Colours of Okabe and Ito (2008) for the attacks to compare; all others are grey. */
const coloured: Readonly<Partial<Record<AttackName, string>>> = {
  ifgsm: "#0072b2",
  "ifgsm-ii": "#56b4e9",
  pgd: "#000000",
  segpgd: "#cc79a7",
  cospgd: "#e69f00",
  apgd: "#009e73",
  sea: "#d55e00",
  square: "#8a7a00",
  rays: "#7a6ad8",
};

const WHITE = "#ffffff";

/** A Vega-Lite specification: a panel for each network, a line for each attack. */
const chartOf = (points: readonly Point[]) => ({
  background: WHITE,
  config: { aria: false },
  data: {
    values: points.map(({ ratio, ...point }) => ({
      ...point,
      percent: Number((100 * ratio).toFixed(1)),
      shown: coloured[point.attack] ? point.attack : "others",
    })),
  },
  facet: { column: { field: "network", type: "nominal", title: null } },
  spec: {
    width: 260,
    height: 220,
    mark: { type: "line", point: { size: 14 }, strokeWidth: 1.5 },
    encoding: {
      x: {
        field: "evaluations",
        type: "quantitative",
        scale: { type: "log", domain: [1, 300], nice: false },
        axis: { values: [1, 3, 10, 30, 100, 300], format: "~g" },
        title: "evaluations of an image",
      },
      y: { field: "percent", type: "quantitative", title: "IoU ratio, %" },
      detail: { field: "attack" },
      color: {
        field: "shown",
        type: "nominal",
        title: null,
        scale: { domain: [...Object.keys(coloured), "others"], range: [...Object.values(coloured), "#cccccc"] },
      },
    },
  },
});

export const budgets = async (args: readonly string[]): Promise<void> => {
  if (!hasReference()) return console.log("budgets: skipped, the optional folder of reference data is not there");
  const points: Point[] = [];
  for (const [name, one] of Object.entries(cases)) points.push(...(await pointsOf(name, one)));
  print(points);
  const [figure] = args;
  if (figure !== undefined) writeFileSync(figure, await svgOf(chartOf(points)));
};
