/** The probe: what the network sees at one pixel, found by pointing, tapping, or with the arrow keys. */

import type { Image, Labels } from "../segmenter/segmenter.ts";
import { planeOf } from "./colours.ts";
import { element } from "./elements.ts";
import type { Shown } from "./layers.ts";
import type { Pixel } from "./painted-region.ts";
import { spatialSize } from "../tensor.ts";
import { percent } from "./words.ts";

const frame = element("frame");
const IDLE = "Point, tap or use the arrow keys to probe a pixel.";

let shown: Shown | null = null;
let at: Pixel | null = null;
const listeners: ((at: Pixel | null) => void)[] = [];

/** The pixel that is probed. */
export const probed = (): Pixel | null => at;

/** Calls `moved` when the probe has moved, or what it shows has changed. */
export const onProbe = (moved: (at: Pixel | null) => void): void => void listeners.push(moved);

const colourAt = (image: Image, i: number): string =>
  [0, 1, 2].map((c) => Math.round(image.data[i + c * planeOf(image)]!)).join(" ");

const arrow = (values: readonly (string | null | undefined)[]): string =>
  values.filter((value) => value !== null && value !== undefined).join(" → ");

/** The classes, the network's confidence and the grey levels at a pixel, before and after. */
const words = ({ image, before, confidences, truth, attacked, classes }: Shown, { x, y }: Pixel): string => {
  const i = y * spatialSize(image).width + x;
  const nameIn = (labels: Labels | null | undefined) => labels && (classes[labels.data[i]!]?.name ?? "no class");
  const confidence = arrow([confidences, attacked?.confidences].map((map) => map && percent(map[i]!)));
  const colours = arrow([colourAt(image, i), attacked && colourAt(attacked.image, i)]);
  const own = truth ? `yours: ${nameIn(truth)}` : "";
  const parts = [
    `x ${x}, y ${y}`,
    arrow([nameIn(before), nameIn(attacked?.labels)]),
    own,
    confidence && `confidence ${confidence}`,
    `RGB ${colours}`,
  ];
  return parts.filter(Boolean).join(" · ");
};

const render = (): void => {
  frame.classList.toggle("probed", at !== null);
  element("probe").textContent = shown && at ? words(shown, at) : IDLE;
  if (shown && at) {
    const { width, height } = spatialSize(shown.image);
    frame.style.setProperty("--x", `${(100 * (at.x + 0.5)) / width}%`);
    frame.style.setProperty("--y", `${(100 * (at.y + 0.5)) / height}%`);
  }
  for (const moved of listeners) moved(at);
};

const move = (x: number, y: number): void => {
  if (!shown) return;
  const { width, height } = spatialSize(shown.image);
  const within = (value: number, side: number) => Math.min(side - 1, Math.max(0, Math.floor(value)));
  at = { x: within(x, width), y: within(y, height) };
  render();
};

const leave = (): void => {
  at = null;
  render();
};

/** Follows what is on show; the pixel is kept while the picture has it. */
export const showProbe = (content: Shown): void => {
  const { width, height } = spatialSize(content.image);
  shown = content;
  if (at && (at.x >= width || at.y >= height)) at = null;
  render();
};

const point = ({ clientX, clientY }: PointerEvent): void => {
  if (!shown) return;
  const { left, top, width, height } = frame.getBoundingClientRect();
  const size = spatialSize(shown.image);
  move(((clientX - left) / width) * size.width, ((clientY - top) / height) * size.height);
};

/** Steps of the arrow keys in pixels; with Shift ten times as far. */
const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

frame.addEventListener("keydown", (event) => {
  if (event.key === "Escape") leave();
  const step = steps[event.key];
  if (!step || !shown) return;
  event.preventDefault();
  const { width, height } = spatialSize(shown.image);
  const [dx, dy] = step.map((each) => each * (event.shiftKey ? 10 : 1)) as [number, number];
  if (at) move(at.x + dx, at.y + dy);
  else move(width / 2, height / 2);
});
frame.addEventListener("pointerdown", point);
frame.addEventListener("pointermove", (event) => {
  // A touch scrolls the page, except where the picture is marked or magnified.
  if (event.pointerType === "mouse" || getComputedStyle(frame).touchAction === "none") point(event);
});
frame.addEventListener("pointerleave", ({ pointerType }) => {
  if (pointerType === "mouse" && document.activeElement !== frame) leave();
});
