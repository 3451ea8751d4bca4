/** A run that has ended, and the same run elsewhere: as a request, and as a command line. */

import { attackEntry } from "../attacks/catalogue.ts";
import { optionNames } from "../attacks/options.ts";
import type { StepReport } from "../evaluation/steps.ts";
import { fieldsOf, flagsOf } from "./around.ts";
import type { EpsilonCurve } from "./charts.ts";
import type { Attacked, Plan } from "./messages.ts";
import type { Ready } from "./running.ts";
import { hasMask, MASK_FILE, targetedField, targetFlags } from "./target.ts";

/** An attack that has ended, or was stopped, with what it was run on. */
export interface Taken extends Ready {
  readonly plan: Plan;
  readonly attacked: Attacked;
  readonly steps: readonly StepReport[];
  readonly curves: readonly EpsilonCurve[];
}

/** The fields of a request's spec: what the attack takes and does not fix. */
const specOf = ({ network, plan }: Taken): Readonly<Record<string, string | number>> => {
  const { options } = attackEntry(plan.attack);
  const taken = optionNames.filter((name) => options[name] && options[name].fixed === undefined);
  const given = taken.flatMap((name) => (plan[name] === undefined ? [] : [[name, plan[name]] as const]));
  const bound = plan.epsilon === undefined ? {} : { epsilon: plan.epsilon };
  return { model: network.name, attack: plan.attack, ...bound, ...Object.fromEntries(given), seed: plan.seed };
};

/** The spec of a request. */
export const requestOf = (taken: Taken): Readonly<Record<string, unknown>> => {
  const { goal } = taken.plan;
  const targeted = goal && targetedField(goal, taken.opened.classes);
  return { ...specOf(taken), ...(targeted && { targeted }), ...fieldsOf(taken.around) };
};

const labelsPart = ({ shown }: Taken, part: string): string => (shown.truth ? part : "");

export const curlLine = (taken: Taken): string => {
  const origin = new URL(".", location.href).href.replace(/\/$/, "");
  const labels = labelsPart(taken, " -F labels=@labels.png");
  const target = hasMask(taken.plan) ? ` -F target=@${MASK_FILE}` : "";
  return `curl ${origin}/v1/attack -F image=@picture.png${labels}${target} -F 'spec=${JSON.stringify(requestOf(taken))};type=application/json'`;
};

/** A network of the visitor's is stored by a line of its own first. */
export const commandLine = (taken: Taken): string => {
  const { model, ...flags } = specOf(taken);
  const { own = false } = taken.network;
  const stored = own ? `npx faultline import NETWORK.onnx --manifest ${model}.json\n` : "";
  const given = Object.entries(flags).map(([name, value]) => ` --${name} ${value}`);
  const { goal } = taken.plan;
  const target = goal ? targetFlags(goal, taken.opened.classes) : "";
  const labels = labelsPart(taken, " --labels labels.png");
  return `${stored}npx faultline attack ${own ? `models/${model}` : model} picture.png${given.join("")}${target}${flagsOf(taken.around)}${labels}`;
};
