/** /v1/audit's work: the attacks of an audit on one image, and the verdict. */

import type { AuditRequest, AuditResult } from "../contract/audit.ts";
import type { Abandon } from "../contract/models.ts";
import { auditedAttacks, auditImage, auditOf, auditSteps } from "../evaluation/audit.ts";
import { evaluatedBy } from "../evaluation/plan.ts";
import { sha256Of } from "../digest.ts";
import { spatialSize } from "../tensor.ts";
import { receiptOf, type Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth } from "./pictures.ts";
import { yieldToEvents } from "../yield.ts";
import { cancellable } from "./queue.ts";

export const createAuditHandler =
  (context: Context) =>
  async ({ spec, image: bytes, labels }: AuditRequest, { signal }: Abandon = {}): Promise<AuditResult> => {
    const start = performance.now();
    const model = await context.open(spec);
    context.requireWork(bytes, auditSteps(spec));
    const image = await context.prepare(model, bytes, evaluatedBy(auditedAttacks));
    const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
    const subject = { segmenter: model.segmenter, image, item: await sha256Of(bytes), truth };
    const audited = await cancellable(signal, () => auditImage(subject, spec, { onStep: yieldToEvents, signal }));
    const { quotients, ...audit } = auditOf([audited], spec);
    return {
      ...spatialSize(image),
      reference: truth ? "ground-truth" : "prediction",
      warnings: [
        ...(await pictureWarnings(bytes, image, model.network)),
        ...(truth ? labelWarnings("labels", truth) : []),
      ],
      ...audit,
      quotients: quotients[0]!,
      timings: { total: performance.now() - start },
      receipt: receiptOf(context, model, spec),
    };
  };
