/** The slider over the steps of the attack, which shows each as it happened. */

import type { StepReport } from "../evaluation/steps.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { showSteps } from "./charts.ts";
import { byId, element, input } from "./elements.ts";
import { createHistory, type History, type Step } from "./history.ts";
import type { Reached } from "./messages.ts";
import { percent } from "./words.ts";

const slider = input("step-range");
const told = byId("step-told", HTMLOutputElement);

/** What the slider is about. `showEnd` shows the result; null while the attack runs. */
interface Run {
  readonly history: History;
  readonly reports: StepReport[];
  readonly showStep: (step: Step) => void;
  showEnd: (() => void) | null;
}

let run: Run | null = null;

/** Whether the newest is on show: then what comes next is shown too. */
const isAtEnd = (): boolean => slider.valueAsNumber >= Number(slider.max);

const say = (text: string): void => {
  told.value = text;
  slider.setAttribute("aria-valuetext", text);
};

const sayWhere = ({ step, steps, changedPixelShare }: StepReport): void =>
  say(`step ${step} of ${steps}: ${percent(changedPixelShare)} of the labels changed`);

/** The positions: the kept steps, and behind them the result where the attack has ended. */
const lengthen = ({ history, showEnd }: Run): void => {
  const follows = isAtEnd();
  slider.max = String(Math.max(0, history.count() - (showEnd ? 0 : 1)));
  if (follows) slider.value = slider.max;
  element("step-field").hidden = history.count() < 2;
};

/** @param showStep shows a step that the visitor has chosen. */
export const beginSteps = (clean: Image, showStep: (step: Step) => void): void => {
  run = { history: createHistory(clean), reports: [], showStep, showEnd: null };
  slider.max = slider.value = "0";
  lengthen(run);
};

/** @returns whether the step is to be shown: an earlier one may be looked at meanwhile. */
export const addStep = (report: StepReport, reached: Reached | null): boolean => {
  if (!run) return false;
  run.reports.push(report);
  if (reached) run.history.add(report, reached);
  lengthen(run);
  if (isAtEnd()) sayWhere(report);
  return isAtEnd();
};

/** The chart of the steps, with a dot where the slider is. */
export const drawSteps = (): void => {
  if (!run) return;
  const { reports, history } = run;
  showSteps(reports, isAtEnd() ? reports.length : history.at(slider.valueAsNumber).report.step);
};

/** The attack has ended: the last position is its result. */
export const endSteps = (showEnd: () => void): void => {
  if (!run) return;
  run.showEnd = showEnd;
  slider.value = slider.max;
  lengthen(run);
  say("the result");
  drawSteps();
};

export const forgetSteps = (): void => {
  run = null;
  element("step-field").hidden = true;
};

slider.addEventListener("input", () => {
  if (!run) return;
  if (run.showEnd && isAtEnd()) {
    run.showEnd();
    say("the result");
  } else if (run.history.count() > 0) {
    const step = run.history.at(Math.min(slider.valueAsNumber, run.history.count() - 1));
    run.showStep(step);
    sayWhere(step.report);
  }
  drawSteps();
});
