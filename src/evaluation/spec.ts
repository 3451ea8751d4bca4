/** What an evaluation is: networks, pictures, attacks. The JSON Schema of specification files derives from this. */

import * as z from "zod";
import { attackNames } from "../attacks/catalogue.ts";
import { fieldsWith } from "../attacks/option-faults.ts";
import { largestRadius, norms } from "../attacks/norms.ts";
import { optionDefinitions, optionNames, type OptionDefinition } from "../attacks/options.ts";
import { layoutNames } from "../datasets/catalogue.ts";
import { fieldErrorsInWords, fieldsByValue, objectExamples } from "../validation.ts";
import {
  aroundSchema,
  crfChoiceSchema,
  defenceSchema,
  scaleChoiceSchema,
  sourceSchema,
  type CrfChoiceSpec,
  type DefenceSpec,
} from "./around-schema.ts";
import { commonRadiusFault, ownRadiusFault } from "./radii.ts";
import { canonicalJson, type Json } from "./row.ts";
import { targetedSchema } from "./targeted.ts";
import { labelFaults } from "./unlabelled.ts";

/** The radii of the paper, in grey levels. */
export const paperRadii = [0.25, 0.5, 1, 2, 4, 8, 16, 32] as const;

/** Attacks by one name: those of Arnab et al. 2018 at its radii; SEA at 4, 8 and 12 (Croce, Singh, Hein 2024). */
export const presets = {
  paper: { attacks: ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"], epsilon: paperRadii },
  sea: { attacks: ["sea"], epsilon: [4, 8, 12] },
} as const;

export const presetNames = ["paper", "sea"] as const satisfies readonly (keyof typeof presets)[];

/** Scenes that are drawn, beside the layouts of folders. */
export const streets = "streets";
export const datasetNames = [streets, ...layoutNames] as const;

/** 0 is the clean picture, which is always scored. */
const radius = z.number().min(0).max(largestRadius("linf"));
/** Of any norm: what is too large in L∞ is known with the attack. */
const anyRadius = z.number().min(0).max(largestRadius("l2"));
const radii = z.union([anyRadius, z.array(anyRadius).min(1)]);
const seed = z.int().min(0).max(0xffff_ffff);
const label = z.enum(["prediction", "ground-truth"]);

const optionSchema = ({ title, minimum, exclusive, maximum, integer, unit }: OptionDefinition) => {
  const number = integer ? z.int() : z.number();
  const ranged = (exclusive ? number.gt(minimum) : number.min(minimum)).max(maximum);
  return ranged.optional().describe(unit ? `${title}, in ${unit}` : title);
};

const optionFields = Object.fromEntries(optionNames.map((name) => [name, optionSchema(optionDefinitions[name])])) as {
  readonly [O in keyof typeof optionDefinitions]: z.ZodOptional<z.ZodNumber>;
};

const attackSchema = z
  .strictObject({
    attack: z.enum(attackNames),
    epsilon: radii
      .optional()
      .describe("Radius in grey levels, at most 255 in L∞, or several; in place of those of the evaluation"),
    norm: z.enum(norms).optional(),
    label: label.optional().describe("Labels to leave, in place of those of the evaluation"),
    pixelRange: z.enum(["clip", "none"]).optional().describe("Whether pixels stay within 0..255; clip if absent"),
    target: z.int().min(0).max(254).optional().describe("A class to approach, instead of leaving labels"),
    targeted: targetedSchema.optional().describe("What to approach, in place of the evaluation's own"),
    classWeights: z
      .array(z.number().min(0))
      .min(1)
      .max(255)
      .optional()
      .describe(
        "Weights of the classes, in their order, for the class-balanced loss of sea; 1/N of each class in the labels at hand if absent",
      ),
    ...optionFields,
  })
  .superRefine((entry, context) => {
    const fault = ownRadiusFault(entry);
    if (fault !== null) context.addIssue({ code: "custom", path: ["epsilon"], message: fault });
  })
  .describe("An attack with options");

const attackIn = (value: unknown): unknown => (value as { readonly attack?: unknown }).attack;

/** The fields that an attack of that name can have. */
export const attackFields = (attack: unknown): readonly string[] => fieldsWith(attack, Object.keys(attackSchema.shape));

objectExamples.add(attackSchema, { example: '{"attack":"pgd","steps":2}' });
fieldsByValue.add(attackSchema, {
  fields: (value) => (attackIn(value) === "universal" ? [] : attackFields(attackIn(value))),
});

/** Whether some attack has a field of that name. */
export const isAttackField = (name: string): boolean => Object.hasOwn(attackSchema.shape, name);

const universalSchema = z
  .strictObject({
    attack: z.literal("universal"),
    delta: z.string().min(1).describe("Its file, NPY [C, H, W], which `faultline universal` writes"),
    epsilon: radius.gt(0).optional().describe("The ball that it must lie in; the smallest that holds it if absent"),
  })
  .describe("A perturbation that was made beforehand, added to pictures of its size");

fieldsByValue.add(universalSchema, { fields: (value, all) => (attackIn(value) === "universal" ? all : []) });

export const dataSchema = z.strictObject({
  dataset: z
    .enum(datasetNames)
    .optional()
    .describe(
      "How the pictures lie in `path`; recognised by its folders if absent, but for `pictures`, which are without label maps",
    ),
  path: z.string().min(1).optional().describe("The folder, or the file of a list"),
  labels: z.string().min(1).optional().describe("A folder of label maps, where `path` is one of pictures named alike"),
  split: z.string().min(1).optional().describe("Which part, for example val; the data set's own if absent"),
  images: z.int().min(1).max(1_000_000).optional().describe("How many pictures, drawn by the seed; all if absent"),
  remap: z
    .record(z.string().regex(/^\d{1,3}$/, "a value of the label maps, from 0 to 255"), z.int().min(0).max(255))
    .optional()
    .describe("Values of the label maps that mean another class, or 255 for void"),
  palette: z.string().min(1).optional().describe("Whose colours label maps in RGB have; the network's if absent"),
  size: z
    .strictObject({ width: z.int().min(16).max(4096), height: z.int().min(16).max(4096) })
    .optional()
    .describe("Of streets"),
});

export const evaluationSchema = z
  .strictObject({
    networks: z.array(z.string().min(1)).min(1).describe("Folders with manifest.json, or names of networks that ship"),
    data: dataSchema.default({}),
    attacks: z
      .union([z.enum(presetNames), z.array(z.union([z.enum(attackNames), attackSchema, universalSchema]))])
      .default("paper")
      .describe("A preset, or attacks; the clean pictures are always scored"),
    epsilon: radii
      .optional()
      .describe(
        "Radii of attacks with a budget, in grey levels, at most 255 in L∞; those of the preset or of the paper if absent, which attacks in L2 do not take",
      ),
    label: label.default("prediction").describe("The labels that attacks leave"),
    targeted: targetedSchema.optional(),
    around: aroundSchema
      .optional()
      .describe(
        "What stands around every network, sources of transfer included, and in each variant that has none of its own; the manifest's own if absent",
      ),
    transform: z
      .array(defenceSchema)
      .default([])
      .describe("Transformations before each network, each a further variant"),
    crf: z.array(crfChoiceSchema).default([]).describe("CRFs behind each network, each a further variant"),
    scales: z
      .array(scaleChoiceSchema)
      .default([])
      .describe("Scales at which each network sees the pictures, each a further variant"),
    transferFrom: z
      .array(sourceSchema)
      .default([])
      .describe("Networks, or ensembles of several, whose adversarial pictures are scored on all others as well"),
    seeds: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe("How often what is random is run, with the seeds from `seed` on: starts, and draws of transformations"),
    repeats: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe("Further runs of each attack, from starts moved by 1e-3 grey levels"),
    small: z.number().min(0).max(1).default(0.01).describe("Share of the picture below which an object is small"),
    seed: seed.default(0).describe("Of all that is random, and of the choice of pictures"),
  })
  .superRefine((spec, context) => {
    const { epsilon, attacks } = spec;
    const entries = typeof attacks === "string" ? presets[attacks].attacks : attacks;
    const balled = entries.map((entry) => (typeof entry === "string" ? { attack: entry } : entry));
    const fault = commonRadiusFault(epsilon, balled);
    if (fault !== null) context.addIssue({ code: "custom", path: ["epsilon"], message: fault });
    for (const unlabelled of labelFaults(spec)) context.addIssue({ code: "custom", ...unlabelled });
  })
  .describe("An evaluation of networks on pictures, for `faultline evaluate`");

/** An evaluation with nothing left open. */
export type EvaluationSpec = z.output<typeof evaluationSchema>;
export type GivenSpec = z.input<typeof evaluationSchema>;

/** A text that two specifications share just where they say the same, in whatever order; of nothing it is that of null. */
export const specText = (spec: unknown): string => canonicalJson(JSON.parse(JSON.stringify(spec ?? null)) as Json);
export type AttackEntrySpec = z.output<typeof attackSchema>;
export type UniversalEntrySpec = z.output<typeof universalSchema>;

/** A specification that is not valid; each fault names its field. */
export class SpecError extends Error {
  override readonly name = "SpecError";
}

/** The networks that are named cannot be evaluated together: a fault of theirs, not of an option. */
export class NetworksError extends SpecError {}

const parsed = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new SpecError(fieldErrorsInWords(result.error, schema, value));
};

/** @throws SpecError that names each field at fault. */
export const parseSpec = (value: unknown): EvaluationSpec => parsed(evaluationSchema, value);

/** Transformations before a network, and how attacks take them. @throws SpecError that names each field at fault. */
export const parseDefence = (value: unknown): DefenceSpec => parsed(defenceSchema, value);

/** A CRF behind a network, or none. @throws SpecError that names each field at fault. */
export const parseCrfChoice = (value: unknown): CrfChoiceSpec =>
  parsed(z.object({ crf: crfChoiceSchema }), { crf: value }).crf;

/** The JSON Schema of what a specification file holds. */
export const specJsonSchema = (): object => z.toJSONSchema(evaluationSchema, { io: "input", unrepresentable: "any" });
