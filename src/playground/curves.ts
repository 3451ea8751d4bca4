/** The curves over ε of the picture on show, drawn as their points are computed. */

import { attackEntry } from "../attacks/catalogue.ts";
import { namedWith } from "./around.ts";
import { showCurves, type EpsilonCurve } from "./charts.ts";
import { EngineRefusal } from "./client.ts";
import * as controls from "./controls.ts";
import { element, make } from "./elements.ts";
import { attackWith, type Ready } from "./running.ts";
import { showProgress, tell, tellError, wordsFor } from "./status.ts";
import { counted } from "../counted.ts";

let curves: readonly EpsilonCurve[] = [];

export const curvesNow = (): readonly EpsilonCurve[] => curves;

const draw = (): void => {
  showCurves(controls.epsilons, curves);
  element("keys").replaceChildren(...curves.map(({ name }, i) => make("li", { className: `c${i % 4}` }, name)));
};

/** Curves are of one picture with one reference. */
export const forgetCurves = (): void => {
  curves = [];
  draw();
};

/** Attacks at one ε after the other; each point is drawn when it is there. */
export const traceCurve = async (scene: Ready): Promise<void> => {
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
      draw();
    }
    tell("The curve is complete.");
  } catch (cause) {
    tell(`The curve was stopped after ${counted(points.length, "point")}.`);
    if (!(cause instanceof EngineRefusal && cause.failure.kind === "cancelled")) tellError(wordsFor(cause));
  }
};

draw();
