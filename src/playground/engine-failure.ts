/** The failures of the engine, as data. */

import { RegionError } from "../evaluation/region-goal.ts";
import { footprintsOf, largestFit } from "../networks/largest-fit.ts";
import { OnnxError } from "../onnx/graph.ts";
import { RuntimeCrash, RuntimeError } from "../runtime/session.ts";
import { ManifestError } from "../segmenter/manifest.ts";
import type { Evaluated, Image, Segmenter } from "../segmenter/segmenter.ts";
import { MemoryBudgetError, type SessionCache } from "../segmenter/session-cache.ts";
import { FetchError } from "./fetched.ts";
import type { EngineFailure } from "./messages.ts";
import { spatialSize } from "../tensor.ts";
import { reasonOf } from "../reason.ts";

/** An error with a failure that is sent to the page. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly failure: EngineFailure;
  constructor(failure: EngineFailure, options?: ErrorOptions) {
    super(failure.kind, options);
    this.failure = failure;
  }
}

/** @param operators the network's operators without a gradient. @throws EngineError if there are any. */
export const requireGradient = (operators: readonly string[]): void => {
  if (operators.length > 0) throw new EngineError({ kind: "no-gradient", operators });
};

/** Checks the predicted memory before a run. @throws EngineError with the largest size that would fit. */
export const requireMemory = (
  cache: SessionCache,
  segmenter: Segmenter,
  image: Image,
  objectives: readonly Evaluated[],
): void => {
  const size = spatialSize(image);
  try {
    for (const footprints of footprintsOf(segmenter, size, objectives)) cache.requireFit(footprints);
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    const { predictedBytes, budgetBytes } = cause;
    const fit = largestFit({ segmenter, cache }, size, objectives);
    throw new EngineError({ kind: "memory", predictedBytes, budgetBytes, fit }, { cause });
  }
};

export const failureOf = (cause: unknown, signal: AbortSignal): EngineFailure => {
  if (signal.aborted) return { kind: "cancelled" };
  if (cause instanceof EngineError) return cause.failure;
  const reason = reasonOf(cause);
  if (cause instanceof RegionError) return { kind: "refused", reason: `The attack has no target: ${reason}.` };
  if (cause instanceof FetchError) return { kind: "fetch", what: cause.what, reason };
  if (cause instanceof RuntimeCrash) return { kind: "crash", reason };
  if (cause instanceof MemoryBudgetError) {
    const { predictedBytes, budgetBytes } = cause;
    return { kind: "memory", predictedBytes, budgetBytes };
  }
  if (cause instanceof RuntimeError) return { kind: "backend", reason };
  if (cause instanceof OnnxError || cause instanceof ManifestError) return { kind: "network", reason };
  return { kind: "unexpected", reason };
};
