/** The workers of an evaluation: how many, with how much memory, on which backend. */

import { availableParallelism } from "node:os";
import { getHeapStatistics } from "node:v8";
import { settingOpener, settle } from "../evaluation/settings.ts";
import { mostBytesOn, predictedBytes, shareMemory, type Share } from "../jobs/memory.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { openLocated } from "../node/located.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import type { Backend, Runtime } from "../runtime/session.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { createSegmenter } from "../segmenter/segmenter.ts";
import { MemoryBudgetError, SessionCache } from "../segmenter/session-cache.ts";
import type { Size } from "../tensor.ts";
import type { Prepared, UnitLimit } from "./evaluate-prepare.ts";
import { usualBytes } from "./machine-memory.ts";

export const resourceFlags = {
  workers: { type: "string", value: "N", help: "threads, each with a session of its own; one for each core if absent" },
  memory: { type: "string", value: "MIB", help: "of all sessions together; three fifths of the machine's if absent" },
} as const satisfies Options;

export const sizeFlag = {
  "max-units": {
    type: "string",
    value: "N",
    help: "refuse an evaluation of more units; by the heap of Node if absent, which NODE_OPTIONS=--max-old-space-size=MIB sets",
  },
} as const satisfies Options;

const MEBIBYTE = 2 ** 20;
/** Of the heap, for each unit and its row's id: 0.5 to 0.7 KB were measured (docs/scale.md). */
const UNIT_BYTES = 700;

type Given = Partial<Values<typeof resourceFlags>>;

/** How many workers are asked for; if none are, as many as the cores carry with `threads` of each run. */
export const workersFrom = ({ workers }: Given, threads = 1): number =>
  workers === undefined
    ? Math.max(1, Math.floor(availableParallelism() / threads))
    : wholeNumber("workers", workers, 1, 1024);

/** The most units of an evaluation: what the heap holds, if it is not said. */
export const unitLimit = ({ "max-units": units }: Partial<Values<typeof sizeFlag>>): UnitLimit => {
  if (units !== undefined) {
    const most = wholeNumber("max-units", units, 1, 1e9);
    return { most, told: `at most ${most} are taken (--max-units)`, fault: UsageError };
  }
  const most = Math.floor(getHeapStatistics().heap_size_limit / UNIT_BYTES);
  const told = `the heap of this process (NODE_OPTIONS=--max-old-space-size=MIB) holds ${most}`;
  return { most, told, fault: Refusal };
};

/** Bytes of all sessions together. */
export const memoryOf = ({ memory }: Given): number =>
  memory === undefined ? usualBytes() : MEBIBYTE * wholeNumber("memory", memory, 16, 2 ** 30);

/** WASM, on which nothing runs, in the place of a backend whose memory is predicted. On a GPU, memory is planned as on WASM. */
const planningFor = (backend: Backend): Runtime => {
  const runtime = startWasm();
  return backend === "native" ? { ...runtime, backend } : runtime;
};

/**
 * Planned without running anything.
 *
 * @param largest picture.
 * @param most workers.
 * @param threads of a run.
 * @throws Refusal where not even one worker has the memory.
 */
export const shareOf = async (
  { spec, located, plan: { settings, attacks } }: Prepared,
  largest: Size,
  values: Given,
  { most, threads, backend }: { readonly most: number; readonly threads: number; readonly backend: Backend },
): Promise<Share> => {
  const [asked, totalBytes] = [workersFrom(values, threads), memoryOf(values)];
  // One network after another is open, as in the workers.
  const needOf = async (budgetBytes: number): Promise<number> => {
    const cache = new SessionCache(planningFor(backend), budgetBytes);
    let need = 0;
    const opened = settingOpener(
      (place) => openLocated(located[place]!),
      (network) => createSegmenter(network, cache),
      1,
    );
    for (const setting of settings) {
      const segmenter = settle(await opened(setting), setting, spec.seed);
      need = Math.max(need, predictedBytes(segmenter, cache, attacks, largest));
    }
    return need;
  };
  try {
    return await shareMemory(Math.min(asked, most), totalBytes, needOf, mostBytesOn(backend));
  } catch (cause) {
    if (!(cause instanceof MemoryBudgetError)) throw cause;
    throw new Refusal(
      `a picture of ${largest.width}×${largest.height} (width×height) is ${cause.message}; take smaller pictures, or give more memory (--memory)`,
      { cause },
    );
  }
};
