/** What an attack is to reach: the pixels of a class hidden, or given another class, in place of wrong labels everywhere. */

import { select } from "./elements.ts";
import type { Goal, Opened } from "./messages.ts";

const [region, becomes] = [select("region"), select("becomes")];
const [everywhere, hidden] = [region, becomes].map((field) => field.options[0]!);

let names: readonly string[] = [];

const follow = (): void => {
  becomes.disabled = region.value === "";
};
region.addEventListener("change", follow);

const offer = (field: HTMLSelectElement, first: HTMLOptionElement, offered: readonly string[]): void => {
  const chosen = field.value;
  field.replaceChildren(first, ...offered.map((name) => new Option(name, name)));
  field.value = offered.includes(chosen) ? chosen : "";
};

/** Offers the classes of a network; what is chosen stays chosen where it has a class of that name. */
export const offerTargets = (classes: Opened["classes"]): void => {
  names = classes.map(({ name }) => name);
  offer(region, everywhere!, names);
  offer(becomes, hidden!, names);
  follow();
};

/** Undefined: labels are to be wrong everywhere. */
export const goal = (): Goal | undefined => {
  const [from, to] = [names.indexOf(region.value), names.indexOf(becomes.value)];
  return from < 0 ? undefined : { from, ...(to < 0 ? {} : { to }) };
};

/** Takes the names of the page's address; the network's classes are not known yet. */
export const takeTarget = (parameters: URLSearchParams): void => {
  for (const field of [region, becomes]) {
    const name = parameters.get(field.id);
    if (name) field.append(new Option(name, name, true, true));
  }
  follow();
};

/** The parameters of the page's address. */
export const targetParameters = (): readonly (readonly [string, string])[] =>
  [region, becomes].filter(({ value, disabled }) => value && !disabled).map(({ id, value }) => [id, value]);

/** As requests and the command line read it: by its name where a shell leaves that as it is, else by its index. */
const written = (classes: Opened["classes"], index: number): string | number => {
  const { name } = classes[index]!;
  return /^[a-z][\w-]*$/i.test(name) ? name : index;
};

/** The target in a request. @param bounded whether the attack stays within a radius: others leave the rest free. */
export const targetedField = ({ from, to }: Goal, classes: Opened["classes"], bounded: boolean) => ({
  kind: to === undefined ? "hide" : "swap",
  classes: [written(classes, from)],
  ...(to === undefined ? {} : { to: written(classes, to) }),
  ...(bounded ? {} : { outside: "free" }),
});

/** The target on a command line. */
export const targetFlags = (goal: Goal, classes: Opened["classes"], bounded: boolean): string => {
  const { kind, classes: from, to } = targetedField(goal, classes, bounded);
  return ` --${kind} ${from[0]}${to === undefined ? "" : `:${to}`}${bounded ? "" : " --outside free"}`;
};
