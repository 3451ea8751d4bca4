/** /v1/robustness's work: a grid of attacks and radii on one image, the curve, and the smallest radius that breaks it. */

import { invalidSpec } from "../contract/failure.ts";
import {
  gridAttack,
  type Labelled,
  type RobustnessRequest,
  type RobustnessResult,
  type RobustnessRun,
  type RobustnessSpec,
} from "../contract/robustness.ts";
import { sha256Of } from "../digest.ts";
import { measure, type Subject } from "../evaluation/measure.ts";
import { evaluatedBy } from "../evaluation/plan.ts";
import { scoresOf } from "../metrics/counts.ts";
import type { PlacedModel } from "../networks/placement.ts";
import { transformsThatRan } from "../networks/with-transform.ts";
import { spatialSize } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";
import { cancellable } from "./queue.ts";
import { gridOf, stepsOfGrid } from "./robustness-grid.ts";
import { pointOf, resultOf, type Pictured, type Shown } from "./robustness-result.ts";

const unscorable = (miou: number | null) => ({
  pointer: "/labels",
  detail: `the clean mIoU against these labels is ${miou ?? "undefined"}, so there is no IoU ratio`,
});

/** The spec with the transformations that run. */
export const ranWith = (spec: RobustnessSpec, model: PlacedModel): RobustnessSpec => ({
  ...spec,
  ...transformsThatRan(model),
});

/**
 * Decodes an image with its labels, predicts it and scores that.
 *
 * @throws FaultlineError for whatever is wrong with them, before an attack.
 */
export const examine = async (
  context: Context,
  model: PlacedModel,
  spec: RobustnessSpec,
  { image: bytes, labels }: Labelled,
): Promise<{ readonly subject: Subject; readonly clean: Shown; readonly picture: Pictured }> => {
  const { segmenter, network } = model;
  const names = spec.attacks.map((entry) => gridAttack(entry).attack);
  const image = await context.prepare(model, bytes, evaluatedBy(names));
  const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
  const clean = await segmenter.predict(image);
  const subject: Subject = { segmenter, image, item: await sha256Of(bytes), truth, clean, version: context.version };
  const { row, signs } = await measure(subject, null);
  const { miou } = scoresOf(row.counts.clean);
  if (!miou) throw invalidSpec(unscorable(miou));
  const warnings = [
    ...(await pictureWarnings(bytes, image, network)),
    ...(truth ? labelWarnings("labels", truth) : []),
  ];
  return { subject, clean: { row, signs }, picture: { ...spatialSize(image), warnings } };
};

export const createRobustnessHandler =
  (context: Context) =>
  async ({ spec, ...labelled }: RobustnessRequest, { onPoint, signal }: RobustnessRun): Promise<RobustnessResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    const cost = context.requireWork(labelled.image, stepsOfGrid(spec));
    const { subject, clean, picture } = await examine(context, model, spec, labelled);
    const grid = gridOf(spec, subject.truth);
    const points: Shown[] = [];
    for (const plan of grid) {
      const { row, signs } = await cancellable(signal, () => measure(subject, plan, { onStep: yieldToEvents, signal }));
      points.push({ row, signs });
      await onPoint?.(pointOf(plan, clean.row, { row, signs }), points.length, grid.length);
    }
    const receipt = receiptOf(context, model, ranWith(spec, model));
    const timings = { total: performance.now() - start };
    return resultOf({ spec, picture, clean: clean.row, points, cost, timings, receipt });
  };
