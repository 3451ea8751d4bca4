/** Running an attack on what is on show, at one ε or at all of them. */

import type { StepReport } from "../evaluation/steps.ts";
import type { Wanted } from "../runtime/choose.ts";
import { attackEntry } from "../attacks/catalogue.ts";
import { distanceOf } from "../attacks/norms.ts";
import { spatialSize } from "../tensor.ts";
import { namedWith, type Around } from "./around.ts";
import { showCurves, showSteps, type EpsilonCurve } from "./charts.ts";
import { EngineRefusal } from "./client.ts";
import * as controls from "./controls.ts";
import { byId, button, element, make } from "./elements.ts";
import { explain } from "./explain.ts";
import { attack, cancel, inTurn, openNetwork, settle } from "./host.ts";
import type { Shown } from "./layers.ts";
import { showShares } from "./legend.ts";
import type { Attacked, NetworkEntry, Opened, Plan, Reached, Stepped } from "./messages.ts";
import { showNumbers, showStep } from "./numbers.ts";
import { showProgress, tell, tellError, wordsFor } from "./status.ts";
import { offer, type Taken } from "./take-away.ts";
import { show } from "./viewer.ts";
import { counted, remaining, seconds, titled, verdictWords } from "./words.ts";

/** A picture with its prediction, ready to be attacked. */
export interface Ready {
  readonly network: NetworkEntry;
  readonly around: Around;
  readonly wanted: Wanted;
  readonly opened: Opened;
  readonly shown: Shown;
}

const start = button("start");
const trace = button("trace");

let ready: Ready | null = null;
let running = false;
/** What the last attack was, for as long as it is on show. */
let last: { readonly plan: Plan; readonly network: string } | null = null;
let taken: Taken | null = null;
/** Of the same picture. */
let curves: readonly EpsilonCurve[] = [];
let pictured = "";

export const isRunning = (): boolean => running;

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
  const isSame = !last || JSON.stringify(last.plan) === JSON.stringify(plan);
  element("stale").textContent =
    isSame || running ? "" : `On show is ${titled(last!.plan, last!.network)}. The settings have changed since then; Attack runs the new ones.`; // prettier-ignore
  if (!running && !(last && isSame)) explain(plan, null);
  else if (taken) explain(last!.plan, { attacked: taken.attacked, before: taken.shown.before! });
};

const showReady = (): void => {
  start.ariaDisabled = String(!running && ready === null);
  start.textContent = running ? "Cancel" : "Attack";
  start.classList.toggle("stop", running);
  trace.ariaDisabled = String(running || ready === null || !controls.isBounded());
};

/** Empties what an attack has shown. */
export const forgetRun = (): void => {
  ready = last = taken = null;
  element("verdict").textContent = "";
  element("scores").hidden = element("steps-figure").hidden = true;
  offer(null);
  tellStale();
  showReady();
};

/** A picture was predicted and can be attacked. Curves stay while the picture is the same. */
export const onScene = (scene: Ready): void => {
  ready = scene;
  const { name, image, truth } = scene.shown;
  const key = [
    name,
    ...image.shape,
    image.data.reduce((sum, v, i) => (sum + v * ((i % 251) + 1)) % 1e9, 0),
    truth !== null,
  ].join();
  if (key !== pictured) curves = [];
  pictured = key;
  drawCurves();
  showReady();
};

const drawCurves = (): void => {
  showCurves(controls.epsilons, curves);
  element("keys").replaceChildren(...curves.map(({ name }, i) => make("li", { className: `c${i % 4}` }, name)));
};

/** The settings are closed while something runs. The focus is not lost with them: it waits on the button. */
const whileRunning = async (run: (scene: Ready) => Promise<void>): Promise<void> => {
  if (!ready || running) return;
  const scene = ready;
  const settings = byId("settings", HTMLFieldSetElement);
  const from = document.activeElement;
  running = true;
  showReady();
  if (from instanceof HTMLElement && settings.contains(from)) start.focus();
  settings.disabled = true;
  // On narrow screens the picture is below the form.
  if (element("frame").getBoundingClientRect().top > innerHeight / 2) element("layers").scrollIntoView();
  tellError(null);
  tellStale();
  try {
    await inTurn(() => run(scene));
  } finally {
    settle();
    settings.disabled = running = false;
    showReady();
    if (from instanceof HTMLElement && settings.contains(from) && document.activeElement === start) from.focus();
    tellStale();
  }
};

/** Runs one attack. @throws EngineRefusal */
const attackWith = async (
  { network, around, wanted, shown }: Ready,
  plan: Plan,
  onStep: (step: Stepped) => void,
): Promise<Attacked> => {
  await openNetwork(network, around, wanted);
  const { image, truth } = shown;
  return attack(network.name, spatialSize(image), { image, plan, truth }, onStep);
};

const showResult = (scene: Ready, plan: Plan, attacked: Attacked, steps: readonly StepReport[]): void => {
  const { labels, scores, perturbation, changedPixelShare, milliseconds, stopped } = attacked;
  const shown = attackedBy(plan, scene, attacked);
  show(shown);
  showNumbers(attacked, shown.truth !== null);
  showShares(shown.before, labels, scores);
  element("verdict").textContent = verdictWords(perturbation.linf, changedPixelShare, scores.iouRatio);
  element("scores").hidden = false;
  taken = { ...scene, plan, shown, attacked, steps, curves };
  offer(taken);
  const took = `${seconds(milliseconds)} s`;
  const ended = `Stopped after step ${stopped} of ${plan.steps} (${took}); what it had reached is kept.`;
  tell(stopped === null ? `Done in ${took}.` : ended);
};

let drawing: (() => void) | null = null;

/** Draws once in each frame, and only the last of what was to be drawn: steps may be faster than that. */
const drawSoon = (draw: () => void): void => {
  if (drawing === null) requestAnimationFrame(drawNow);
  drawing = draw;
};

const drawNow = (): void => {
  drawing?.();
  drawing = null;
};

const attackOnce = async (scene: Ready): Promise<void> => {
  const plan = controls.plan();
  const reports: StepReport[] = [];
  const before = { last, taken };
  const begin = performance.now();
  last = { plan, network: namedWith(scene.network.name, scene.around) };
  taken = null;
  const onStep = ({ report, reached }: Stepped): void => {
    if (reports.length === 0) {
      tell(`${scene.network.name} is attacked …`);
      element("verdict").textContent = "";
      element("scores").hidden = element("steps-figure").hidden = false;
      offer(null);
      explain(plan, null);
    }
    reports.push(report);
    drawSoon(() => {
      showProgress(report.step / report.steps, remaining(begin, report));
      showStep(report);
      showSteps(reports);
      if (!reached) return;
      show(attackedBy(plan, scene, reached));
      showShares(scene.shown.before, reached.labels, null);
    });
  };
  try {
    const attacked = await attackWith(scene, plan, onStep);
    drawing = null;
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

/** Attacks at one ε after the other; each point is drawn when it is there. */
const traceCurve = async (scene: Ready): Promise<void> => {
  const name = `${namedWith(scene.network.name, scene.around)}, ${attackEntry(controls.plan().attack).title}`;
  const others = curves.filter((curve) => curve.name !== name);
  const points: { epsilon: number; ratio: number | null }[] = [];
  try {
    for (const epsilon of controls.epsilons) {
      const plan = controls.planAt(epsilon);
      const part = (share: number) => (controls.epsilons.indexOf(epsilon) + share) / controls.epsilons.length;
      tell(`${name} at ε = ${epsilon} …`);
      const attacked = await attackWith(scene, plan, ({ report }) =>
        showProgress(part(report.step / report.steps), `Step ${report.step} of ${report.steps}`),
      );
      if (attacked.stopped !== null) return tell(`Stopped at ε = ${epsilon}.`);
      points.push({ epsilon, ratio: attacked.scores.iouRatio });
      curves = [...others, { name, points: [...points] }];
      drawCurves();
    }
    tell("The curve is complete.");
  } catch (cause) {
    tell(`The curve was stopped after ${counted(points.length, "point")}.`);
    if (!(cause instanceof EngineRefusal && cause.failure.kind === "cancelled")) tellError(wordsFor(cause));
  }
};

byId("controls", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) {
    tell("Stopping after this step …");
    cancel();
  } else void whileRunning(attackOnce);
});
trace.addEventListener("click", () => {
  if (controls.isBounded()) void whileRunning(traceCurve);
});
controls.onAnyChange(() => {
  tellStale();
  showReady();
});
