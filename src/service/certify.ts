/** /v1/certify's work: labels of one image that no perturbation up to a radius changes. */

import { treeOf } from "../certify/hierarchy.ts";
import { certify, fewestSamples } from "../certify/smoothing.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { CertifyRequest, CertifyResult, SmoothingSpec } from "../contract/certify.ts";
import type { Abandon } from "../contract/models.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { groupsOf, HierarchyError, type Group } from "../segmenter/hierarchy.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { certificateOf, subjectOf } from "./certificate.ts";
import { certifyByBounds, PREDICTIONS_PER_STEP } from "./certify-bounds.ts";
import type { Context } from "./context.ts";

/** @throws FaultlineError where there is none, or it does not fit the classes. */
const hierarchyOf = (
  { hierarchy }: Pick<SmoothingSpec, "hierarchy">,
  manifest: Pick<Manifest, "hierarchy" | "classes" | "name">,
): readonly Group[] | undefined => {
  if (hierarchy === undefined) return undefined;
  const refused = (detail: string, cause?: unknown) => invalidSpec({ pointer: "/spec/hierarchy", detail }, cause);
  const given = hierarchy === "manifest" ? manifest.hierarchy : hierarchy;
  const named = given && "groups" in given ? given.groups : given;
  if (!named) throw refused(`the manifest of ${manifest.name} has no hierarchy; give a list of groups`);
  try {
    return groupsOf(named, manifest.classes);
  } catch (cause) {
    if (!(cause instanceof HierarchyError)) throw cause;
    throw refused(cause.message, cause);
  }
};

const requireEnoughDraws = (spec: SmoothingSpec, { width, height }: Size): void => {
  const needed = fewestSamples(spec, width * height);
  if (spec.samples >= needed) return;
  const detail = `must be at least ${needed}: with fewer draws no pixel of a ${width}×${height} image can be significant at τ = ${spec.tau} and α = ${spec.alpha}`;
  throw invalidSpec({ pointer: "/spec/samples", detail });
};

type Certificate = Omit<CertifyResult, "timings">;

const certifyBySmoothing = async (
  context: Context,
  request: CertifyRequest,
  spec: SmoothingSpec,
  signal: AbortSignal | undefined,
): Promise<Certificate> => {
  const model = await context.open(spec);
  const { segmenter } = model;
  context.requireWork(request.image, Math.ceil((spec.selection + spec.samples) / PREDICTIONS_PER_STEP));
  const image = await context.prepare(model, request.image, []);
  requireEnoughDraws(spec, spatialSize(image));
  const hierarchy = hierarchyOf(spec, segmenter.manifest);
  const { length } = segmenter.manifest.classes;
  const subject = await subjectOf(context, request, model, image);
  const predict = async (noisy: Image): Promise<Labels> => (await segmenter.predict(noisy)).labels;
  const hooks = { onDraw: yieldToEvents, signal };
  const { labels, radius, drawn } = await certify(predict, image, length, { ...spec, hierarchy }, hooks);
  const certified = { labels, reference: subject.reference, tree: treeOf(length, hierarchy) };
  return { ...(await certificateOf(subject, certified)), radius, norm: "l2", drawn };
};

export const createCertifyHandler =
  (context: Context) =>
  async (request: CertifyRequest, { signal }: Abandon = {}): Promise<CertifyResult> => {
    const start = performance.now();
    const { spec } = request;
    const certificate =
      spec.method === "smoothing"
        ? await certifyBySmoothing(context, request, spec, signal)
        : await certifyByBounds(context, request, spec, signal);
    return { ...certificate, timings: { total: performance.now() - start } };
  };
