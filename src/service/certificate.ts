/** What every certificate of /v1/certify says: scores, and maps as pictures. */

import type { CertifyRequest, CertifyResult } from "../contract/certify.ts";
import { certifiedCounts, certifiedScores, mapsOf, type Certified } from "../certify/scores.ts";
import { voidedBeyond } from "../evaluation/labels.ts";
import type { Rgb } from "../image/decode.ts";
import { encodeLabels } from "../image/labels.ts";
import { countsOf, scoresOf } from "../metrics/counts.ts";
import type { PlacedModel } from "../networks/placement.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";

/** An image of a request, decoded, with the labels that certificates are compared with. */
export interface Subject {
  readonly context: Context;
  readonly request: CertifyRequest;
  readonly model: PlacedModel;
  readonly image: Image;
  readonly truth: Labels | undefined;
  /** The network's labels of the image itself. */
  readonly clean: Labels;
  /** The ground truth, or else the network's labels. */
  readonly reference: Labels;
}

export const subjectOf = async (
  context: Context,
  request: CertifyRequest,
  model: PlacedModel,
  image: Image,
): Promise<Subject> => {
  const { labels: map, spec } = request;
  const truth = await readTruth(context, model, image, "labels", map, spec.label255);
  const { labels: clean } = await model.segmenter.predict(image);
  const reference = truth ?? voidedBeyond(clean, model.segmenter.manifest.classes.length);
  return { context, request, model, image, truth, clean, reference };
};

const pngOf = (labels: Labels, colours: readonly Rgb[]) => ({
  mediaType: "image/png" as const,
  data: encodeLabels(labels, colours),
});

/** The certificate without its radius. @param certified compared with the subject's reference, or a part of it. */
export const certificateOf = async (
  { context, request, model, image, truth, clean, reference: whole }: Subject,
  certified: Certified,
): Promise<Omit<CertifyResult, "radius" | "norm" | "timings">> => {
  const { classes } = model.segmenter.manifest;
  const { labels, reference, tree } = certified;
  const { iou, pixels: _pixels, ...scores } = certifiedScores(certifiedCounts(labels, reference, tree), tree);
  const maps = mapsOf(certified, classes);
  const { miou, pixelAccuracy } = scoresOf(countsOf(clean, whole, classes.length));
  return {
    ...spatialSize(image),
    reference: truth ? "ground-truth" : "prediction",
    warnings: [
      ...(await pictureWarnings(request.image, image, model.network)),
      ...(truth ? labelWarnings("labels", truth) : []),
    ],
    scores: { ...scores, perClass: classes.map(({ name }, i) => ({ class: i, name, iou: iou[i]! })) },
    clean: { miou, pixelAccuracy },
    images: { labels: pngOf(...maps.labels), outcome: pngOf(...maps.outcome) },
    receipt: receiptOf(context, model, request.spec),
  };
};
