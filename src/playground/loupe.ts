/** The loupe: the surroundings of the probed pixel, magnified, before and after beside each other. */

import { byId, button, element } from "./elements.ts";
import type { Pixel } from "./painted-region.ts";
import { onProbe, probed } from "./probe.ts";

const frame = element("frame");
const [toggle, nearer, farther] = [button("loupe"), button("loupe-nearer"), button("loupe-farther")];
const sides = ["before", "after"] as const;
const canvases = {
  before: { from: byId("before", HTMLCanvasElement), to: byId("loupe-before", HTMLCanvasElement) },
  after: { from: byId("after", HTMLCanvasElement), to: byId("loupe-after", HTMLCanvasElement) },
} as const;

/** How many pixels are seen across, from far to near: odd, so that the probed one is in the middle. */
const FIELDS = [41, 27, 17, 11, 7] as const;
/** The side of a canvas in its own pixels. */
const SIDE = 320;

let open = false;
let nearness = 2;

const magnify = ({ from, to }: (typeof canvases)["before"], { x, y }: Pixel): void => {
  to.hidden = from.hidden;
  const context = to.getContext("2d");
  if (from.hidden || !context) return;
  const field = FIELDS[nearness]!;
  const scale = SIDE / field;
  to.width = to.height = SIDE;
  context.imageSmoothingEnabled = false;
  const half = (field - 1) / 2;
  context.drawImage(from, x - half, y - half, field, field, 0, 0, SIDE, SIDE);
  const middle = (SIDE - scale) / 2;
  for (const [colour, grown] of [
    ["#000", 2],
    ["#fff", 0],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.strokeRect(middle - grown, middle - grown, scale + 2 * grown, scale + 2 * grown);
  }
};

/** Draws it anew: the probe has moved, or other pictures are on show. */
export const drawLoupe = (): void => {
  element("loupe-panel").hidden = !open;
  if (!open) return;
  const { width, height } = canvases.before.from;
  const at = probed() ?? { x: Math.floor(width / 2), y: Math.floor(height / 2) };
  for (const side of sides) magnify(canvases[side], at);
  // It never lies over what it magnifies.
  element("loupe-panel").classList.toggle("right", at.x < width / 2);
  element("loupe-panel").classList.toggle("low", at.y < height / 2);
};

const zoom = (by: number): void => {
  nearness = Math.min(FIELDS.length - 1, Math.max(0, nearness + by));
  nearer.ariaDisabled = String(nearness === FIELDS.length - 1);
  farther.ariaDisabled = String(nearness === 0);
  element("loupe-told").textContent = `${FIELDS[nearness]} pixels across`;
  drawLoupe();
};

const show = (wanted: boolean): void => {
  open = wanted;
  toggle.ariaPressed = String(open);
  element("loupe-tools").hidden = !open;
  frame.classList.toggle("magnified", open);
  drawLoupe();
};

toggle.addEventListener("click", () => show(!open));
nearer.addEventListener("click", () => zoom(1));
farther.addEventListener("click", () => zoom(-1));
frame.addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) => {
  if (ctrlKey || metaKey || altKey) return;
  if (key === "l") show(!open);
  if (open && (key === "+" || key === "=")) zoom(1);
  if (open && key === "-") zoom(-1);
});
onProbe(drawLoupe);
zoom(0);
show(false);
