/** The numbers of an attack. */

import type { StepReport } from "../evaluation/steps.ts";
import { element, make } from "./elements.ts";
import type { Attacked } from "./messages.ts";
import { percent, seconds, short } from "./words.ts";

/** A formatted number, with its machine-readable value. */
const number = (name: string, id: string, value: number | null, shown: string, unit = ""): HTMLDivElement => {
  const description = make("dd", { id }, make("data", { value: value === null ? "" : String(value) }, shown));
  if (unit !== "") description.append(" ", make("small", {}, unit));
  return make("div", {}, make("dt", {}, name), description);
};

const list = element("numbers");
const [signList, unchecked] = [element("signs"), element("unchecked")];

/** Whether the figures above are to be believed, as far as the attack itself tells. */
const showSigns = ({ signs, unchecked: open }: Attacked): void => {
  signList.replaceChildren(...signs.map(({ kind, detail }) => make("li", {}, make("code", {}, kind), `: ${detail}`)));
  unchecked.querySelector("p")!.replaceChildren(open.detail);
  unchecked.hidden = open.kinds.length === 0;
};

const hideSigns = (): void => {
  signList.replaceChildren();
  unchecked.hidden = true;
};

export const showStep = ({ step, steps, loss, changedPixelShare }: StepReport): void => {
  hideSigns();
  list.replaceChildren(
    number("Step", "step", step, String(step), `of ${steps}`),
    number("Labels changed", "changed-share", changedPixelShare, percent(changedPixelShare)),
    number("Loss", "loss", loss, loss.toFixed(2)),
  );
};

export const showNumbers = (attacked: Attacked, hasTruth: boolean): void => {
  const { scores, perturbation, changedPixelShare, milliseconds, region } = attacked;
  const { linf, l2, l0, psnr, ssim } = perturbation;
  const pixels = attacked.labels.data.length;
  const { clean, adversarial } = scores.miou;
  const miou = [clean, adversarial].map((value) => value?.toFixed(3) ?? "–").join(" → ");
  const share = (value: number | null | undefined) => (value == null ? "–" : percent(value));
  const { reached = null, kept = null } = region?.uint8 ?? {};
  const ofRegion = [
    number("Region reached", "reached", reached, share(reached)),
    number("Elsewhere kept", "kept", kept, share(kept)),
  ];
  list.replaceChildren(
    ...(region ? ofRegion : []),
    number("IoU ratio", "iou-ratio", scores.iouRatio, scores.iouRatio?.toFixed(3) ?? "–"),
    ...(hasTruth ? [number("mIoU, your labels", "miou", adversarial, miou)] : []),
    number("Labels changed", "changed-share", changedPixelShare, percent(changedPixelShare)),
    number("L∞", "linf", linf, short(linf), "of 255"),
    number("L2", "l2", l2, l2.toFixed(0)),
    number("Pixels touched", "l0", l0, percent(l0 / pixels)),
    number("PSNR", "psnr", psnr, psnr === null ? "∞" : psnr.toFixed(1), "dB"),
    number("SSIM", "ssim", ssim, ssim === null ? "–" : ssim.toFixed(3)),
    number("Time", "took", milliseconds, seconds(milliseconds), "s"),
  );
  showSigns(attacked);
};
