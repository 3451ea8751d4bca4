/** The viewer: a layer before and after the attack, one over the other, with a line between them that can be moved. */

import { button, byId, element, input, make } from "./elements.ts";
import { layerNames, layers, type LayerName, type Shown } from "./layers.ts";
import { drawLoupe } from "./loupe.ts";
import { paintOn } from "./painting.ts";
import { paint } from "./picture.ts";
import { showProbe } from "./probe.ts";
import { spatialSize } from "../tensor.ts";

const frame = element("frame");
const swipe = input("swipe");
const canvases = {
  before: byId("before", HTMLCanvasElement),
  after: byId("after", HTMLCanvasElement),
} as const;

let shown: Shown | null = null;
let layer: LayerName = "labels";
let hidden: ReadonlySet<number> = new Set();

const draw = (side: keyof typeof canvases): void => {
  const canvas = canvases[side];
  const content = shown && layers[layer][side](shown, hidden);
  canvas.hidden = !content;
  canvas.ariaLabel = content?.words ?? "";
  if (shown && content) paint(canvas, spatialSize(shown.image), content.colour);
};

/** Without an attack there is nothing to swipe to. @param sides those that have changed. */
const redraw = (sides: readonly (keyof typeof canvases)[] = ["before", "after"]): void => {
  for (const side of sides) draw(side);
  const both = Object.values(canvases).every((canvas) => canvas.hidden === false);
  frame.classList.toggle("both", both);
  frame.dataset["layer"] = layer;
  byId("swipe-field", HTMLElement).hidden = !both;
  drawLoupe();
};

/** Shows a picture, or what an attack has made of it. */
export const show = (content: Shown): void => {
  const { width, height } = spatialSize(content.image);
  const isStep = content.image === shown?.image && content.before === shown.before && content.truth === shown.truth;
  shown = content;
  frame.style.setProperty("--aspect", `${width} / ${height}`);
  if (layer === "truth" && !content.truth) choose("labels");
  byId("layer-truth", HTMLInputElement).closest("label")!.hidden = !content.truth;
  paintOn({ width, height });
  redraw(isStep ? ["after"] : undefined);
  showProbe(content);
};

export const hideClasses = (classes: ReadonlySet<number>): void => {
  hidden = classes;
  redraw();
};

const choose = (name: LayerName): void => {
  layer = name;
  byId(`layer-${name}`, HTMLInputElement).checked = true;
  redraw();
};

const place = (share: number): void => {
  const within = Math.min(100, Math.max(0, share));
  swipe.value = String(within);
  swipe.setAttribute("aria-valuetext", `${Math.round(within)} % before, ${Math.round(100 - within)} % after`);
  frame.style.setProperty("--swipe", `${within}%`);
};

element("layers").append(
  ...layerNames.map((name) => {
    const radio = make("input", { type: "radio", name: "layer", id: `layer-${name}`, value: name });
    radio.checked = name === layer;
    radio.addEventListener("change", () => choose(name));
    return make("label", { hidden: name === "truth" }, radio, make("span", {}, layers[name].name));
  }),
);
swipe.addEventListener("input", () => place(swipe.valueAsNumber));

const handle = element("handle");
const drag = ({ clientX }: PointerEvent): void => {
  const { left, width } = frame.getBoundingClientRect();
  place((100 * (clientX - left)) / width);
};
handle.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
});
handle.addEventListener("pointermove", (event) => {
  if (handle.hasPointerCapture(event.pointerId)) drag(event);
});
button("swap").addEventListener("click", () => place(swipe.valueAsNumber > 50 ? 0 : 100));
place(50);
