/** What is reported of an attack's steps. */

/** `step` counts from 1; `loss` is the mean over the pixels that count; the share is of pixels whose label changed. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly changedPixelShare: number;
}

/** A step as it is seen where it starts. */
export interface ObservedStep {
  readonly loss: number;
  /** Share of the gradient's components that are exactly zero, of those that may be others; needed of the first step alone. */
  readonly zeroShare: number | null;
  /** Share of the pixels that have another label than in the clean prediction. */
  readonly changedShare: number;
}

/** The same with the number of components that are exactly zero. */
export interface CountedStep extends Omit<ObservedStep, "zeroShare"> {
  readonly zeros: number | null;
}

/** What is known of the steps that are done: what a trace goes on from elsewhere. Plain data. */
export interface TraceState {
  readonly started: number;
  readonly lastLoss: number;
  readonly zeroShare: number;
  readonly losses: readonly number[];
}

/** Gathers the steps of an attack. */
export interface Trace {
  readonly state: () => TraceState;
  /** Goes on from there; the steps before are not reported again. */
  readonly resume: (from: TraceState) => void;
  readonly steps: readonly StepReport[];
  /** The objective's mean value where each step started. */
  readonly losses: readonly number[];
  readonly zeroGradientShare: () => number;
  readonly observed: (step: ObservedStep) => Promise<void>;
  /** @param changedPixelShare of the last step's image. */
  readonly finished: (changedPixelShare: number) => Promise<void>;
}

/**
 * A step is reported with the loss where it started and the labels where it ended; those are known when the next step, or
 * the final prediction, has run.
 */
export const createTrace = (
  steps: number,
  onStep: ((report: StepReport) => void | Promise<void>) | undefined,
): Trace => {
  const reports: StepReport[] = [];
  const losses: number[] = [];
  let [started, lastLoss, zeroShare] = [0, 0, 0];
  const report = async (changedPixelShare: number) => {
    if (started === 0) return;
    const step: StepReport = { step: started, steps, loss: lastLoss, changedPixelShare };
    reports.push(step);
    await onStep?.(step);
  };
  return {
    state: () => ({ started, lastLoss, zeroShare, losses: [...losses] }),
    resume: (from) => {
      ({ started, lastLoss, zeroShare } = from);
      losses.splice(0, losses.length, ...from.losses);
    },
    steps: reports,
    losses,
    zeroGradientShare: () => zeroShare,
    observed: async (step) => {
      await report(step.changedShare);
      if (started === 0) zeroShare = step.zeroShare ?? 0;
      started += 1;
      lastLoss = step.loss;
      losses.push(step.loss);
    },
    finished: report,
  };
};
