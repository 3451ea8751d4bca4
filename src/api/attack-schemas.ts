/** Schemas of POST /v1/attack. */
import { z } from "@hono/zod-openapi";
import { fieldsWith } from "../attacks/option-faults.ts";
import type { AttackResult, OutputName } from "../contract/attack.ts";
import { attackEntry, attackNames, normsOf } from "../attacks/catalogue.ts";
import { largestRadius, norms } from "../attacks/norms.ts";
import { optionDefinitions, optionNames, type OptionName } from "../attacks/options.ts";
import { MAX_MEMBERS, scalesSchema } from "../segmenter/manifest.ts";
import { fieldsByValue, objectExamples } from "../validation.ts";
import { AttackedCrf } from "./crf.ts";
import type { Limits } from "./operation.ts";
import type { Uploaded } from "./request.ts";
import {
  Backend,
  encoded,
  floatAndUint8,
  Image,
  Label,
  list,
  optionSchema,
  PixelRange,
  Radius,
  receiptOf,
  Reference,
  Seed,
  share,
  Size,
  Timing,
} from "./schemas.ts";
import { RegionScores, Targeted } from "./targeted.ts";
import { transformFields } from "./transform.ts";
import { Trials, TrialScores } from "./trials.ts";
import { Evaluations, Signs, Unchecked } from "./signs.ts";
import { Label255, VoidPixels, Warnings } from "./warnings.ts";

export const outputNames = [
  "adversarial",
  "adversarial-16bit",
  "adversarial-npy",
  "perturbation",
  "labels-before",
  "labels-after",
] as const satisfies readonly OutputName[];

export const AttackName = z.enum(attackNames).openapi({
  description: attackNames.map((name) => `\`${name}\`: ${attackEntry(name).summary}`).join(" "),
});

const AttackOrUniversal = z.enum([...attackNames, "universal"]).openapi({
  description:
    "An attack of `GET /v1/attacks`; or `universal`, which adds the perturbation of the part `delta` to the image, clips the sum to grey levels, and makes no steps",
});

/** A field for each option of any attack; options that the requested attack does not have are refused. */
export const optionFields = (limits: Limits) =>
  Object.fromEntries(
    optionNames.map((name) => [
      name,
      optionSchema(optionDefinitions[name], name === "steps" ? limits.steps : Infinity).optional(),
    ]),
  ) as Record<OptionName, z.ZodOptional<z.ZodType<number>>>;

const ClassWeights = z
  .array(z.number().min(0))
  .min(1)
  .max(255)
  .readonly()
  .openapi({
    description:
      "Weights of the model's classes in their order, such as 1/N of each class in the training set: for the class-balanced loss of `sea`, which otherwise takes 1/N of each class in the labels at hand",
    example: [1, 0.2, 3.5],
  });

/** The schema of an object that has an attack and its options beside other fields: it is told what the attack can have. */
export const withAttack = <S extends z.ZodType>(schema: S): S => {
  const fields = (value: unknown, all: readonly string[]) =>
    fieldsWith((value as { readonly attack?: unknown }).attack, all);
  fieldsByValue.add(schema, { fields });
  objectExamples.add(schema, { example: '{"attack":"pgd","steps":2}' });
  return schema;
};

/** What `epsilon` is, and what it is where it is absent. */
export const radiusText =
  "Radius in grey levels on the 0..255 scale: L∞, at most 255, or the L2 norm over all values of the image; 8 if absent, and 255 for `patch`; with `norm: l2` it has to be given. To a minimum-norm attack it is an upper bound, and there is none if absent";

export const AttackNorm = z.enum(norms).openapi({
  description: `Norm of \`epsilon\`, or what a minimum-norm attack makes small. By default the attack's own; ${attackNames
    .filter((name) => normsOf(name).length > 1)
    .map((name) => `\`${name}\``)
    .join(", ")} take both`,
});

/** The spec of a request; absent fields have defaults. */
export const attackSpec = (limits: Limits) =>
  withAttack(
    z
      .strictObject({
        model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
        sources: z
          .array(z.string())
          .min(1)
          .max(MAX_MEMBERS)
          .optional()
          .openapi({
            description: `Names of the models that the attack climbs in place of \`model\`, which is only scored: a transfer attack. Several, at most ${MAX_MEMBERS}, are an ensemble, whose logits are their mean. They have the model's classes`,
            example: ["icnet", "pspnet-resnet"],
          }),
        scales: scalesSchema.optional().openapi({
          description:
            "Scales of the image at which what is climbed sees it, in place of its own; the model is scored at its own",
          example: [0.5, 0.75, 1],
        }),
        fusion: z.enum(["max", "mean"]).optional().openapi({
          description: "How the logits of several `scales` are fused; by their largest if absent, as in DeepLab v2",
        }),
        attack: AttackOrUniversal,
        epsilon: Radius.max(largestRadius("l2")).optional().openapi({
          description: radiusText,
          example: 8,
        }),
        norm: AttackNorm.optional(),
        ...optionFields(limits),
        label: Label,
        targeted: Targeted.optional(),
        pixelRange: PixelRange,
        classWeights: ClassWeights.optional(),
        seed: Seed,
        crf: AttackedCrf,
        ...transformFields,
        trials: Trials.optional(),
        backend: Backend,
        label255: Label255,
        images: z
          .array(z.enum(outputNames))
          .max(outputNames.length)
          .default(["adversarial", "labels-before", "labels-after"])
          .openapi({
            description:
              "Images in the JSON result. `adversarial` is rounded to 8 bits; `adversarial-16bit` (PNG) and `adversarial-npy` (float32, [C, H, W], exact) are not; `perturbation` is amplified to be visible",
          }),
      })
      .openapi("AttackSpec", { example: { attack: "ifgsm-ii", epsilon: 8 } }),
  );

/** A request's spec and files. */
export type AskedAttack = Uploaded<z.output<ReturnType<typeof attackSpec>>, "image", "labels" | "target" | "delta">;

/** The options as they ran. */
export const optionNumbers = Object.fromEntries(optionNames.map((name) => [name, z.number().optional()])) as Record<
  OptionName,
  z.ZodOptional<z.ZodNumber>
>;

const AttackSpecRun = z
  .strictObject({
    model: z.string(),
    sources: list(z.string()).optional(),
    scales: list(z.number()).optional(),
    fusion: z.enum(["max", "mean"]).optional(),
    attack: AttackOrUniversal,
    epsilon: z.number().optional(),
    norm: AttackNorm,
    ...optionNumbers,
    steps: z.int(),
    label: z.enum(["prediction", "ground-truth"]),
    targeted: Targeted.optional(),
    pixelRange: z.enum(["clip", "none"]),
    classWeights: ClassWeights.optional(),
    seed: z.int(),
    crf: AttackedCrf,
    ...transformFields,
    trials: Trials.optional(),
    backend: Backend,
    label255: Label255,
  })
  .openapi("AttackSpecRun", { description: "The spec as it was executed, with defaults filled in" });

const beforeAndAfter = (description: string) =>
  z.strictObject({ clean: share(description), adversarial: share(description) });

const Scores = z
  .strictObject({
    iouRatio: z.number().nullable().openapi({ description: "Adversarial mIoU ÷ clean mIoU; null if undefined" }),
    miou: beforeAndAfter("Mean IoU over the classes present"),
    pixelAccuracy: beforeAndAfter("Share of non-void pixels with the reference's label"),
    perClass: list(beforeAndAfter("IoU of the class").extend({ class: z.int(), name: z.string() })),
  })
  .openapi("AttackScores");

export const Perturbation = z
  .strictObject({
    linf: z.number().openapi({ description: "Largest change of a channel, in grey levels" }),
    l2: z.number().openapi({ description: "Euclidean norm, in grey levels" }),
    l0: z.int().openapi({ description: "Pixels changed in any channel" }),
    psnr: z.number().nullable().openapi({ description: "dB; null if the images are equal" }),
    ssim: z
      .number()
      .nullable()
      .openapi({ description: "1 for equal images; null if a side is shorter than 11 pixels" }),
  })
  .openapi("Perturbation");

const stepFields = {
  step: z.int().openapi({ description: "Number of the step, from 1" }),
  loss: z.number().openapi({ description: "Value of the attack's objective" }),
  changedPixelShare: z
    .number()
    .openapi({ description: "Share of pixels whose label differs from the clean prediction" }),
};

/** The data of a `progress` event. */
export const AttackProgress = z.strictObject({ ...stepFields, steps: z.int() }).openapi("AttackProgress");

export const Attack = Size.extend({
  reference: Reference,
  voidPixels: VoidPixels,
  warnings: Warnings,
  scores: floatAndUint8(Scores),
  perturbation: floatAndUint8(Perturbation),
  region: floatAndUint8(RegionScores).extend({ pixels: z.int(), clean: RegionScores }).optional().openapi({
    description: "Of attacks on a region: what was reached in it, and what is kept elsewhere",
  }),
  trials: floatAndUint8(TrialScores).optional(),
  success: z.boolean().optional().openapi({
    description:
      "Of minimum-norm attacks: whether the option `success`'s share of the pixels was moved, so that the perturbation suffices. Where it is false, `perturbation` is no bound",
  }),
  steps: list(z.strictObject(stepFields)),
  masking: z.strictObject({ zeroGradientShare: z.number(), confidence: z.number() }).openapi({
    description:
      "Indicators of gradient masking, which weakens an attack: the share of exactly zero gradient components at the first step (of those at pixels that the network reads, where it resizes the image), and the mean confidence on the clean image",
  }),
  evaluations: Evaluations,
  signs: Signs,
  unchecked: Unchecked,
  timings: Timing,
  receipt: receiptOf(AttackSpecRun).extend({
    sources: list(z.strictObject({ model: z.string(), modelSha256: z.string() }))
      .optional()
      .openapi({ description: "The models that were climbed in place of `model`, where `spec.sources` names some" }),
  }),
  images: z.partialRecord(z.enum(outputNames), Image).openapi({ description: "The images that `spec.images` lists" }),
}).openapi("AttackResult");

/** The result with its images as base64. */
export const attackJson = (result: AttackResult): z.input<typeof Attack> => ({
  ...result,
  images: Object.fromEntries(Object.entries(result.images).map(([name, image]) => [name, encoded(image)])),
});
