/** The command line of an evaluation, and its specification file, as one specification. */

import { parse as parseYaml } from "yaml";
import { attackNames } from "../attacks/catalogue.ts";
import {
  datasetNames,
  attackFields,
  isAttackField,
  parseSpec,
  presetNames,
  NetworksError,
  SpecError,
  type EvaluationSpec,
} from "../evaluation/spec.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { readBytes } from "../node/files.ts";
import type { Options, Values } from "../node/options.ts";
import { reasonOf } from "../reason.ts";
import { crfFrom, scalesFrom, sourceFrom, throughFlags, transformsFrom } from "./around-options.ts";
import { defined, ifGiven, number, numbers, withOptions } from "./notation.ts";
import { regionFlags, targetFrom } from "./region-options.ts";
import { parseSize } from "./sizes.ts";

/** Flags that say what is evaluated; each has its field in a specification file. */
export const specFlags = {
  data: {
    type: "string",
    value: "DIR",
    help: "the data set's folder, or a list (CSV, JSON), also in a bucket; streets are drawn if absent",
  },
  labels: { type: "string", value: "DIR", help: "a folder of label maps, where --data is one of pictures named alike" },
  dataset: { type: "string", value: "NAME", help: `${datasetNames.join(", ")}; recognised if absent` },
  split: { type: "string", value: "NAME", help: "which part of the data set; its own default if absent" },
  images: { type: "string", value: "N", help: "how many pictures, drawn by the seed; all, or 10 streets, if absent" },
  remap: { type: "string", value: "V:C,…", help: "values of label maps that mean another class, or 255 for void" },
  palette: { type: "string", value: "NAME", help: "whose colours label maps in RGB have; the network's if absent" },
  size: { type: "string", value: "HxW", help: "of streets; 360x480 if absent" },
  attacks: {
    type: "string",
    value: "LIST",
    help: `${presetNames.join(", ")} (a preset), none, or names with options: pgd:steps=20,dag`,
  },
  epsilon: {
    type: "string",
    value: "E,…",
    help: "radii in grey levels, for attacks with a budget; --delta alone must lie in the largest",
  },
  label: { type: "string", value: "WHICH", help: "labels to leave: prediction (the default) or ground-truth" },
  transform: {
    type: "string",
    multiple: true,
    value: "T",
    help: "a variant behind transformations: jpeg:quality=75+blur",
  },
  ...throughFlags,
  "around-transform": {
    type: "string",
    value: "T",
    help: "transformations before every network, in place of its own: as --transform, or none",
  },
  ...regionFlags,
  hide: {
    ...regionFlags.hide,
    help: "hide classes (car,9), box:X,Y,WIDTH,HEIGHT or polygon:X,Y;… behind the labels around",
  },
  delta: {
    type: "string",
    multiple: true,
    value: "FILE",
    help: "add this perturbation, NPY [C, H, W], beside --attacks or instead of them; see universal",
  },
  scales: {
    type: "string",
    multiple: true,
    value: "S,…",
    help: "a variant that sees pictures at these scales: 0.5,0.75,1; 0.5,1:mean; 0.5,1:around attacks its own scale",
  },
  crf: {
    type: "string",
    multiple: true,
    value: "C",
    help: "a variant with that CRF: none, crf-rnn, crf-rnn:unary, or JSON",
  },
  "around-crf": { type: "string", value: "C", help: "CRF behind every network, in place of its own: as --crf" },
  "transfer-from": {
    type: "string",
    multiple: true,
    value: "NET",
    help: "score this network's adversarial pictures too; a+b is an ensemble, a@0.5,1 at other scales",
  },
  seeds: {
    type: "string",
    value: "N",
    help: "runs of what is random, starts and draws, with the seeds from --seed on (1)",
  },
  repeats: {
    type: "string",
    value: "N",
    help: "further runs of each attack from starts moved by 1e-3 grey levels (0)",
  },
  small: { type: "string", value: "SHARE", help: "share of the picture below which an object is small (0.01)" },
  seed: { type: "string", value: "N", help: "of all that is random, and of the choice of pictures (0)" },
} as const satisfies Options;

export type SpecValues = Partial<Values<typeof specFlags>>;

/** "pgd:steps=20" as an attack. @throws UsageError for what is no option of any attack, with those of this one. */
const attackFrom = (text: string): unknown => {
  const given = withOptions("attacks", text, "attack");
  const name = attackNames.find((known) => known === given["attack"]);
  const unknown = Object.keys(given).find((field) => !isAttackField(field));
  if (name === undefined || unknown === undefined) return given;
  const accepted = attackFields(name).filter((field) => field !== "attack" && field !== "targeted");
  throw new UsageError(`--attacks: ${name} has no option ${unknown}; accepted: ${accepted.join(", ")}`);
};

const attacksFrom = (text: string): unknown => {
  if (text === "none") return [];
  if (presetNames.some((name) => name === text)) return text;
  return text.split(",").map((entry) => (entry.includes(":") ? attackFrom(entry) : entry));
};

/** What --delta adds to the attacks; without --attacks they are all. */
const withDeltas = (attacks: unknown, deltas: readonly string[] | undefined): unknown => {
  if (!deltas) return attacks;
  if (typeof attacks === "string")
    throw new UsageError(`--delta goes with attacks by their names, not with the preset ${attacks}`);
  return [
    ...((attacks as readonly unknown[] | undefined) ?? []),
    ...deltas.map((delta) => ({ attack: "universal", delta })),
  ];
};

const remapFrom = (text: string): Record<string, number> =>
  Object.fromEntries(
    text.split(",").map((pair) => {
      const [, value, label] = /^(\d{1,3}):(\d{1,3})$/.exec(pair.trim()) ?? [];
      if (value === undefined || label === undefined)
        throw new UsageError(`--remap: "${pair}" is not of the form VALUE:CLASS, e.g. 0:255,7:0`);
      return [value, Number(label)];
    }),
  );

/** A mask is of one picture. */
const targetedFrom = (values: SpecValues): unknown => {
  const { target, file } = targetFrom(values) ?? {};
  if (file === undefined) return target;
  throw new UsageError("evaluate: a mask is of one picture; a region of many is given by classes, a box or a polygon");
};

/** The fields that flags give. @throws UsageError */
const fieldsFrom = (values: SpecValues): Record<string, unknown> => {
  const numeric = (flag: "images" | "draws" | "seeds" | "repeats" | "small" | "seed") =>
    ifGiven(values[flag], (text) => number(flag, text));
  const { through } = values;
  const draws = numeric("draws");
  const taken = defined({ through, draws });
  const before = values["around-transform"];
  const isTransformed = before !== undefined && before !== "none";
  if (!values.transform && !isTransformed && Object.keys(taken).length > 0)
    throw new UsageError("--through and --draws go with --transform or --around-transform, which name transformations");
  const around = defined({
    transform: ifGiven(before, (text) => (isTransformed ? transformsFrom(text) : text)),
    crf: ifGiven(values["around-crf"], crfFrom),
    ...(isTransformed ? taken : {}),
  });
  const data = defined({
    path: values.data,
    labels: values.labels,
    dataset: values.dataset,
    split: values.split,
    images: numeric("images"),
    remap: ifGiven(values.remap, remapFrom),
    palette: values.palette,
    size: ifGiven(values.size, parseSize),
  });
  return defined({
    ...(Object.keys(data).length > 0 ? { data } : {}),
    attacks: withDeltas(ifGiven(values.attacks, attacksFrom), values.delta),
    targeted: targetedFrom(values),
    scales: values.scales?.map(scalesFrom),
    ...(Object.keys(around).length > 0 ? { around } : {}),
    epsilon: ifGiven(values.epsilon, (text) => numbers("epsilon", text)),
    label: values.label,
    transform: values.transform?.map((text) => ({ transform: transformsFrom(text), ...taken })),
    crf: values.crf?.map(crfFrom),
    transferFrom: values["transfer-from"]?.map(sourceFrom),
    seeds: numeric("seeds"),
    repeats: numeric("repeats"),
    small: numeric("small"),
    seed: numeric("seed"),
  });
};

const isSpecFile = (operand: string): boolean => /\.(ya?ml|json)$/i.test(operand);

/** @throws Refusal where the file is neither YAML nor JSON, or no object. */
const readSpecFile = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
  const text = new TextDecoder().decode(await readBytes(path));
  let value: unknown;
  try {
    value = /\.json$/i.test(path) ? JSON.parse(text) : parseYaml(text);
  } catch (cause) {
    throw new Refusal(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Refusal(`${path}: is no specification; see docs/evaluate.md`);
};

/** What is wrong with a specification as a fault of the command line, or of the file or the networks that it names. */
export const specFault = (operands: readonly string[], cause: SpecError): UsageError | Refusal => {
  const file = operands.find(isSpecFile);
  if (file !== undefined) return new Refusal(`${file}: ${cause.message}`, { cause });
  return cause instanceof NetworksError
    ? new Refusal(cause.message, { cause })
    : new UsageError(`evaluate: ${cause.message}`, { cause });
};

/**
 * The specification of a command line: the networks, or a specification file, of which flags replace fields.
 *
 * @throws UsageError, Refusal
 */
export const specFrom = async (operands: readonly string[], values: SpecValues): Promise<EvaluationSpec> => {
  const files = operands.filter(isSpecFile);
  if (files.length > 0 && operands.length > 1)
    throw new UsageError(`evaluate: ${files[0]} is a specification, which names its networks itself`);
  const [file] = files;
  const given = file === undefined ? { networks: operands } : await readSpecFile(file);
  const { data, ...fields } = fieldsFrom(values);
  const ownData = (given as { readonly data?: object }).data;
  try {
    return parseSpec({
      ...given,
      ...fields,
      ...(data || ownData ? { data: { ...ownData, ...(data as object | undefined) } } : {}),
    });
  } catch (cause) {
    throw cause instanceof SpecError ? specFault(operands, cause) : cause;
  }
};
