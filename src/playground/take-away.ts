/** What the visitor takes away: pictures, scores, a link, and the same run elsewhere. */

import { encodePng } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import * as controls from "./controls.ts";
import { byId, element, make } from "./elements.ts";
import { canvasOf, type Shown } from "./layers.ts";
import type { Attacked, Plan } from "./messages.ts";
import { pngOf } from "./picture.ts";
import { rowsNow, rowsText } from "./rows.ts";
import { tellError } from "./status.ts";
import { commandLine, curlLine, requestOf, type Taken } from "./same-run.ts";
import { hasMask, MASK_FILE } from "./target.ts";
import { reasonOf } from "../reason.ts";
import { spatialSize, tensor } from "../tensor.ts";

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
  const { scores, perturbation, changedPixelShare, zeroGradientShare, region, signs, unchecked } = attacked;
  const { milliseconds, stopped } = attacked;
  const report = {
    spec: requestOf(taken),
    picture: { name: shown.name, ...spatialSize(shown.image) },
    reference: shown.truth ? "ground-truth" : "prediction",
    stoppedAfterStep: stopped,
    scores,
    perturbation,
    changedPixelShare,
    zeroGradientShare,
    signs,
    unchecked,
    region,
    steps,
    curves,
    milliseconds,
    backend: opened.choice.backend,
    onnxruntime: opened.version,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
};

const painted = (layer: "perturbation" | "changed", shown: Shown): Promise<Blob> =>
  pngOf(canvasOf(shown, layer, "after")!);

/** White where the region of a painted target is. */
const maskPng = ({ goal }: Plan): Uint8Array => {
  if (!goal || !("mask" in goal.place)) throw new Error("the target has no mask");
  const { shape, data } = goal.place.mask;
  return encodePng(
    tensor(
      "float32",
      [1, ...shape],
      Float32Array.from(data, (value) => 255 * value),
    ),
  );
};

type Files = Readonly<Record<string, () => Blob | Promise<Blob>>>;

/** None where every attack on the picture was stopped: such a one has no row. */
const reportFiles = (taken: Taken): Files =>
  rowsNow().length === 0
    ? {}
    : {
        "rows.jsonl": () => new Blob([rowsText()], { type: "application/jsonl" }),
        "report.html": async () => {
          const { reportHtml } = await import("./report.ts");
          return new Blob([await reportHtml(taken)], { type: "text/html" });
        },
      };

/** The files by their names. */
const filesOf = (taken: Taken): Files => {
  const { shown, attacked, network, plan } = taken;
  const palette = shown.classes.map(({ color }) => color);
  const png = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)], { type: "image/png" });
  const labelled = (labels: Attacked["labels"]) => () => png(encodeLabels(labels, palette));
  return {
    "adversarial.png": () => png(encodePng(attacked.image)),
    "picture.png": () => png(encodePng(shown.image)),
    "labels-before.png": labelled(shown.before!),
    "labels-after.png": labelled(attacked.labels),
    ...(shown.truth ? { "labels.png": labelled(shown.truth) } : {}),
    ...(hasMask(plan) ? { [MASK_FILE]: () => png(maskPng(plan)) } : {}),
    "perturbation.png": () => painted("perturbation", shown),
    "changed.png": () => painted("changed", shown),
    ...(network.own ? { [`${network.name}.json`]: async () => (await fetch(network.manifest)).blob() } : {}),
    "scores.json": () => new Blob([jsonOf(taken)], { type: "application/json" }),
    "scores.csv": () => new Blob([csvOf(taken)], { type: "text/csv" }),
    ...reportFiles(taken),
  };
};

const save = (name: string, blob: Blob): void => {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

const saveMade = async (name: string, made: () => Blob | Promise<Blob>): Promise<void> => {
  try {
    save(name, await made());
  } catch (cause) {
    tellError(`${name} could not be made: ${reasonOf(cause)}.`);
  }
};

/** Offers what there is of a run; null: nothing. */
export const offer = (taken: Taken | null): void => {
  element("take").hidden = taken === null;
  if (!taken) return;
  const files = Object.entries(filesOf(taken)).map(([name, made]) => {
    const button = make("button", { type: "button", className: "plain" }, name);
    button.addEventListener("click", () => void saveMade(name, made));
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
