/** /v1/segment's work: decode, predict, encode. */

import type { SegmentRequest, SegmentResult } from "../contract/segment.ts";
import { classShares } from "../evaluation/labels.ts";
import { encodeLabels } from "../image/labels.ts";
import { pictureWarnings } from "./pictures.ts";
import type { Context } from "./context.ts";
import { transformsThatRan } from "../networks/with-transform.ts";
import { notesOf } from "../segmenter/network.ts";
import { spatialSize } from "../tensor.ts";

export const createSegmentHandler =
  (context: Context) =>
  async (request: SegmentRequest): Promise<SegmentResult> => {
    const start = performance.now();
    const model = await context.open(request);
    const { manifest } = model.segmenter;
    const image = await context.prepare(model, request.image, []);
    const decoded = performance.now();
    const { labels, confidence } = await model.segmenter.predict(image);
    const predicted = performance.now();
    const shares = classShares(labels, manifest.classes.length);
    const data = encodeLabels(
      labels,
      manifest.classes.map((c) => c.color),
    );
    const total = performance.now() - start;
    return {
      ...spatialSize(image),
      model: manifest.name,
      classes: manifest.classes.map((c, index) => ({ index, ...c, share: shares[index]! })),
      confidence: summary(confidence.data),
      labels: { mediaType: "image/png", data },
      transform: transformsThatRan(model).transform,
      backend: model.choice.backend,
      backendWhy: model.choice.why,
      notes: notesOf(model.network),
      warnings: await pictureWarnings(request.image, image, model.network),
      timings: { decode: decoded - start, predict: predicted - decoded, encode: total - (predicted - start), total },
    };
  };

const summary = (values: Float32Array): { mean: number; min: number } => {
  let sum = 0;
  let min = 1;
  for (const v of values) {
    sum += v;
    if (v < min) min = v;
  }
  return { mean: sum / values.length, min };
};
