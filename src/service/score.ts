/** /v1/score's work: label maps in, confusion matrices and IoU out. */

import { confusionMatrix, scores } from "../metrics/confusion.ts";
import { iouRatio } from "../metrics/counts.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import type { Models } from "../networks/registry.ts";
import { labelWarnings, voidPixelsOf } from "./label-reading.ts";
import type { LabelRules } from "./pictures.ts";
import type { PartName } from "../contract/files.ts";
import type { MapScores, ScoreRequest, ScoreResult } from "../contract/score.ts";
import { spatialSize } from "../tensor.ts";

type ReadLabels = (
  part: PartName,
  bytes: Uint8Array,
  rules: Omit<LabelRules, "maxPixels" | "maxSide">,
) => Promise<Labels>;

export const scoreMaps = async (request: ScoreRequest, models: Models, read: ReadLabels): Promise<ScoreResult> => {
  const known =
    request.classes.kind === "model" ? (await models.open(request.classes.model)).segmenter.manifest.classes : null;
  const classes = request.classes.kind === "count" ? request.classes.count : known!.length;
  const palette = known?.map((c) => c.color);
  const { label255, meanOver = "reference" } = request;
  const reference = await read("reference", request.reference, { classes, palette, label255 });
  const size = spatialSize(reference);
  const rules = { classes, palette, expected: size, label255 };
  const prediction = await read("prediction", request.prediction, rules);
  const adversarial = request.adversarial && (await read("adversarial", request.adversarial, rules));

  const measure = (map: Labels) => {
    const confusion = confusionMatrix(map, reference, classes);
    return { confusion, scores: scores(confusion, meanOver) };
  };
  const told = ({ confusion, scores: s }: ReturnType<typeof measure>): MapScores => ({
    confusion: confusion.counts,
    perClass: s.iou.map((iou, index) => ({ class: index, name: known?.[index]?.name ?? null, iou })),
    miou: s.miou,
    pixelAccuracy: s.pixelAccuracy,
  });
  const before = measure(prediction);
  const after = adversarial && measure(adversarial);
  return {
    ...size,
    classes,
    meanOver,
    warnings: [
      ...labelWarnings("reference", reference),
      ...labelWarnings("prediction", prediction),
      ...(adversarial ? labelWarnings("adversarial", adversarial) : []),
    ],
    voidPixels: voidPixelsOf(reference),
    prediction: told(before),
    ...(after ? { adversarial: told(after), iouRatio: iouRatio(after.scores, before.scores) } : {}),
  };
};
