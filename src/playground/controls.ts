/** The form with the settings of an attack. */

import {
  attackEntry,
  attackNames,
  defaultOption,
  defaultSteps,
  type AttackName,
  type Ball,
} from "../attacks/catalogue.ts";
import { optionDefinitions, optionNames, type OptionName } from "../attacks/options.ts";
import type { Wanted } from "../runtime/choose.ts";
import type { Around } from "./around.ts";
import { byId, element, input, make, select } from "./elements.ts";
import type { NetworkEntry, Plan } from "./messages.ts";
import { onPainted } from "./painting.ts";
import { chosenTransforms, drawsAnew, takeTransforms } from "./switches.ts";
import { goal, takeTarget, targetParameters } from "./target.ts";
import { mebibytes } from "./words.ts";

/** The paper's radii, in grey levels. */
export const epsilons = [0.25, 0.5, 1, 2, 4, 8, 16, 32];

const [network, attack, longest, backend] = [select("network"), select("attack"), select("longest"), select("backend")];
const [crf, scales] = [select("crf"), select("scales")];
const [epsilon, steps, alpha, seed] = [input("epsilon"), input("steps"), input("alpha"), input("seed")];

const radius = (): number => epsilons[epsilon.valueAsNumber]!;
const attackName = (): AttackName => attack.value as AttackName;

/** Whether the number of steps is the default; false once the visitor sets it. */
let byProtocol = true;
/** Whether the step size is the default of the attack; false once the visitor sets it. */
let ownAlpha = true;

/** The attack that is selected initially, the strongest one of the paper. */
const FIRST: AttackName = "ifgsm-ii";
attack.append(...attackNames.map((name) => new Option(attackEntry(name).title, name, name === FIRST, name === FIRST)));

/** Options whose controls are part of lab.html. */
const ownControls: ReadonlySet<OptionName> = new Set(["alpha", "steps"]);

/** A control for each other option of any attack. */
const optionInputs: ReadonlyMap<OptionName, HTMLInputElement> = new Map(
  optionNames
    .filter((name) => !ownControls.has(name))
    .map((name) => {
      const { title, minimum, maximum } = optionDefinitions[name];
      const id = `option-${name}`;
      const range = { min: String(minimum), max: String(maximum), step: "any" };
      const field = make("input", { id, type: "number", ...range, required: true });
      const label = make("label", { htmlFor: id, textContent: title });
      const taking = attackNames.find((each) => attackEntry(each).options[name] !== undefined);
      field.value = String(taking ? defaultOption(taking, name, { epsilon: 1 }) : minimum);
      element("options").append(label, field);
      return [name, field] as const;
    }),
);

/** Whether the attack stays within a radius; else it looks for the smallest. */
export const isBounded = (): boolean => attackEntry(attackName()).type === "fixed-budget";

/** The ball of an attack at a radius: none for an attack that looks for the smallest. */
const ballAt = (at: number): Ball => (isBounded() ? { epsilon: at } : {});

const takes = (name: OptionName): boolean => {
  const use = attackEntry(attackName()).options[name];
  return use !== undefined && use.fixed === undefined;
};

const follow = (): void => {
  const entry = attackEntry(attackName());
  const stepsFixed = !takes("steps");
  const ball = ballAt(radius());
  byId("epsilon-value", HTMLOutputElement).value = isBounded() ? String(radius()) : "–";
  epsilon.setAttribute("aria-valuetext", `${radius()} grey levels`);
  epsilon.disabled = !isBounded();
  element("epsilon-hint").hidden = isBounded();
  element("attack-hint").textContent = entry.summary;
  if (byProtocol || stepsFixed) steps.value = String(defaultSteps(attackName(), ball));
  steps.disabled = stepsFixed;
  if (ownAlpha && takes("alpha")) alpha.value = String(defaultOption(attackName(), "alpha", ball));
  alpha.disabled = !takes("alpha");
  seed.disabled = !entry.random && !drawsAnew();
  for (const [name, field] of optionInputs) field.disabled = !takes(name);
  byId("protocol", HTMLButtonElement).hidden = byProtocol || stepsFixed;
};

epsilon.addEventListener("input", follow);
attack.addEventListener("change", follow);
element("transforms").addEventListener("change", follow);
steps.addEventListener("input", () => {
  byProtocol = false;
  follow();
});
alpha.addEventListener("input", () => {
  ownAlpha = false;
});
byId("protocol", HTMLButtonElement).addEventListener("click", () => {
  byProtocol = true;
  follow();
  steps.focus();
});
byId("epsilons", HTMLDataListElement).append(
  ...epsilons.map((_, index) => Object.assign(document.createElement("option"), { value: String(index) })),
);
follow();

/** A seed that changes nothing is 0. */
export const seedNow = (): number => (seed.disabled ? 0 : seed.valueAsNumber);

/** What is put around the network. */
export const around = (): Around => ({
  transform: chosenTransforms(),
  crf: crf.value as Around["crf"],
  scales: scales.value as Around["scales"],
});

/** The settings of the attack at another radius too: what is the attack's own then follows from that one. */
export const planAt = (at: number): Plan => {
  const target = goal(isBounded());
  return {
    attack: attackName(),
    ...(isBounded() ? { epsilon: at } : {}),
    alpha: ownAlpha && takes("alpha") ? defaultOption(attackName(), "alpha", ballAt(at))! : alpha.valueAsNumber,
    steps: byProtocol || !takes("steps") ? defaultSteps(attackName(), ballAt(at)) : steps.valueAsNumber,
    seed: seedNow(),
    ...(target && { goal: target }),
    ...Object.fromEntries(
      [...optionInputs].filter(([name]) => takes(name)).map(([name, field]) => [name, field.valueAsNumber]),
    ),
  };
};
export const plan = (): Plan => planAt(radius());

export const wanted = (): Wanted => backend.value as Wanted;
export const longestSide = (): number => Number(longest.value);

let entries: readonly NetworkEntry[] = [];

export const networks = (): readonly NetworkEntry[] => entries;

export const chosenNetwork = (): NetworkEntry => entries.find(({ name }) => name === network.value)!;

const hintNetwork = (): void => {
  const { architecture, dataset, bytes, own = false } = chosenNetwork();
  element("network-hint").textContent = `${architecture}, ${mebibytes(bytes)}. ${dataset}.`;
  byId("remove-network", HTMLButtonElement).hidden = !own;
};

/** Fills the list of networks. @param chosen name of the network that is selected if it exists. */
export const offerNetworks = (offered: readonly NetworkEntry[], chosen: string): void => {
  entries = offered;
  const group = (label: string, own: boolean) => {
    const names = offered.filter((entry) => (entry.own ?? false) === own).map(({ name }) => name);
    const options = names.map((name) => new Option(name, name, name === chosen, name === chosen));
    return names.length === 0 ? [] : [make("optgroup", { label }, ...options)];
  };
  network.replaceChildren(...group("Yours, in this browser", true), ...group("Shipped", false));
  hintNetwork();
};

/** The controls by the names that they have in the page's address. */
const addressed = (): readonly (readonly [string, HTMLInputElement | HTMLSelectElement])[] =>
  [network, attack, longest, backend, crf, scales, alpha, seed, steps, ...optionInputs.values()].map(
    (control) => [control.id.replace(/^option-/, ""), control] as const,
  );

/** Applies the settings of the page's address, as in `?attack=pgd&epsilon=4`; invalid values are ignored. */
export const takeFrom = (parameters: URLSearchParams): void => {
  for (const [name, control] of addressed()) {
    const value = parameters.get(name);
    if (value === null) continue;
    const before = control.value;
    control.value = value;
    if (!control.value || !control.checkValidity()) control.value = before;
    else if (control === steps) byProtocol = false;
    else if (control === alpha) ownAlpha = false;
  }
  const index = epsilons.indexOf(Number(parameters.get("epsilon") ?? NaN));
  if (index >= 0) epsilon.value = String(index);
  takeTransforms(parameters.get("transform") ?? "");
  takeTarget(parameters);
  hintNetwork();
  follow();
};

/** The settings as parameters of the page's address; what the attack does not take is left out. */
export const parameters = (): URLSearchParams => {
  const taken = addressed().filter(([, control]) => !control.disabled);
  const transforms = chosenTransforms().join("+");
  return new URLSearchParams([
    ...taken.map(([name, { value }]) => [name, value]),
    ["epsilon", String(radius())],
    ...targetParameters().map((pair) => [...pair]),
    ...(transforms ? [["transform", transforms]] : []),
  ]);
};

/** Calls `changed` when a setting changes that requires a new prediction. */
export const onSceneChange = (changed: () => void): void => {
  network.addEventListener("change", hintNetwork);
  for (const control of [network, longest, backend, crf, scales, element("transforms")])
    control.addEventListener("change", changed);
  seed.addEventListener("change", () => {
    if (drawsAnew()) changed();
  });
};

/** Calls `changed` after any change of the settings. */
export const onAnyChange = (changed: () => void): void => {
  for (const kind of ["input", "change", "click"]) element("settings").addEventListener(kind, changed);
  onPainted(changed);
};
