/** Running an attack on what is on show, and showing what it reaches. */

import { distanceOf } from "../attacks/norms.ts";
import { namedWith } from "./around.ts";
import * as controls from "./controls.ts";
import { curvesNow, forgetCurves, traceCurve } from "./curves.ts";
import { drawNothing, drawNow, drawSoon } from "./draw-soon.ts";
import { button, byId, element } from "./elements.ts";
import { explain } from "./explain.ts";
import { cancel } from "./host.ts";
import type { Shown } from "./layers.ts";
import { showShares } from "./legend.ts";
import type { Attacked, Plan, Reached, Stepped } from "./messages.ts";
import { showNumbers, showStep } from "./numbers.ts";
import { forgetRows } from "./rows.ts";
import { attackWith, isRunning, makeReady, showReady, whileRunning, type Ready } from "./running.ts";
import { showProgress, tell, tellError, wordsFor } from "./status.ts";
import { addStep, beginSteps, drawSteps, endSteps, forgetSteps } from "./steps-slider.ts";
import type { Taken } from "./same-run.ts";
import { offer } from "./take-away.ts";
import { samePlan, targetFault } from "./target.ts";
import { show } from "./viewer.ts";
import { remaining, seconds, titled, verdictWords } from "./words.ts";

/** What the last attack was, for as long as it is on show. */
let last: { readonly plan: Plan; readonly network: string } | null = null;
let taken: Taken | null = null;
/** The picture and its reference, of which curves and rows are. */
let pictured = "";

/** What the viewer shows of an image that an attack has reached. */
const attackedBy = (
  { epsilon }: Plan,
  { shown }: Ready,
  { image, labels, unrounded: exact = image, confidences }: Reached & Partial<Attacked>,
): Shown => {
  const amplitude = epsilon ?? Math.max(1e-3, distanceOf(exact.data, shown.image.data, "linf"));
  return { ...shown, attacked: { image, exact, labels, confidences: confidences ?? null, epsilon: amplitude } };
};

/** Says so where the settings are no longer those of what is on show. */
export const tellStale = (): void => {
  const plan = controls.plan();
  const isSame = !last || samePlan(last.plan, plan);
  element("stale").textContent =
    isSame || isRunning() ? "" : `On show is ${titled(last!.plan, last!.network)}. The settings have changed since then; Attack runs the new ones.`; // prettier-ignore
  if (!isRunning() && !(last && isSame)) explain(plan, null);
  else if (taken) explain(last!.plan, { attacked: taken.attacked, before: taken.shown.before! });
};

/** Empties what an attack has shown. */
export const forgetRun = (): void => {
  last = taken = null;
  element("verdict").textContent = "";
  element("scores").hidden = element("steps-figure").hidden = true;
  forgetSteps();
  offer(null);
  makeReady(null);
  tellStale();
};

/** A picture was predicted and can be attacked. Curves stay while the picture is the same. */
export const onScene = (scene: Ready): void => {
  const { name, image, truth } = scene.shown;
  const sum = image.data.reduce((total, v, i) => (total + v * ((i % 251) + 1)) % 1e9, 0);
  const key = [name, ...image.shape, sum, truth !== null].join();
  if (key !== pictured) {
    forgetCurves();
    forgetRows();
  }
  pictured = key;
  makeReady(scene);
};

/** Shows the pictures, the shares and, at the end of an attack, the scores of what it reached. */
const showReached = (scene: Ready, plan: Plan, reached: Reached & Partial<Attacked>): Shown => {
  const shown = attackedBy(plan, scene, reached);
  show(shown);
  showShares(scene.shown.before, reached.labels, reached.scores ?? null);
  return shown;
};

const showResult = (scene: Ready, plan: Plan, attacked: Attacked, steps: Taken["steps"]): void => {
  const { scores, perturbation, changedPixelShare, milliseconds, stopped } = attacked;
  const shown = showReached(scene, plan, attacked);
  endSteps(() => showReached(scene, plan, attacked));
  showNumbers(attacked, shown.truth !== null);
  element("verdict").textContent = verdictWords(perturbation.linf, changedPixelShare, scores.iouRatio);
  element("scores").hidden = false;
  taken = { ...scene, plan, shown, attacked, steps, curves: curvesNow() };
  offer(taken);
  const took = `${seconds(milliseconds)} s`;
  const ended = `Stopped after step ${stopped} of ${plan.steps} (${took}); what it had reached is kept.`;
  tell(stopped === null ? `Done in ${took}.` : ended);
};

/** The first step takes the place of what was on show. */
const showBegin = (scene: Ready, plan: Plan): void => {
  tell(`${scene.network.name} is attacked …`);
  element("verdict").textContent = "";
  element("scores").hidden = element("steps-figure").hidden = false;
  beginSteps(scene.shown.image, (step) => showReached(scene, plan, step));
  offer(null);
  explain(plan, null);
};

const attackOnce = async (scene: Ready): Promise<void> => {
  const plan = controls.plan();
  const reports: Stepped["report"][] = [];
  const before = { last, taken };
  const begin = performance.now();
  last = { plan, network: namedWith(scene.network.name, scene.around) };
  taken = null;
  const onStep = ({ report, reached }: Stepped): void => {
    if (reports.length === 0) showBegin(scene, plan);
    reports.push(report);
    const isShown = addStep(report, reached);
    drawSoon(() => {
      showProgress(report.step / report.steps, remaining(begin, report));
      showStep(report);
      drawSteps();
      if (reached && isShown) showReached(scene, plan, reached);
    });
  };
  try {
    const attacked = await attackWith(scene, plan, onStep);
    drawNothing();
    showResult(scene, plan, attacked, reports);
  } catch (cause) {
    drawNow();
    // Without a step there is nothing new: what was on show still is.
    if (reports.length === 0) ({ last, taken } = before);
    tell(
      reports.length > 0 ? `Stopped after step ${reports.length} of ${plan.steps}.` : "Stopped before the first step.",
    );
    tellError(wordsFor(cause));
  }
};

/** Runs unless the target lacks something, which is then told. */
const runUnless = (run: (scene: Ready) => Promise<void>): void => {
  const fault = targetFault();
  if (fault !== null) tellError(fault);
  else void whileRunning(run, tellStale);
};

byId("controls", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (isRunning()) {
    tell("Stopping after this step …");
    cancel();
  } else runUnless(attackOnce);
});
button("trace").addEventListener("click", () => {
  if (controls.isBounded()) runUnless(traceCurve);
});
controls.onAnyChange(() => {
  tellStale();
  showReady();
});
