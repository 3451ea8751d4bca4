/** The form: what to attack, with what, how far. */

import { stepsOf } from "../evaluation/measure.ts";
import type { AttackName } from "../attacks/catalogue.ts";
import type { Wanted } from "../runtime/choose.ts";
import { byId } from "./elements.ts";
import type { NetworkEntry, Plan } from "./messages.ts";
import { attackHints, mebibytes } from "./words.ts";

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

/** Until the visitor says otherwise. */
let byProtocol = true;

const follow = (): void => {
  const single = stepsOf(attackName(), 2) === 1 && stepsOf(attackName(), 32) === 1;
  byId("epsilon-value", HTMLOutputElement).value = String(radius());
  epsilon.setAttribute("aria-valuetext", `${radius()} grey levels`);
  byId("attack-hint", HTMLElement).textContent = attackHints[attackName()];
  if (byProtocol || single) steps.value = String(stepsOf(attackName(), radius()));
  steps.disabled = single;
  alpha.disabled = single;
  seed.disabled = attackName() !== "pgd";
  byId("protocol", HTMLButtonElement).hidden = byProtocol || single;
};

epsilon.addEventListener("input", follow);
attack.addEventListener("change", follow);
steps.addEventListener("input", () => {
  byProtocol = false;
  follow();
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
});
export const wanted = (): Wanted => backend.value as Wanted;
export const longestSide = (): number => Number(longest.value);

let entries: readonly NetworkEntry[] = [];

export const chosenNetwork = (): NetworkEntry => entries[network.selectedIndex]!;

const hintNetwork = (): void => {
  const { architecture, dataset, bytes } = chosenNetwork();
  byId("network-hint", HTMLElement).textContent = `${architecture}, ${mebibytes(bytes)}. ${dataset}.`;
};

/** @param first is chosen, where it is there. */
export const offerNetworks = (offered: readonly NetworkEntry[], first: string): void => {
  entries = offered;
  network.replaceChildren(...entries.map(({ name }) => new Option(name, name, name === first, name === first)));
  hintNetwork();
};

/** Settings of the address, as in `?attack=pgd&epsilon=4`; what is none is left out. */
export const takeFrom = (parameters: URLSearchParams): void => {
  for (const control of [network, attack, longest, backend, alpha, seed, steps]) {
    const value = parameters.get(control.id);
    if (value === null) continue;
    const before = control.value;
    control.value = value;
    if (!control.value || !control.checkValidity()) control.value = before;
    else if (control === steps) byProtocol = false;
  }
  const index = epsilons.indexOf(Number(parameters.get("epsilon") ?? NaN));
  if (index >= 0) epsilon.value = String(index);
  hintNetwork();
  follow();
};

/** What makes the network look anew. */
export const onScene = (changed: () => void): void => {
  network.addEventListener("change", hintNetwork);
  for (const control of [network, longest, backend]) control.addEventListener("change", changed);
};
