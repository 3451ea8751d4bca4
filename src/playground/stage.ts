/** The six panels: the picture, the adversarial picture, the perturbation, the labels of both, and the changed labels. */

import type { Image, Labels } from "../segmenter/segmenter.ts";
import { ofChanges, ofImage, ofLabels, ofPerturbation, placesOf } from "./colours.ts";
import { byId } from "./elements.ts";
import type { Attacked, Opened } from "./messages.ts";
import { paint, type Colour } from "./picture.ts";
import { percent, short, sized } from "./words.ts";
import { type Size, spatialSize } from "../tensor.ts";

type Panel = "picture" | "adversarial" | "perturbation" | "before" | "after" | "changed";

const stage = byId("stage", HTMLElement);
const probe = byId("probe", HTMLElement);
const canvasOf = (panel: Panel): HTMLCanvasElement => byId(panel, HTMLCanvasElement);

/** The content of the panels. */
interface Shown {
  classes: Opened["classes"];
  image: Image | null;
  before: Labels | null;
  after: Labels | null;
  adversarial: Image | null;
}
const shown: Shown = { classes: [], image: null, before: null, after: null, adversarial: null };

const show = (panel: Panel, size: Size, colour: Colour, description: string): void => {
  const canvas = canvasOf(panel);
  paint(canvas, size, colour);
  canvas.ariaLabel = description;
};

const clear = (panels: readonly Panel[]): void => {
  for (const panel of panels) {
    const canvas = canvasOf(panel);
    canvas.width = canvas.height = 0;
    canvas.ariaLabel = `${panel}: empty`;
  }
};

const palette = () => shown.classes.map(({ color }) => color);

/** A text with the largest classes of a label map and their shares. */
const summary = ({ data }: Labels): string => {
  const counts = shown.classes.map(({ name }) => ({ name, count: 0 }));
  for (const label of data) if (counts[label]) counts[label].count += 1;
  const largest = counts.toSorted((a, b) => b.count - a.count).slice(0, 4);
  return largest.map(({ name, count }) => `${name} ${percent(count / data.length)}`).join(", ");
};

/** Clears the panels of the attack. */
export const clearAttack = (): void => {
  shown.after = shown.adversarial = null;
  stage.classList.add("empty");
  clear(["adversarial", "perturbation", "after", "changed"]);
  byId("amplified", HTMLElement).textContent = "";
};

export const showPicture = (image: Image, name: string): void => {
  const size = spatialSize(image);
  shown.image = image;
  shown.before = null;
  clearAttack();
  clear(["before"]);
  stage.style.setProperty("--aspect", `${size.width} / ${size.height}`);
  show("picture", size, ofImage(image), `${name}, ${sized(size)} pixels`);
};

export const showBefore = (classes: Opened["classes"], labels: Labels): void => {
  shown.classes = classes;
  shown.before = labels;
  show("before", spatialSize(shown.image!), ofLabels(labels, palette()), `Labels before: ${summary(labels)}`);
};

/** Shows the image of a step or the result. @param exact the image before rounding. */
export const showReached = (
  reached: Pick<Attacked, "image" | "labels">,
  epsilon: number,
  exact = reached.image,
): void => {
  const { image, before } = shown;
  if (!image || !before) return;
  const { image: adversarial, labels } = reached;
  Object.assign(shown, { adversarial, after: labels });
  stage.classList.remove("empty");
  const size = spatialSize(image);
  show("adversarial", size, ofImage(adversarial), "The adversarial picture");
  show("perturbation", size, ofPerturbation(image, exact, epsilon), "The perturbation, amplified; grey is none");
  show("after", size, ofLabels(labels, palette()), `Labels after: ${summary(labels)}`);
  show("changed", size, ofChanges(image, before, labels, palette()), "Pixels whose label changed, in its new colour");
  byId("amplified", HTMLElement).textContent = `× ${short(Number((127 / epsilon).toPrecision(2)))}`;
};

const colourAt = (image: Image, i: number): string =>
  placesOf(image, i)
    .map((at) => image.data[at])
    .join(" ");

/** A text with the values of all panels at one pixel. */
const probed = (x: number, y: number): string => {
  const { image, before, after, adversarial, classes } = shown;
  if (!image) return "";
  const i = y * spatialSize(image).width + x;
  const nameAt = (labels: Labels | null) => labels && (classes[labels.data[i]!]?.name ?? "no class");
  const names = [nameAt(before), nameAt(after)].filter((name) => name !== null);
  const colours = [image, adversarial].flatMap((picture) => (picture ? [colourAt(picture, i)] : []));
  return [`x ${x}, y ${y}`, names.join(" → "), `RGB ${colours.join(" → ")}`].filter(Boolean).join(" · ");
};

stage.addEventListener("pointermove", ({ target, offsetX, offsetY }) => {
  if (!(target instanceof HTMLCanvasElement) || !shown.image) return;
  const { width, height } = spatialSize(shown.image);
  const [u, v] = [offsetX / target.clientWidth, offsetY / target.clientHeight];
  const at = (part: number, side: number) => Math.min(side - 1, Math.max(0, Math.floor(part * side)));
  stage.classList.add("pointed");
  stage.style.setProperty("--x", `${100 * u}%`);
  stage.style.setProperty("--y", `${offsetY}px`);
  probe.textContent = probed(at(u, width), at(v, height));
});
stage.addEventListener("pointerleave", () => {
  stage.classList.remove("pointed");
  probe.textContent = "\u00a0";
});
