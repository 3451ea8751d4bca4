/** What is run on the picture on show: one thing at a time, with the settings closed meanwhile. */

import type { Wanted } from "../runtime/choose.ts";
import { spatialSize } from "../tensor.ts";
import type { Around } from "./around.ts";
import * as controls from "./controls.ts";
import { byId, button, element } from "./elements.ts";
import { attack, inTurn, openNetwork, settle } from "./host.ts";
import type { Shown } from "./layers.ts";
import type { Attacked, NetworkEntry, Opened, Plan, Stepped } from "./messages.ts";
import { keepRow } from "./rows.ts";
import { tellError } from "./status.ts";

/** A picture with its prediction, ready to be attacked. */
export interface Ready {
  readonly network: NetworkEntry;
  readonly around: Around;
  readonly wanted: Wanted;
  readonly opened: Opened;
  readonly shown: Shown;
}

const start = button("start");
const trace = button("trace");

let ready: Ready | null = null;
let running = false;

export const isRunning = (): boolean => running;

/** The buttons say what can be done. */
export const showReady = (): void => {
  start.ariaDisabled = String(!running && ready === null);
  start.textContent = running ? "Cancel" : "Attack";
  start.classList.toggle("stop", running);
  trace.ariaDisabled = String(running || ready === null || !controls.isBounded());
};

/** @param scene null: there is nothing that could be attacked. */
export const makeReady = (scene: Ready | null): void => {
  ready = scene;
  showReady();
};

/**
 * Runs unless something runs already. The settings are closed meanwhile; the focus is not lost with them: it waits on the button.
 *
 * @param changed called when it begins and when it has ended.
 */
export const whileRunning = async (run: (scene: Ready) => Promise<void>, changed: () => void): Promise<void> => {
  if (!ready || running) return;
  const scene = ready;
  const settings = byId("settings", HTMLFieldSetElement);
  const from = document.activeElement;
  running = true;
  showReady();
  if (from instanceof HTMLElement && settings.contains(from)) start.focus();
  settings.disabled = true;
  // On narrow screens the picture is below the form.
  if (element("frame").getBoundingClientRect().top > innerHeight / 2) element("layers").scrollIntoView();
  tellError(null);
  changed();
  try {
    await inTurn(() => run(scene));
  } finally {
    settle();
    settings.disabled = running = false;
    showReady();
    if (from instanceof HTMLElement && settings.contains(from) && document.activeElement === start) from.focus();
    changed();
  }
};

/** Runs one attack, whose row is kept for reports. @throws EngineRefusal */
export const attackWith = async (
  { network, around, wanted, opened, shown }: Ready,
  plan: Plan,
  onStep: (step: Stepped) => void,
): Promise<Attacked> => {
  await openNetwork(network, around, wanted);
  const { image, truth } = shown;
  const attacked = await attack(network.name, spatialSize(image), { image, plan, truth }, onStep);
  if (attacked.stopped === null) keepRow(attacked.row, network, opened.classes);
  return attacked;
};
