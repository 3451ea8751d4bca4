/** The switches of the transformations before the network. */

import { transformEntry, transformNames, type TransformName } from "../transforms/catalogue.ts";
import { createPipeline, MAX_TRANSFORMS } from "../transforms/pipeline.ts";
import { element, make } from "./elements.ts";

const switches: ReadonlyMap<TransformName, HTMLInputElement> = new Map(
  transformNames.map((name) => {
    const { title, summary } = transformEntry(name);
    const box = make("input", { type: "checkbox", id: `transform-${name}` });
    element("transforms").append(make("label", { title: summary }, box, title));
    return [name, box] as const;
  }),
);

/** Those that are on, in the order of the catalogue. */
export const chosenTransforms = (): readonly TransformName[] =>
  transformNames.filter((name) => switches.get(name)!.checked);

/** Whether two predictions behind them may differ. */
export const drawsAnew = (): boolean => {
  const chosen = chosenTransforms().map((name) => ({ name }));
  return chosen.length > 0 && createPipeline(chosen).random;
};

/** A network has at most so many: the others then wait. */
const follow = (): void => {
  const full = chosenTransforms().length >= MAX_TRANSFORMS;
  for (const box of switches.values()) box.disabled = full && !box.checked;
};

/** Switches on those of the page's address, as in `jpeg+blur`; other names are ignored. */
export const takeTransforms = (text: string): void => {
  for (const name of text.split(/[+ ]/)) {
    const box = switches.get(name as TransformName);
    if (box && !box.disabled) box.checked = true;
    follow();
  }
};

element("transforms").addEventListener("change", follow);
