/** The form with the settings of an attack. */

import { attackEntry, attackNames, defaultOption, defaultSteps, type AttackName } from "../attacks/catalogue.ts";
import { optionDefinitions, optionNames, type OptionName } from "../attacks/options.ts";
import type { Wanted } from "../runtime/choose.ts";
import { byId } from "./elements.ts";
import type { NetworkEntry, Plan } from "./messages.ts";
import { mebibytes } from "./words.ts";

/** The paper's radii, in grey levels. */
const epsilons = [0.25, 0.5, 1, 2, 4, 8, 16, 32];

const input = (id: string): HTMLInputElement => byId(id, HTMLInputElement);
const select = (id: string): HTMLSelectElement => byId(id, HTMLSelectElement);

const [network, attack, longest, backend] = ["network", "attack", "longest", "backend"].map(select) as [
  HTMLSelectElement,
  HTMLSelectElement,
  HTMLSelectElement,
  HTMLSelectElement,
];
const [epsilon, steps, alpha, seed] = ["epsilon", "steps", "alpha", "seed"].map(input) as [
  HTMLInputElement,
  HTMLInputElement,
  HTMLInputElement,
  HTMLInputElement,
];

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
      const field = Object.assign(document.createElement("input"), {
        id: name,
        type: "number",
        min: String(minimum),
        max: String(maximum),
        step: "any",
        required: true,
      });
      const label = Object.assign(document.createElement("label"), { htmlFor: name, textContent: title });
      const taking = attackNames.find((each) => attackEntry(each).options[name] !== undefined);
      field.value = String(taking ? defaultOption(taking, name, { epsilon: 1 }) : minimum);
      byId("options", HTMLDivElement).append(label, field);
      return [name, field] as const;
    }),
);

const takes = (name: OptionName): boolean => {
  const use = attackEntry(attackName()).options[name];
  return use !== undefined && use.fixed === undefined;
};

const follow = (): void => {
  const entry = attackEntry(attackName());
  const stepsFixed = !takes("steps");
  byId("epsilon-value", HTMLOutputElement).value = String(radius());
  epsilon.setAttribute("aria-valuetext", `${radius()} grey levels`);
  byId("attack-hint", HTMLElement).textContent = entry.summary;
  if (byProtocol || stepsFixed) steps.value = String(defaultSteps(attackName(), { epsilon: radius() }));
  steps.disabled = stepsFixed;
  if (ownAlpha && takes("alpha")) alpha.value = String(defaultOption(attackName(), "alpha", { epsilon: radius() }));
  alpha.disabled = !takes("alpha");
  seed.disabled = !entry.random;
  for (const [name, field] of optionInputs) field.disabled = !takes(name);
  byId("protocol", HTMLButtonElement).hidden = byProtocol || stepsFixed;
};

epsilon.addEventListener("input", follow);
attack.addEventListener("change", follow);
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

export const plan = (): Plan => ({
  attack: attackName(),
  epsilon: radius(),
  alpha: alpha.valueAsNumber,
  steps: steps.valueAsNumber,
  seed: seed.valueAsNumber,
  ...Object.fromEntries(
    [...optionInputs].filter(([name]) => takes(name)).map(([name, field]) => [name, field.valueAsNumber]),
  ),
});
export const wanted = (): Wanted => backend.value as Wanted;
export const longestSide = (): number => Number(longest.value);

let entries: readonly NetworkEntry[] = [];

export const chosenNetwork = (): NetworkEntry => entries[network.selectedIndex]!;

const hintNetwork = (): void => {
  const { architecture, dataset, bytes } = chosenNetwork();
  byId("network-hint", HTMLElement).textContent = `${architecture}, ${mebibytes(bytes)}. ${dataset}.`;
};

/** Fills the list of networks. @param first name of the network that is selected if it exists. */
export const offerNetworks = (offered: readonly NetworkEntry[], first: string): void => {
  entries = offered;
  network.replaceChildren(...entries.map(({ name }) => new Option(name, name, name === first, name === first)));
  hintNetwork();
};

/** Applies the settings of the page's address, as in `?attack=pgd&epsilon=4`; invalid values are ignored. */
export const takeFrom = (parameters: URLSearchParams): void => {
  for (const control of [network, attack, longest, backend, alpha, seed, steps, ...optionInputs.values()]) {
    const value = parameters.get(control.id);
    if (value === null) continue;
    const before = control.value;
    control.value = value;
    if (!control.value || !control.checkValidity()) control.value = before;
    else if (control === steps) byProtocol = false;
    else if (control === alpha) ownAlpha = false;
  }
  const index = epsilons.indexOf(Number(parameters.get("epsilon") ?? NaN));
  if (index >= 0) epsilon.value = String(index);
  hintNetwork();
  follow();
};

/** Calls `changed` when a setting changes that requires a new prediction. */
export const onScene = (changed: () => void): void => {
  network.addEventListener("change", hintNetwork);
  for (const control of [network, longest, backend]) control.addEventListener("change", changed);
};
