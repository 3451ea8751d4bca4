/** What networks, their surroundings and attacks are called in a report. */

import { attackNames, normsOf } from "../attacks/catalogue.ts";
import type { Json, Unit } from "../evaluation/row.ts";
import { type Norm } from "../attacks/norms.ts";
import { normMark } from "./norms.ts";
import type { Group, Subject } from "./store.ts";

/** A field of an object in a specification; undefined where the value is none. */
export const fieldOf = (value: Json | undefined, field: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json | undefined>>)[field]
    : undefined;

const textOf = (value: Json | undefined): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "?";

export const crfName = (crf: Json): string =>
  crf === null ? "no CRF" : fieldOf(crf, "attacked") === false ? "CRF, network attacked" : "CRF";

const transformName = (transform: readonly Json[]): string =>
  transform
    .map((one) => {
      const options = Object.entries(one as Readonly<Record<string, Json>>).filter(([name]) => name !== "name");
      const given = options.map(
        ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
      );
      return [textOf(fieldOf(one, "name")), ...given].join(" ");
    })
    .join(" + ") || "no transformation";

/** A network with what stands around it, in a few words. */
export const nameAround = (model: string, around: Unit["around"]): string => {
  const { variant, transform, through, draws, crf } = around ?? {};
  const parts = [
    ...(transform ? [transformName(transform)] : []),
    ...(through === undefined ? [] : [through]),
    ...(draws === undefined ? [] : [`${draws} draws`]),
    ...(crf === undefined ? [] : [crfName(crf)]),
  ];
  const name = variant ?? model;
  return parts.length === 0 ? name : `${name} (${parts.join(", ")})`;
};

const outsideName = ({ outside }: Subject): string =>
  outside ? ` [outside a patch of ${outside.side} at ${outside.top},${outside.left}]` : "";

/** The network that images were made on, as it is called where it is scored itself; null where it is the scored one. */
export const sourceName = ({ source, subject }: Group): string | null =>
  source && nameAround(source.model, source.around) + outsideName(subject);

export const subjectName = (subject: Subject): string =>
  nameAround(subject.model, subject.around) +
  outsideName(subject) +
  (subject.reference === "prediction" ? " [against its own prediction]" : "");

/** Whether an attack approaches labels, and so does not try to do the worst. */
export const isAimed = (attack: Json): boolean =>
  ["target", "targeted"].some((field) => fieldOf(attack, field) !== undefined);

/** What an attack approaches, in a few words; empty where it leads away from labels. */
const targetName = (attack: NonNullable<Group["attack"]>): string => {
  const { target, targeted } = attack;
  if (target !== undefined) return `, towards ${typeof target === "number" ? `class ${target}` : "a label map"}`;
  if (targeted === undefined) return "";
  const [classes, to] = [fieldOf(targeted, "classes"), fieldOf(targeted, "to")];
  const shape = ["box", "polygon", "mask"].find((name) => fieldOf(targeted, name) !== undefined) ?? "?";
  const listed = (value: Json | undefined): string => (Array.isArray(value) ? value.flat().map(textOf).join(",") : "");
  const place = classes === undefined ? `${shape} ${listed(fieldOf(targeted, shape))}`.trim() : listed(classes);
  const free = fieldOf(targeted, "outside") === "free" ? ", the rest free" : "";
  return to === undefined ? `, hide ${place}${free}` : `, swap ${place} for ${textOf(to)}${free}`;
};

export const attackName = ({ attack }: Pick<Group, "attack">): string =>
  attack ? textOf(attack["attack"]) + targetName(attack) : "clean";

/** The attack with its norm where that is not L∞: what tells it apart from the same attack in the other norm. */
export const attackInNorm = (group: Pick<Group, "attack">): string =>
  group.attack
    ? [textOf(group.attack["attack"]), ...normMark(distanceOf(group))].join(" ") + targetName(group.attack)
    : attackName(group);

/** What an attack is called beside others: with its norm where that is L2, and with its seed where it ran with several. */
export const attackLabels = (
  groups: Iterable<Pick<Group, "attack" | "seed">>,
): ((group: Pick<Group, "attack" | "seed">) => string) => {
  const seeds = new Map<string, Set<number>>();
  for (const group of groups) {
    const name = attackInNorm(group);
    seeds.set(name, (seeds.get(name) ?? new Set()).add(group.seed));
  }
  return (group) => {
    const name = attackInNorm(group);
    return group.attack && (seeds.get(name)?.size ?? 0) > 1 ? `${name}, seed ${group.seed}` : name;
  };
};

/** The radius in grey levels, or null for attacks without one. */
export const epsilonOf = ({ attack }: Group): number | null => {
  const epsilon = attack?.["epsilon"];
  return typeof epsilon === "number" ? epsilon : null;
};

/** Options that are not the attack's name or its radius, nor follow from these. */
export const optionsOf = ({ attack }: Group): Readonly<Record<string, Json | undefined>> =>
  Object.fromEntries(Object.entries(attack ?? {}).filter(([name]) => name !== "attack" && name !== "epsilon"));

/** The norm of an attack: that of its row, or else the attack's own, which rows leave out. */
export const distanceOf = ({ attack }: Pick<Group, "attack">): Norm => {
  const name = attackNames.find((known) => known === attack?.["attack"]);
  const norm = attack?.["norm"] ?? (name && normsOf(name)[0]);
  return norm === "l2" ? "l2" : "linf";
};

/** A name for each subject; builds of one name are told apart by their files' digests. */
export const uniqueNames = (subjects: Iterable<Subject>): ((subject: Subject) => string) => {
  const all = [...subjects];
  const names = new Map(
    all.map((subject) => {
      const name = subjectName(subject);
      const shared = all.some((other) => other.networkSha256 !== subject.networkSha256 && subjectName(other) === name);
      return [subject, shared ? `${name} #${subject.networkSha256.slice(0, 8)}` : name] as const;
    }),
  );
  return (subject) => names.get(subject) ?? subjectName(subject);
};
