/** What an attack is to reach: the pixels of a class or of a painted region hidden, or given a class, in place of wrong labels everywhere. */

import { select } from "./elements.ts";
import type { Goal, Opened, Plan } from "./messages.ts";
import { awaitBox, openPainting, paintedPlace } from "./painting.ts";

const [region, becomes] = [select("region"), select("becomes")];
const [everywhere, painted] = [region.options[0]!, region.options[1]!];
const hidden = becomes.options[0]!;

let names: readonly string[] = [];

const isPainted = (): boolean => painted.selected;

const follow = (): void => {
  becomes.disabled = everywhere.selected;
  openPainting(isPainted());
};
region.addEventListener("change", follow);

const offer = (field: HTMLSelectElement, first: readonly HTMLOptionElement[], offered: readonly string[]): void => {
  const chosen = field.value;
  const stays = first.find(({ selected }) => selected);
  field.replaceChildren(...first, ...offered.map((name) => new Option(name, name)));
  if (!stays && offered.includes(chosen)) field.value = chosen;
  else (stays ?? first[0]!).selected = true;
};

/** Offers the classes of a network; what is chosen stays chosen where it has a class of that name. */
export const offerTargets = (classes: Opened["classes"]): void => {
  names = classes.map(({ name }) => name);
  offer(region, [everywhere, painted], names);
  offer(becomes, [hidden], names);
  follow();
};

/** Undefined: labels are to be wrong everywhere. @param bounded whether the attack stays within a radius. */
export const goal = (bounded: boolean): Goal | undefined => {
  const [from, to] = [names.indexOf(region.value), names.indexOf(becomes.value)];
  const place = isPainted() ? paintedPlace() : from < 0 ? null : { classes: [from] };
  return place === null ? undefined : { place, ...(to < 0 ? {} : { to }), outside: bounded ? "keep" : "free" };
};

/** What the target lacks, in words; null for nothing. */
export const targetFault = (): string | null =>
  isPainted() && paintedPlace() === null
    ? "Nothing is marked: drag over the picture to mark what is attacked, or choose every pixel."
    : null;

const withoutMask = ({ goal: at, ...plan }: Plan): string =>
  JSON.stringify([plan, at?.to, at && "mask" in at.place ? "mask" : at?.place]);

const maskOf = ({ goal: at }: Plan) => (at && "mask" in at.place ? at.place.mask : null);

/** Whether two plans are the same; a mask is, unless it was painted anew. */
export const samePlan = (a: Plan, b: Plan): boolean => maskOf(a) === maskOf(b) && withoutMask(a) === withoutMask(b);

/** Takes what the page's address has; the network's classes are not known yet. */
export const takeTarget = (parameters: URLSearchParams): void => {
  for (const field of [region, becomes]) {
    const name = parameters.get(field.id);
    if (name) field.append(new Option(name, name, true, true));
  }
  if (awaitBox(parameters.get("box") ?? "")) painted.selected = true;
  follow();
};

/** The parameters of the page's address. A region that is no box is of the picture, which no address holds. */
export const targetParameters = (): readonly (readonly [string, string])[] => {
  const place = isPainted() ? paintedPlace() : null;
  const box = place && "box" in place ? [["box", place.box.join()] as const] : [];
  const classes = [region, becomes].filter((field) => field.value && !field.disabled && !(field === region && isPainted())); // prettier-ignore
  return [...classes.map(({ id, value }) => [id, value] as const), ...box];
};

/** As requests and the command line read it: by its name where a shell leaves that as it is, else by its index. */
const written = (classes: Opened["classes"], index: number): string | number => {
  const { name } = classes[index]!;
  return /^[a-z][\w-]*$/i.test(name) ? name : index;
};

/** The file of a painted region that is no box, for requests and the command line. */
export const MASK_FILE = "region.png";

export const hasMask = ({ goal: at }: Plan): boolean => at !== undefined && "mask" in at.place;

const placeField = ({ place }: Goal, classes: Opened["classes"]) => {
  if ("classes" in place) return { classes: place.classes.map((index) => written(classes, index)) };
  return "mask" in place ? { mask: true } : place;
};

/** The target in a request. */
export const targetedField = (at: Goal, classes: Opened["classes"]) => ({
  kind: at.to === undefined ? "hide" : "swap",
  ...placeField(at, classes),
  ...(at.to === undefined ? {} : { to: written(classes, at.to) }),
  ...(at.outside === "free" ? { outside: at.outside } : {}),
});

const placeWords = ({ place }: Goal, classes: Opened["classes"]): string => {
  if ("classes" in place) return place.classes.map((index) => written(classes, index)).join();
  return "box" in place ? `box:${place.box.join()}` : `mask:${MASK_FILE}`;
};

/** The target on a command line. */
export const targetFlags = (at: Goal, classes: Opened["classes"]): string => {
  const what = placeWords(at, classes);
  const goalFlag = at.to === undefined ? `--hide ${what}` : `--swap ${what}:${written(classes, at.to)}`;
  return ` ${goalFlag}${at.outside === "free" ? " --outside free" : ""}`;
};
