/** Painting of the target's region on the picture, by pointer, touch or keys. */

import type { Box } from "../evaluation/shapes.ts";
import { boxRegion } from "../evaluation/shapes.ts";
import type { Region } from "../evaluation/region.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { byId, button, element, input, select } from "./elements.ts";
import { countOf, emptyRegion, placeOf, withStroke, type Pixel, type Tool } from "./painted-region.ts";
import { paint, type Colour } from "./picture.ts";
import { onProbe, probed } from "./probe.ts";
import { percent } from "./words.ts";

const frame = element("frame");
const canvas = byId("marked", HTMLCanvasElement);
const [tool, thickness] = [select("tool"), input("brush-size")];

let region: Region | null = null;
let place: ReturnType<typeof placeOf> = null;
/** A box of the page's address, which waits for the picture. */
let awaited: Box | null = null;
let stroke: { readonly tool: Tool; readonly path: Pixel[] } | null = null;
let open = false;
const listeners: (() => void)[] = [];

/** Calls `changed` when the region has changed. */
export const onPainted = (changed: () => void): void => void listeners.push(changed);

/** The region, the same one until it is changed; null where nothing is marked. */
export const paintedPlace = (): typeof place => place;

/** Hatched light and dark, so that it is seen on any colours. */
const hatched =
  ({ data, shape }: Region): Colour =>
  (i, rgba) => {
    const width = shape[1]!;
    const tone = ((i % width) + Math.floor(i / width)) % 6 < 3 ? 255 : 0;
    rgba.set([tone, tone, tone, data[i] === 0 ? 0 : 150], 4 * i);
  };

const draw = (shown: Region): void => paint(canvas, spatialSize(shown), hatched(shown), true);

const say = (): void => {
  const marked = region ? countOf(region) : 0;
  element("painted-told").textContent =
    region && marked > 0
      ? `${percent(marked / region.data.length)} of the picture is marked.`
      : "Nothing is marked yet.";
};

const change = (next: Region): void => {
  region = next;
  place = placeOf(next);
  draw(next);
  say();
  for (const changed of listeners) changed();
};

/** Follows the size of the picture; what was marked at another size is gone. */
export const paintOn = (size: Size): void => {
  const known = region && spatialSize(region);
  if (known?.width === size.width && known.height === size.height) return;
  stroke = null;
  change(awaited ? boxRegion(size, awaited) : emptyRegion(size));
  awaited = null;
};

/** Another picture: what was marked on the last one is gone. */
export const forgetPainted = (): void => {
  if (region && place) change(emptyRegion(spatialSize(region)));
};

/** Marks a box once there is a picture, as the page's address has it: `40,60,80,120`; anything else is ignored. */
export const awaitBox = (text: string): boolean => {
  const [left, top, width, height, ...more] = text.split(",").map(Number);
  const isBox = [left, top, width, height].every((value) => Number.isFinite(value) && Math.abs(value!) < 1e5);
  if (!isBox || more.length > 0 || width! <= 0 || height! <= 0) return false;
  awaited = [left!, top!, width!, height!];
  return true;
};

/** Opens the tools, or closes them; the region is kept. */
export const openPainting = (wanted: boolean): void => {
  open = wanted;
  element("painting").hidden = canvas.hidden = !open;
  frame.classList.toggle("painted", open);
  frame.ariaLabel = open
    ? "Region of the picture: the arrow keys move, Space begins and ends a stroke, Escape gives it up"
    : "Probe of the picture: the arrow keys move it";
  if (!open) stroke = null;
  say();
};

const toolNow = (): Tool => {
  const value = tool.value.startsWith("erase") ? 0 : 1;
  return tool.value.endsWith("rectangle")
    ? { kind: "rectangle", value }
    : { kind: "brush", value, diameter: thickness.valueAsNumber };
};

const begin = (): void => {
  const at = probed();
  if (!open || !region || !at) return;
  stroke = { tool: toolNow(), path: [at] };
  draw(withStroke(region, stroke.tool, stroke.path));
};

const end = (): void => {
  if (stroke && region) change(withStroke(region, stroke.tool, stroke.path));
  stroke = null;
};

const giveUp = (): void => {
  stroke = null;
  if (region) draw(region);
};

onProbe((at) => {
  if (!stroke || !region || !at) return;
  stroke.path.push(at);
  draw(withStroke(region, stroke.tool, stroke.path));
});
frame.addEventListener("pointerdown", (event) => {
  if (!open || event.button !== 0 || event.target === element("handle")) return;
  frame.setPointerCapture(event.pointerId);
  begin();
});
frame.addEventListener("pointerup", (event) => {
  if (frame.hasPointerCapture(event.pointerId)) end();
});
frame.addEventListener("pointercancel", giveUp);
frame.addEventListener("keydown", (event) => {
  if (!open) return;
  if (event.key === "Escape") giveUp();
  if (event.key !== " ") return;
  event.preventDefault();
  if (stroke) end();
  else begin();
});
tool.addEventListener("change", () => {
  thickness.disabled = toolNow().kind === "rectangle";
});
thickness.disabled = true;
button("clear-region").addEventListener("click", () => {
  if (region) change(emptyRegion(spatialSize(region)));
});
