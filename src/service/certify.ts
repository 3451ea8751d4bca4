/** /v1/certify's work: labels of one image that no perturbation up to a radius changes. */

import {
  certifiedCounts,
  certifiedScores,
  outcomesOf,
  OUTCOMES,
  vertexColours,
  voidWhereAbstained,
} from "../certify/scores.ts";
import { treeOf } from "../certify/hierarchy.ts";
import { certify, fewestSamples } from "../certify/smoothing.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { CertifyRequest, CertifyResult, CertifySpec } from "../contract/certify.ts";
import type { Abandon } from "../contract/models.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import type { Rgb } from "../image/decode.ts";
import { encodeLabels } from "../image/labels.ts";
import { countsOf, scoresOf } from "../metrics/counts.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { groupsOf, HierarchyError, type Group } from "../segmenter/hierarchy.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { spatialSize } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";

/** A prediction costs about a third of the evaluation with a gradient that the limit of work is stated in. */
const PREDICTIONS_PER_STEP = 3;

/** @throws FaultlineError where there is none, or it does not fit the classes. */
const hierarchyOf = (
  { hierarchy }: Pick<CertifySpec, "hierarchy">,
  manifest: Pick<Manifest, "hierarchy" | "classes" | "name">,
): readonly Group[] | undefined => {
  if (hierarchy === undefined) return undefined;
  const refused = (detail: string, cause?: unknown) => invalidSpec({ pointer: "/spec/hierarchy", detail }, cause);
  const named = hierarchy === "manifest" ? manifest.hierarchy : hierarchy;
  if (!named) throw refused(`the manifest of ${manifest.name} has no hierarchy; give a list of groups`);
  try {
    return groupsOf(named, manifest.classes);
  } catch (cause) {
    if (!(cause instanceof HierarchyError)) throw cause;
    throw refused(cause.message, cause);
  }
};

export const createCertifyHandler =
  (context: Context) =>
  async ({ spec, image: bytes, labels: map }: CertifyRequest, { signal }: Abandon = {}): Promise<CertifyResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    context.requireWork(bytes, Math.ceil((spec.selection + spec.samples) / PREDICTIONS_PER_STEP));
    const image = await context.prepare(model, bytes, []);
    const { width, height } = spatialSize(image);
    const needed = fewestSamples(spec, width * height);
    if (spec.samples < needed) {
      const detail = `must be at least ${needed}: with fewer draws no pixel of a ${width}×${height} image can be significant at τ = ${spec.tau} and α = ${spec.alpha}`;
      throw invalidSpec({ pointer: "/spec/samples", detail });
    }
    const truth = await readTruth(context, model, image, "labels", map, spec.label255);
    const { manifest } = model.segmenter;
    const { classes } = manifest;
    const hierarchy = hierarchyOf(spec, manifest);
    const tree = treeOf(classes.length, hierarchy);
    const predict = async (noisy: Image): Promise<Labels> => (await model.segmenter.predict(noisy)).labels;
    const clean = await predict(image);
    const reference = truth ?? voidedBeyond(clean, classes.length);
    const smoothing = { ...spec, hierarchy };
    const hooks = { onDraw: yieldToEvents, signal };
    const { labels, radius, drawn } = await certify(predict, image, classes.length, smoothing, hooks);
    const { iou, pixels: _pixels, ...scores } = certifiedScores(certifiedCounts(labels, reference, tree), tree);
    const { miou, pixelAccuracy } = scoresOf(countsOf(clean, reference, classes.length));
    const png = (content: Labels, colours: readonly Rgb[]) => ({
      mediaType: "image/png" as const,
      data: encodeLabels(content, colours),
    });
    const outcomes = OUTCOMES.map(({ color }) => color);
    return {
      width,
      height,
      reference: truth ? "ground-truth" : "prediction",
      warnings: [...(await pictureWarnings(bytes, image)), ...(truth ? labelWarnings("labels", truth) : [])],
      radius,
      scores: { ...scores, perClass: classes.map(({ name }, i) => ({ class: i, name, iou: iou[i]! })) },
      clean: { miou, pixelAccuracy },
      drawn,
      images: {
        labels: png(voidWhereAbstained(labels), vertexColours(classes, tree)),
        outcome: png(outcomesOf(labels, reference, tree), outcomes),
      },
      timings: { total: performance.now() - start },
      receipt: receiptOf(context, model, spec),
    };
  };
