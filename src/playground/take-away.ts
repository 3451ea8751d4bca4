/** What the visitor takes away: pictures, scores, a link, and the same run elsewhere. */

import { attackEntry } from "../attacks/catalogue.ts";
import { optionNames } from "../attacks/options.ts";
import type { StepReport } from "../evaluation/steps.ts";
import { encodePng } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { fieldsOf, flagsOf, type Around } from "./around.ts";
import type { EpsilonCurve } from "./charts.ts";
import * as controls from "./controls.ts";
import { byId, element, make } from "./elements.ts";
import { layers, type Shown } from "./layers.ts";
import type { Attacked, NetworkEntry, Opened, Plan } from "./messages.ts";
import { paint } from "./picture.ts";
import { targetedField, targetFlags } from "./target.ts";
import { spatialSize } from "../tensor.ts";

/** An attack that has ended, or was stopped, with what it was run on. */
export interface Taken {
  readonly network: NetworkEntry;
  readonly around: Around;
  readonly opened: Opened;
  readonly plan: Plan;
  readonly shown: Shown;
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

const isBounded = ({ plan }: Taken): boolean => attackEntry(plan.attack).type === "fixed-budget";

/** The spec of a request. */
const requestOf = (taken: Taken): Readonly<Record<string, unknown>> => {
  const { goal } = taken.plan;
  const targeted = goal && targetedField(goal, taken.opened.classes, isBounded(taken));
  return { ...specOf(taken), ...(targeted && { targeted }), ...fieldsOf(taken.around) };
};

const labelsPart = ({ shown }: Taken, part: string): string => (shown.truth ? part : "");

export const curlLine = (taken: Taken): string => {
  const origin = new URL(".", location.href).href.replace(/\/$/, "");
  const labels = labelsPart(taken, " -F labels=@labels.png");
  return `curl ${origin}/v1/attack -F image=@picture.png${labels} -F 'spec=${JSON.stringify(requestOf(taken))};type=application/json'`;
};

/** A network of the visitor's is stored by a line of its own first. */
export const commandLine = (taken: Taken): string => {
  const { model, ...flags } = specOf(taken);
  const { own = false } = taken.network;
  const stored = own ? `npx faultline import NETWORK.onnx --manifest ${model}.json\n` : "";
  const given = Object.entries(flags).map(([name, value]) => ` --${name} ${value}`);
  const { goal } = taken.plan;
  const target = goal ? targetFlags(goal, taken.opened.classes, isBounded(taken)) : "";
  const labels = labelsPart(taken, " --labels labels.png");
  return `${stored}npx faultline attack ${own ? `models/${model}` : model} picture.png${given.join("")}${target}${flagsOf(taken.around)}${labels}`;
};

const csvCell = (value: string | number | null): string =>
  value === null ? "" : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);

/** A row for each class, and one for their mean. */
export const csvOf = ({ attacked: { scores } }: Taken): string => {
  const rows = scores.perClass.map(({ name, clean, adversarial }) => [name, clean, adversarial]);
  const table = [["class", "iou before", "iou after"], ...rows, ["mean", scores.miou.clean, scores.miou.adversarial]];
  return `${table.map((row) => row.map(csvCell).join(",")).join("\n")}\n`;
};

export const jsonOf = (taken: Taken): string => {
  const { shown, opened, attacked, steps, curves } = taken;
  const { scores, perturbation, changedPixelShare, zeroGradientShare, region, milliseconds, stopped } = attacked;
  const report = {
    spec: requestOf(taken),
    picture: { name: shown.name, ...spatialSize(shown.image) },
    reference: shown.truth ? "ground-truth" : "prediction",
    stoppedAfterStep: stopped,
    scores,
    perturbation,
    changedPixelShare,
    zeroGradientShare,
    region,
    steps,
    curves,
    milliseconds,
    backend: opened.choice.backend,
    onnxruntime: opened.version,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
};

const painted = (layer: "perturbation" | "changed", shown: Shown): Promise<Blob> => {
  const canvas = document.createElement("canvas");
  paint(canvas, spatialSize(shown.image), layers[layer].after(shown, new Set())!.colour);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no PNG"))), "image/png"),
  );
};

/** The files by their names. */
const filesOf = (taken: Taken): Readonly<Record<string, () => Blob | Promise<Blob>>> => {
  const { shown, attacked, network } = taken;
  const palette = shown.classes.map(({ color }) => color);
  const png = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)], { type: "image/png" });
  const labelled = (labels: Attacked["labels"]) => () => png(encodeLabels(labels, palette));
  return {
    "adversarial.png": () => png(encodePng(attacked.image)),
    "picture.png": () => png(encodePng(shown.image)),
    "labels-before.png": labelled(shown.before!),
    "labels-after.png": labelled(attacked.labels),
    ...(shown.truth ? { "labels.png": labelled(shown.truth) } : {}),
    "perturbation.png": () => painted("perturbation", shown),
    "changed.png": () => painted("changed", shown),
    ...(network.own ? { [`${network.name}.json`]: async () => (await fetch(network.manifest)).blob() } : {}),
    "scores.json": () => new Blob([jsonOf(taken)], { type: "application/json" }),
    "scores.csv": () => new Blob([csvOf(taken)], { type: "text/csv" }),
  };
};

const save = (name: string, blob: Blob): void => {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

/** Offers what there is of a run; null: nothing. */
export const offer = (taken: Taken | null): void => {
  element("take").hidden = taken === null;
  if (!taken) return;
  const files = Object.entries(filesOf(taken)).map(([name, made]) => {
    const button = make("button", { type: "button", className: "plain" }, name);
    button.addEventListener("click", async () => save(name, await made()));
    return button;
  });
  element("downloads").replaceChildren(...files);
  const link = new URL(location.pathname, location.href);
  link.search = controls.parameters().toString();
  byId("link", HTMLInputElement).value = link.href;
  byId("curl", HTMLTextAreaElement).value = curlLine(taken);
  byId("cli", HTMLTextAreaElement).value = commandLine(taken);
};

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copies]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset["copies"]!) as HTMLInputElement | HTMLTextAreaElement;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      element("copy-told").textContent = "Copied.";
    } catch {
      element("copy-told").textContent = "The browser did not let it be copied; it is selected.";
    }
  });
}
