/** /v1/certify's work: labels of one image that no perturbation up to a radius changes. */

import { certifiedCounts, certifiedScores, outcomesOf, OUTCOMES, voidWhereAbstained } from "../certify/scores.ts";
import { certify, fewestSamples } from "../certify/smoothing.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { CertifyRequest, CertifyResult } from "../contract/certify.ts";
import type { Abandon } from "../contract/models.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import { encodeLabels } from "../image/labels.ts";
import { countsOf, scoresOf } from "../metrics/counts.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";

/** A prediction costs about a third of the evaluation with a gradient that the limit of work is stated in. */
const PREDICTIONS_PER_STEP = 3;

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
      throw new FaultlineError({ kind: "invalid-spec", errors: [{ pointer: "/spec/samples", detail }] });
    }
    const truth = await readTruth(context, model, image, "labels", map, spec.label255);
    const { classes } = model.segmenter.manifest;
    const predict = async (noisy: Image): Promise<Labels> => (await model.segmenter.predict(noisy)).labels;
    const clean = await predict(image);
    const reference = truth ?? voidedBeyond(clean, classes.length);
    const { labels, radius, drawn } = await certify(predict, image, classes.length, spec, {
      onDraw: yieldToEvents,
      signal,
    });
    const { iou, pixels: _pixels, ...scores } = certifiedScores(certifiedCounts(labels, reference, classes.length));
    const { miou, pixelAccuracy } = scoresOf(countsOf(clean, reference, classes.length));
    const png = (content: Labels, colours: readonly { readonly color: readonly [number, number, number] }[]) => ({
      mediaType: "image/png" as const,
      data: encodeLabels(
        content,
        colours.map(({ color }) => color),
      ),
    });
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
        labels: png(voidWhereAbstained(labels), classes),
        outcome: png(outcomesOf(labels, reference), OUTCOMES),
      },
      timings: { total: performance.now() - start },
      receipt: receiptOf(context, model, spec),
    };
  };
