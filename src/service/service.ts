/** The service: models, images and attacks put together. Knows neither HTTP nor where it runs. */

import { FaultlineError } from "../contract/failure.ts";
import type { ModelInfo } from "../contract/models.ts";
import type { Service } from "../contract/service.ts";
import type { Models } from "../networks/registry.ts";
import { createUploads } from "../networks/uploads.ts";
import { RuntimeError } from "../runtime/session.ts";
import { MemoryBudgetError } from "../segmenter/session-cache.ts";
import { createAttackHandler } from "./attack.ts";
import { createAuditHandler } from "./audit.ts";
import { createCertifyHandler } from "./certify.ts";
import { createContext, type Context, type ServiceOptions } from "./context.ts";
import { readLabels } from "./pictures.ts";
import { cancellable, createQueue } from "./queue.ts";
import { reportOn } from "./report.ts";
import { createRobustnessHandler } from "./robustness.ts";
import { createRobustnessConcluder, createRobustnessPreparer } from "./robustness-later.ts";
import { createRobustnessSetHandler } from "./robustness-set.ts";
import { scoreMaps } from "./score.ts";
import { createSegmentHandler } from "./segment.ts";
import { createTransferHandler } from "./transfer.ts";

/** What a service and whatever else runs networks beside it share: the networks with their sessions, and the line of runs. */
export interface Shared {
  readonly context: Context;
  readonly queue: ReturnType<typeof createQueue>;
}

export const createShared = (options: ServiceOptions): Shared => ({
  context: createContext(options),
  queue: createQueue({ waiting: options.waiting ?? 8, stop: options.stop }),
});

/**
 * A service over networks and a runtime. Requests run one after another; beyond `waiting` of them the next is refused as busy.
 * Its methods reject with a FaultlineError for what the caller can mend.
 */
export const createService = (options: ServiceOptions, shared: Shared = createShared(options)): Service => {
  const { context, queue } = shared;
  const { models, cache, maxPixels, maxSide } = context;
  const uploads =
    options.uploads && createUploads({ models, cache, store: options.uploads, most: options.maxUploads ?? 64 });
  const attack = createAttackHandler(context);
  const robustness = createRobustnessHandler(context);
  const robustnessOfSet = createRobustnessSetHandler(context);
  const prepareRobustness = createRobustnessPreparer(context);
  const concludeRobustness = createRobustnessConcluder(context);
  const segment = createSegmentHandler(context);
  const audit = createAuditHandler(context);
  const certify = createCertifyHandler(context);
  const transfer = createTransferHandler(context);

  return {
    defaultModel: options.defaultModel,
    models: ({ signal } = {}) => queue(() => availableModels(models, signal), signal),
    model: (name, { signal } = {}) => queue(() => models.info(name), signal),
    ready: async () => {
      if (options.stop?.aborted) throw new FaultlineError({ kind: "stopping" });
      await models.open(options.defaultModel);
    },
    segment: (request, { signal } = {}) => queue(() => running(request.model, () => segment(request)), signal),
    attack: (request, run) =>
      queue(() => running(request.spec.model, () => cancellable(run.signal, () => attack(request, run))), run.signal),
    score: (request, { signal } = {}) =>
      queue(
        () =>
          scoreMaps(request, models, (part, bytes, rules) => readLabels(part, bytes, { maxPixels, maxSide, ...rules })),
        signal,
      ),
    robustness: (request, run) =>
      queue(
        () => running(request.spec.model, () => cancellable(run.signal, () => robustness(request, run))),
        run.signal,
      ),
    robustnessOfSet: (request, run) =>
      queue(
        () => running(request.spec.model, () => cancellable(run.signal, () => robustnessOfSet(request, run))),
        run.signal,
      ),
    prepareRobustness: (request, { signal } = {}) =>
      queue(() => running(request.spec.model, () => cancellable(signal, () => prepareRobustness(request))), signal),
    concludeRobustness: (request, { signal } = {}) => queue(async () => concludeRobustness(request), signal),
    transfer: (request, run = {}) =>
      queue(
        () => running(request.spec.targets.join(", "), () => cancellable(run.signal, () => transfer(request, run))),
        run.signal,
      ),
    audit: (request, run = {}) =>
      queue(() => running(request.spec.model, () => cancellable(run.signal, () => audit(request, run))), run.signal),
    certify: (request, run = {}) =>
      queue(() => running(request.spec.model, () => cancellable(run.signal, () => certify(request, run))), run.signal),
    report: (request, { signal } = {}) =>
      queue(() => reportOn(request, options.drawCharts ?? (() => Promise.resolve([]))), signal),
    uploads: uploads && {
      add: (request, { signal } = {}) => queue(() => uploads.add(request), signal),
      remove: (name) => queue(() => uploads.remove(name)),
    },
  };
};

/** A backend that fails (out of memory, numbers that overflow) is told as such; so is a lattice larger than was reckoned with. */
const running = async <T>(model: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof MemoryBudgetError) {
      const { predictedBytes, budgetBytes } = cause;
      throw new FaultlineError({ kind: "memory-exceeded", predictedBytes, budgetBytes }, { cause });
    }
    if (!(cause instanceof RuntimeError)) throw cause;
    throw new FaultlineError({ kind: "model-unavailable", model, reason: cause.message }, { cause });
  }
};

/** Those that can be opened; where none can, why. One after another: all files at once are more than an isolate holds. */
const availableModels = async (models: Models, signal: AbortSignal | undefined): Promise<ModelInfo[]> => {
  const available: ModelInfo[] = [];
  let fault: unknown;
  for (const name of await models.names()) {
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
    try {
      available.push(await models.outline(name));
    } catch (cause) {
      fault ??= cause;
    }
  }
  if (available.length === 0 && fault !== undefined) throw fault;
  return available;
};
