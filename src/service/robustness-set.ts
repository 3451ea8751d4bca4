/** /v1/robustness's work on several images: each on its own, and what their counts say together. */

import { FaultlineError, type Failure, invalidSpec } from "../contract/failure.ts";
import type {
  Cost,
  Labelled,
  PooledPoint,
  RobustnessResult,
  RobustnessRun,
  RobustnessSetRequest,
  RobustnessSetResult,
  RobustnessSpec,
} from "../contract/robustness.ts";
import type { Timings } from "../contract/receipt.ts";
import { counted } from "../counted.ts";
import { sha256Of } from "../digest.ts";
import { signsOfFlags } from "../evaluation/orders.ts";
import { sum } from "../metrics/counts.ts";
import { figureOf } from "../report/flag-text.ts";
import { buildReport, type Cell } from "../report/report.ts";
import { createStore } from "../report/store.ts";
import { costWithin, type Context } from "./context.ts";
import { REPLICATES } from "./report.ts";
import { createRobustnessHandler } from "./robustness.ts";
import { stepsOfGrid } from "./robustness-grid.ts";
import { radiusText, smallestOf } from "./robustness-result.ts";

/** The failure, where it is about a file of the i-th image, with that place. */
const placed = (failure: Failure, i: number): Failure => {
  if ("part" in failure && (failure.part === "image" || failure.part === "labels"))
    return { ...failure, part: `${failure.part}/${i}` };
  if (failure.kind !== "invalid-spec") return failure;
  const errors = failure.errors.map((error) =>
    error.pointer === "/labels" || error.pointer === "/image" ? { ...error, pointer: `${error.pointer}/${i}` } : error,
  );
  return { ...failure, errors };
};

/** Runs work on the i-th image: a failure of it then names that image. */
export const at = async <T>(i: number, run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof FaultlineError) throw new FaultlineError(placed(cause.failure, i), { cause });
    throw cause;
  }
};

/** @throws FaultlineError `work-exceeded` where the images together take more than one request may. */
const requireWorkOfAll = async (
  context: Context,
  pictures: readonly Labelled[],
  spec: RobustnessSpec,
): Promise<Cost> => {
  const steps = stepsOfGrid(spec);
  const costs: Cost[] = [];
  for (const [i, { image }] of pictures.entries()) costs.push(await at(i, () => context.requireWork(image, steps)));
  return costWithin(sum(costs.map(({ pixels }) => pixels)), steps, context.maxWork);
};

/** @throws FaultlineError `invalid-spec` where one image is there twice: it would count once, and say nothing about the spread. */
export const requireDifferent = async (pictures: readonly Labelled[]): Promise<void> => {
  const items = await Promise.all(pictures.map(({ image }) => sha256Of(image)));
  const again = items.findIndex((item, i) => items.indexOf(item) < i);
  if (again < 0) return;
  const detail = `is the same file as /image/${items.indexOf(items[again]!)}`;
  throw invalidSpec({ pointer: `/image/${again}`, detail });
};

const verdictOf = (
  curve: readonly PooledPoint[],
  signs: readonly RobustnessResult["signs"][],
  threshold: number,
): RobustnessResult["verdict"] => {
  const high = ({ iouRatio }: PooledPoint): number => iouRatio.interval?.high ?? Infinity;
  const low = ({ iouRatio }: PooledPoint): number =>
    Math.min(iouRatio.interval?.low ?? -Infinity, iouRatio.value ?? -Infinity);
  if (curve.some((point) => high(point) < threshold)) return "broken";
  const isClear = curve.every((point) => low(point) >= threshold && (point.iouRatioUint8 ?? -Infinity) >= threshold);
  return isClear && signs.every((own) => own.length === 0) ? "not-broken" : "undecided";
};

const summarise = (curve: readonly PooledPoint[], images: number, { threshold, norm }: RobustnessSpec): string => {
  const worst = curve.toSorted((a, b) => (a.iouRatio.value ?? Infinity) - (b.iouRatio.value ?? Infinity))[0]!;
  const { attack, epsilon, iouRatio } = worst;
  if (iouRatio.value === null) return `The IoU ratio over ${counted(images, "image")} is undefined.`;
  const within = iouRatio.interval
    ? ` [${iouRatio.interval.low.toFixed(3)}, ${iouRatio.interval.high.toFixed(3)}]`
    : "";
  const where = iouRatio.value < threshold ? "below" : "not below";
  return `${attack} at ${radiusText(epsilon, norm)} leaves an IoU ratio of ${iouRatio.value.toFixed(3)}${within} over ${counted(images, "image")}, ${where} ${threshold}.`;
};

/** The answer about several images, of the answers about each. @param images results of the same grid. */
export const pooledResult = (
  spec: RobustnessSpec,
  images: readonly RobustnessResult[],
  cost: Cost,
  timings: Timings,
): RobustnessSetResult => {
  const store = createStore();
  for (const { rows } of images) for (const row of rows) store.add(row);
  const { cells, bootstrap } = buildReport(store, { seed: spec.seed, replicates: REPLICATES });
  const cellOf = (attack: string, epsilon: number | null): Cell =>
    cells.find((cell) => cell.attack === attack && cell.epsilon === epsilon)!;
  const curve = images[0]!.curve.map(({ attack, epsilon, steps }): PooledPoint => {
    const { iouRatio, iouRatioUint8, miou, nmiou, pixelAccuracy, flags } = cellOf(attack, epsilon);
    return { attack, epsilon, steps, iouRatio, iouRatioUint8, miou, nmiou, pixelAccuracy, flags };
  });
  const { miou, nmiou, pixelAccuracy } = cellOf("clean", null);
  const signs = signsOfFlags(
    curve.map(({ attack, epsilon, flags }) => ({ ...figureOf({ ...cellOf(attack, epsilon), epsilon }), flags })),
  );
  const { threshold } = spec;
  return {
    images,
    reference: images[0]!.reference,
    threshold,
    bootstrap: { replicates: bootstrap.replicates, seed: bootstrap.seed },
    clean: { miou, nmiou, pixelAccuracy },
    curve,
    ...smallestOf(
      images[0]!.breaking.map(({ attack }) => attack),
      curve.map((point) => ({ ...point, float: point.iouRatio.value, uint8: point.iouRatioUint8 })),
      threshold,
    ),
    verdict: verdictOf(curve, [signs, ...images.map((image) => image.signs)], threshold),
    signs,
    summary: summarise(curve, images.length, spec),
    cost,
    timings,
  };
};

export const createRobustnessSetHandler = (context: Context) => {
  const onOne = createRobustnessHandler(context);
  return async (
    { spec, pictures }: RobustnessSetRequest,
    { onPoint, signal }: RobustnessRun,
  ): Promise<RobustnessSetResult> => {
    const start = performance.now();
    const cost = await requireWorkOfAll(context, pictures, spec);
    await requireDifferent(pictures);
    const images: RobustnessResult[] = [];
    for (const [i, picture] of pictures.entries()) {
      const run: RobustnessRun = {
        ...(signal && { signal }),
        ...(onPoint && {
          onPoint: (point, index, total) => onPoint(point, i * total + index, pictures.length * total),
        }),
      };
      images.push(await at(i, () => onOne({ spec, ...picture }, run)));
    }
    return pooledResult(spec, images, cost, { total: performance.now() - start });
  };
};
