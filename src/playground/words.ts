/** The texts of the page: formatted numbers, stages and failures. */

import { attackEntry } from "../attacks/catalogue.ts";
import type { StepReport } from "../evaluation/steps.ts";
import type { EngineFailure, Opened, Plan, Stage } from "./messages.ts";
import type { Size } from "../tensor.ts";
import { counted } from "../counted.ts";

export const percent = (share: number): string => `${(100 * share).toFixed(1)}\u00a0%`;
export const sized = ({ width, height }: Size): string => `${width} × ${height}`;
export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
/** A number with at most two decimals. */
export const short = (value: number): string => String(Number(value.toFixed(2)));

export const seconds = (milliseconds: number): string =>
  milliseconds < 10_000 ? (milliseconds / 1000).toFixed(2) : (milliseconds / 1000).toFixed(0);

export const stageWords = (stage: Stage, network: string, size: Size | null): string => {
  const at = size ? ` at ${sized(size)}` : "";
  switch (stage) {
    case "runtime":
      return "Fetching onnxruntime …";
    case "network":
      return `Fetching ${network} …`;
    case "describing":
      return "Finding the manifest by a run …";
    case "prediction":
      return `${network} looks at the picture${at} …`;
    case "gradient":
      return `Building the gradient of ${network}${at} …`;
    default:
      return stage satisfies never;
  }
};

export const backendWords = ({ choice: { backend, why }, threads, version }: Opened): string => {
  const name =
    backend === "webgpu" ? "WebGPU" : `WebAssembly, ${threads === 1 ? "one thread" : counted(threads, "thread")}`;
  return `Runs on ${name}: ${why}. ${version}.`;
};

/** The message of a failure; null for a cancellation by the visitor. */
export const failureWords = (failure: EngineFailure): string | null => {
  switch (failure.kind) {
    case "cancelled":
      return null;
    case "memory": {
      const { predictedBytes, budgetBytes, fit } = failure;
      const known = fit ? `At ${sized(fit)} it would fit.` : "No smaller picture would fit either.";
      const remedy = fit === undefined ? "A smaller or a smoother picture takes less." : known;
      return `This attack would take ${mebibytes(predictedBytes)} of memory; the page allows itself ${mebibytes(budgetBytes)} on this machine. ${remedy}`;
    }
    case "no-gradient":
      return `This network cannot be attacked by gradient: it has no derivative of ${failure.operators.join(", ")}.`;
    case "network":
      return `The network cannot be run on this picture: ${failure.reason}.`;
    case "refused":
      return failure.reason;
    case "fetch":
      return `${failure.what} could not be fetched: ${failure.reason}.`;
    case "backend":
      return `The backend failed: ${failure.reason}.`;
    case "crash":
      return `The engine crashed (${failure.reason}) and was restarted. A smaller picture needs less memory.`;
    case "unexpected":
      return `Unexpected error: ${failure.reason}.`;
    default:
      return failure satisfies never;
  }
};

/** An attack, with its radius where it has one. */
export const attackWords = ({ attack, epsilon }: Plan): string =>
  `${attackEntry(attack).title}${epsilon === undefined ? "" : ` at ε = ${epsilon}`}`;

/** What an attack was. */
export const titled = (plan: Plan, network: string): string =>
  `${attackWords(plan)} in ${counted(plan.steps, "step")} on ${network}`;

/** How far an attack is. @param begin when it began, as `performance.now()` tells it. */
export const remaining = (begin: number, { step, steps }: StepReport): string => {
  const left = ((performance.now() - begin) / step) * (steps - step);
  return `Step ${step} of ${steps}${step < steps && left > 1500 ? `, ${seconds(left)} s left` : ""}`;
};

/** The result in a sentence or two. */
export const verdictWords = (epsilon: number, changed: number, ratio: number | null): string => {
  const moved = `No value moved by more than ${short(epsilon)} of 255`;
  const took = `${percent(changed)} of the pixels have another label`;
  return `${moved}, and ${took}.${ratio === null ? "" : ` The network keeps ${percent(ratio)} of its IoU.`}`;
};
