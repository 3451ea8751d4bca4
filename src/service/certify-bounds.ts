/** /v1/certify by bounds: labels that no perturbation of at most ε grey levels a channel changes. */

import { createBounder, type Bounder, type Bounding } from "../certify/deterministic.ts";
import { treeOf } from "../certify/hierarchy.ts";
import { UnsupportedBoundError } from "../certify/interval-rules/rule.ts";
import { ofClasses, onlyAt } from "../certify/scores.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { CertifyRequest, CertifyResult, IntervalSpec, LinearSpec } from "../contract/certify.ts";
import { nodesOf } from "../networks/largest-fit.ts";
import type { PlacedModel } from "../networks/placement.ts";
import { requireMemory } from "../networks/require-memory.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { yieldToEvents } from "../yield.ts";
import { certificateOf, subjectOf } from "./certificate.ts";
import type { Context } from "./context.ts";

type BoundSpec = IntervalSpec | LinearSpec;

/** A prediction costs about a third of the evaluation with a gradient that the limit of work is stated in. */
export const PREDICTIONS_PER_STEP = 3;

const boundingOf = (spec: BoundSpec): Bounding => {
  const { method, rounding, seed } = spec;
  return { method, rounding, seed, pixels: spec.method === "linear" ? spec.pixels : 0 };
};

/** @throws FaultlineError invalid-spec for a backend on which bounds are none. */
const requireRounding = ({ choice }: PlacedModel, { backend = "auto" }: BoundSpec): void => {
  if (choice.backend !== "webgpu") return;
  const detail =
    "must be wasm or native: bounds count on IEEE 754 rounding, which WebGPU, on which the network would run, does not promise";
  throw invalidSpec({ pointer: "/spec/backend", detail, received: backend, accepted: ["wasm", "native"] });
};

/** What cannot be bounded of a network is a fault of the request. */
const boundable = async <T>({ method }: BoundSpec, run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof UnsupportedBoundError)) throw cause;
    const detail = `must be smoothing for this model: ${cause.message}`;
    throw invalidSpec({ pointer: "/spec/method", detail, received: method, accepted: ["smoothing"] }, cause);
  }
};

/**
 * Refuses what would take too long or too much memory, before any bound is computed.
 *
 * @throws FaultlineError work-exceeded; memory-exceeded, with the largest size at which one pixel at a time would fit.
 */
const requireBounded = (
  context: Context,
  { network, segmenter, cache }: PlacedModel,
  bounder: Bounder,
  { image: bytes, size, spec }: { readonly image: Uint8Array; readonly size: Size; readonly spec: BoundSpec },
): void => {
  const { method } = spec;
  context.requireWork(bytes, Math.ceil(bounder.passes(size, boundingOf(spec), spec) / PREDICTIONS_PER_STEP));
  const footprints = (at: Size) => bounder.footprints(at, { method, pixels: 1 }).map((footprint) => [footprint]);
  const runs = { name: `${method} bounds`, footprints };
  requireMemory({ cache, segmenter, nodes: nodesOf(network), runs }, size, []);
};

export const certifyByBounds = async (
  context: Context,
  request: CertifyRequest,
  spec: BoundSpec,
  signal: AbortSignal | undefined,
): Promise<Omit<CertifyResult, "timings">> => {
  const model = await context.open(spec);
  requireRounding(model, spec);
  const { network, cache } = model;
  return boundable(spec, async () => {
    const bounder = createBounder(network, cache);
    const image = await context.prepare(model, request.image, []);
    requireBounded(context, model, bounder, { image: request.image, size: spatialSize(image), spec });
    const subject = await subjectOf(context, request, model, image);
    const { length } = network.manifest.classes;
    const hooks = { onRun: yieldToEvents, signal };
    const bounding = { ...boundingOf(spec), among: subject.reference };
    const { labels, examined } = await bounder.certify(image, spec.epsilon, bounding, hooks);
    const certified = {
      labels: ofClasses(labels, length),
      reference: onlyAt(subject.reference, examined),
      tree: treeOf(length),
    };
    return {
      ...(await certificateOf(subject, certified)),
      radius: spec.epsilon,
      norm: "linf",
      examined: examined.length,
      ...(spec.largest && { largest: await bounder.largest(image, bounding, hooks) }),
    };
  });
};
