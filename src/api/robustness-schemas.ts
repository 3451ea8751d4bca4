/** The answers of POST /v1/robustness: of one image, and of several. */
import { z } from "@hono/zod-openapi";
import type { RobustnessResult, RobustnessSetResult } from "../contract/robustness.ts";
import { norms } from "../attacks/norms.ts";
import { AttackName, optionNumbers } from "./attack-schemas.ts";
import { AttackedCrf } from "./crf.ts";
import { Backend, floatAndUint8, list, receiptOf, Reference, share, Size, Timing } from "./schemas.ts";
import { Flags, Signs } from "./signs.ts";
import { transformFields } from "./transform.ts";
import { Label255, VoidPixels, Warnings } from "./warnings.ts";

const RobustnessSpecRun = z
  .strictObject({
    model: z.string(),
    attacks: list(z.union([AttackName, z.strictObject({ attack: AttackName, ...optionNumbers })])),
    epsilons: list(z.number()),
    norm: z.enum(norms),
    alpha: z.number().optional(),
    threshold: z.number(),
    label: z.enum(["prediction", "ground-truth"]),
    pixelRange: z.enum(["clip", "none"]),
    seed: z.int(),
    crf: AttackedCrf,
    ...transformFields,
    backend: Backend,
    label255: Label255,
  })
  .openapi("RobustnessSpecRun", { description: "The spec as it was executed, with defaults filled in" });

export const PointScores = z
  .strictObject({
    iouRatio: z.number().nullable().openapi({ description: "Adversarial mIoU ÷ clean mIoU; null if undefined" }),
    miou: share("Adversarial mean IoU"),
    pixelAccuracy: share("Adversarial pixel accuracy"),
  })
  .openapi("PointScores");

const threshold = z
  .number()
  .openapi({ description: "That of the spec: the IoU ratio below which the network is broken, in 0..1" });

const radius = z.number().openapi({ description: "Radius in grey levels" });
const stepCount = z.int().openapi({ description: "Steps of the attack" });

const CurvePoint = floatAndUint8(PointScores)
  .extend({
    attack: AttackName,
    epsilon: radius,
    steps: stepCount,
    signs: Signs.openapi({ description: "What the attack itself showed, as in AttackResult" }),
  })
  .openapi("CurvePoint");

const FlaggedPoint = CurvePoint.extend({ flags: Flags }).openapi("FlaggedPoint");

const SmallestEpsilon = z.strictObject({ float: z.number().nullable(), uint8: z.number().nullable() });

export const Robustness = Size.extend({
  reference: Reference,
  voidPixels: VoidPixels,
  warnings: Warnings,
  threshold,
  clean: z
    .strictObject({ miou: share("Clean mean IoU"), pixelAccuracy: share("Clean pixel accuracy") })
    .openapi({ description: "Scores of the image before any attack, against `reference`" }),
  curve: list(FlaggedPoint).openapi({ description: "A point for each attack and radius of the grid" }),
  breaking: list(SmallestEpsilon.extend({ attack: AttackName })).openapi({
    description: "Smallest ε of the grid at which the attack breaks the network; null if there is none",
  }),
  smallestEpsilon: SmallestEpsilon.openapi({ description: "The smallest over all attacks, in grey levels" }),
  verdict: z.enum(["broken", "undecided", "not-broken"]).openapi({
    description:
      "`broken` if any attack of the grid breaks the network, with the float or the rounded image. `undecided` if none does, and `signs` tell why that says little: weak attacks, a masked gradient, too few pixels. `not-broken` is no proof either",
  }),
  masking: z.strictObject({ zeroGradientShare: z.number(), confidence: z.number() }).openapi({
    description:
      "Indicators of gradient masking, which makes the verdict less reliable: the largest share of exactly zero components in a first gradient (of those at pixels that the network reads, where it resizes the image), and the mean confidence on the clean image",
  }),
  signs: Signs,
  summary: z.string().openapi({
    description: "The verdict in a sentence",
    example: "Broken by ifgsm-ii at ε = 1: the IoU ratio is 0.41, below 0.5.",
  }),
  cost: z.strictObject({ pixels: z.int(), steps: z.int(), work: z.int(), maxWork: z.number() }).openapi({
    description:
      "What the request cost: the image's pixels, the steps of the whole grid, and their product, of which a request may have `maxWork`. A grid with other radii or another image costs in proportion; one that costs more is refused before anything is computed, with the same figures",
  }),
  timings: Timing,
  receipt: receiptOf(RobustnessSpecRun),
}).openapi("RobustnessResult");

const Estimate = z
  .strictObject({
    value: z.number().nullable(),
    interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  })
  .openapi("Estimate", {
    description:
      "A score of the pooled counts, and its 95 % interval over the images (percentile bootstrap); with fewer than 20 images such intervals are too narrow",
  });

const pooledScores = {
  miou: Estimate,
  nmiou: Estimate.openapi({ description: "The mean of the images' own mIoUs" }),
  pixelAccuracy: Estimate,
};

const RobustnessOfSet = z
  .strictObject({
    images: list(Robustness).openapi({ description: "Each image on its own, in the order of the request" }),
    reference: Reference,
    threshold,
    bootstrap: z
      .strictObject({ replicates: z.int(), seed: z.int() })
      .openapi({ description: "Resamplings of the images that the intervals are of, and their seed" }),
    clean: z.strictObject(pooledScores).openapi({
      description: "Scores before any attack, of the counts of all images together, in 0..1",
    }),
    curve: list(
      z
        .strictObject({
          attack: AttackName,
          epsilon: radius,
          steps: stepCount,
          iouRatio: Estimate,
          iouRatioUint8: z
            .number()
            .nullable()
            .openapi({ description: "The IoU ratio of the images rounded to 8 bits; null if undefined" }),
          flags: Flags,
          ...pooledScores,
        })
        .openapi("PooledPoint"),
    ).openapi({ description: "A point for each attack and radius of the grid, of the counts of all images together" }),
    breaking: list(SmallestEpsilon.extend({ attack: AttackName })).openapi({
      description:
        "Smallest ε of the grid at which the attack's pooled IoU ratio is below the threshold; null if there is none",
    }),
    smallestEpsilon: SmallestEpsilon.openapi({
      description: "The smallest ε whose pooled IoU ratio is below the threshold, in grey levels",
    }),
    verdict: z.enum(["broken", "undecided", "not-broken"]).openapi({
      description:
        "`broken` where the whole interval of a point lies below the threshold; `not-broken` where no interval and no pooled IoU ratio does so in part, and neither an image nor the pooled curve has signs; else `undecided`",
    }),
    signs: Signs.openapi({ description: "Signs of the pooled curve; those of each image are with it" }),
    summary: z.string().openapi({ description: "The smallest pooled IoU ratio of the curve, in a sentence" }),
    cost: Robustness.shape.cost,
    timings: Timing,
  })
  .openapi("RobustnessSetResult");

export const Answer = z.union([Robustness, RobustnessOfSet]);

/** The rows of one image or several; they are an answer of their own. */
export const rowsOf = (result: RobustnessResult | RobustnessSetResult): RobustnessResult["rows"] =>
  "images" in result ? result.images.flatMap(({ rows }) => rows) : result.rows;

const oneWithoutRows = (result: RobustnessResult): z.input<typeof Robustness> => {
  const { rows: _, ...shown } = result;
  return shown;
};

export const withoutRows = (result: RobustnessResult | RobustnessSetResult): z.input<typeof Answer> =>
  "images" in result ? { ...result, images: result.images.map(oneWithoutRows) } : oneWithoutRows(result);
