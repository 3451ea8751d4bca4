/** Schemas of POST /v1/certify. */
import { z } from "@hono/zod-openapi";
import { hierarchySchema } from "../segmenter/manifest.ts";
import type { Limits } from "./operation.ts";
import { Backend, Epsilon, Image, list, receiptOf, Reference, Seed, Size, Timing } from "./schemas.ts";
import { Label255, Warnings } from "./warnings.ts";

const Hierarchy = z
  .union([z.literal("manifest"), hierarchySchema, z.strictObject({ groups: hierarchySchema })])
  .openapi({
    description:
      "Groups of classes to certify where no class can be (AdaptiveCertify, ICML 2024): those of the manifest, or a list, which can be the `groups` of an object, as in the file of `faultline certify --hierarchy`. A member is a class or a group before, and in one group at most",
    example: [{ name: "ground", of: ["road", "pavement"] }],
  });

const shared = {
  model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
  seed: Seed,
  backend: Backend,
  label255: Label255,
};

const smoothingSpec = (limits: Limits) => {
  // A prediction costs about a third of an evaluation with a gradient.
  const draws = 3 * limits.gridSteps;
  return z
    .strictObject({
      method: z.literal("smoothing").default("smoothing").openapi({
        description:
          "Randomised smoothing: a certificate of the network that takes the most frequent label under noise",
      }),
      sigma: z
        .number()
        .gt(0)
        .max(255)
        .default(16)
        .openapi({ description: "Standard deviation of the Gaussian noise in grey levels of 0..255" }),
      tau: z
        .number()
        .min(0.5)
        .lt(1)
        .default(0.75)
        .openapi({ description: "The probability that a label must exceed under noise; the radius is σ·Φ⁻¹(τ)" }),
      alpha: z.number().gt(0).lt(1).default(0.001).openapi({
        description: "Largest probability that any certified label of the image is not the smoothed network's",
      }),
      selection: z
        .int()
        .min(1)
        .max(Math.min(1000, Math.max(1, Math.floor(draws / 2))))
        .default(Math.min(100, Math.max(1, Math.floor(draws / 4))))
        .openapi({ description: "Draws that choose each pixel's label" }),
      samples: z
        .int()
        .min(1)
        .max(Math.max(1, Math.floor(draws / 2)))
        .default(Math.min(1000, Math.max(1, Math.floor(draws / 2))))
        .openapi({ description: "Draws that test it" }),
      correction: z
        .enum(["holm", "bonferroni"])
        .default("holm")
        .openapi({ description: "How α is divided among the pixels" }),
      hierarchy: Hierarchy.optional(),
      ...shared,
    })
    .openapi("SmoothingSpec", { example: { model: "enet-street", sigma: 16 } });
};

const Rounding = z.enum(["bounded", "ignored"]);

const boundFields = {
  epsilon: Epsilon,
  largest: z.boolean().default(false).openapi({
    description:
      "Looks for the largest ε, within 5 %, at which any pixel is certified, too: of `linear` any of the sample, or the one that intervals certify the longest",
  }),
  rounding: Rounding.default("bounded").openapi({
    description:
      "`bounded`: the rounding of the network's float32 run, and of the bounds, is within them. `ignored`: as in exact arithmetic, which is no certificate of a network that runs in float32",
  }),
  ...shared,
};

const IntervalSpec = z
  .strictObject({
    method: z.literal("interval").openapi({
      description: "Interval bounds of the network itself, of all pixels at once",
    }),
    ...boundFields,
  })
  .openapi("IntervalSpec", { example: { method: "interval", model: "enet-street-float", epsilon: 0.01 } });

const linearSpec = (limits: Limits) =>
  z
    .strictObject({
      method: z.literal("linear").openapi({
        description:
          "Linear bounds (CROWN) of the network itself, which are tighter and take a backward pass for each other class of each pixel: of a sample",
      }),
      ...boundFields,
      pixels: z.int().min(1).max(limits.gridSteps).default(Math.min(16, limits.gridSteps)).openapi({
        description:
          "Pixels of the sample, chosen by `seed` from those that are not void in the labels; what intervals certify among them takes no pass",
      }),
    })
    .openapi("LinearSpec", { example: { method: "linear", model: "enet-street-float", epsilon: 0.01 } });

export const certifySpec = (limits: Limits) =>
  z
    .discriminatedUnion("method", [smoothingSpec(limits), IntervalSpec, linearSpec(limits)])
    .openapi("CertifySpec", { example: { model: "enet-street", sigma: 16 } });

const ran = { model: z.string(), seed: z.int(), backend: Backend, label255: Label255 };
const boundRan = { epsilon: z.number(), largest: z.boolean(), rounding: Rounding, ...ran };

const CertifySpecRun = z
  .discriminatedUnion("method", [
    z.strictObject({
      method: z.literal("smoothing"),
      sigma: z.number(),
      tau: z.number(),
      alpha: z.number(),
      selection: z.int(),
      samples: z.int(),
      correction: z.enum(["holm", "bonferroni"]),
      hierarchy: Hierarchy.optional(),
      ...ran,
    }),
    z.strictObject({ method: z.literal("interval"), ...boundRan }),
    z.strictObject({ method: z.literal("linear"), pixels: z.int(), ...boundRan }),
  ])
  .openapi("CertifySpecRun", { description: "The spec as it ran" });

const share = (description: string) =>
  z
    .number()
    .nullable()
    .openapi({ description: `${description}; 0..1, null where undefined` });

export const Certificate = Size.extend({
  reference: Reference,
  warnings: Warnings,
  radius: z.number().openapi({
    description:
      "Grey levels. Of smoothing L2, over all pixels and channels together: no perturbation of smaller norm changes a certified label of the smoothed network. Of bounds ε: no perturbation of at most so many grey levels in each channel changes one of the network itself",
  }),
  norm: z.enum(["l2", "linf"]).openapi({ description: "Norm of the radius: `l2` of smoothing, `linf` of bounds" }),
  scores: z.strictObject({
    certifiedAccuracy: share("Share of the pixels that are certified to have the reference's label"),
    miou: share("Mean IoU, where a pixel that is not certified is wrong"),
    abstainedShare: share("Share of the pixels for which nothing is certified"),
    wrongShare: share("Share of the pixels that are certified to have another label than the reference's"),
    hierarchical: z
      .strictObject({
        certifiedAccuracy: share(
          "Share of the pixels that are certified to be in a class or group that has the reference's",
        ),
        wrongShare: share("Share of the pixels that are certified to be in one that has not"),
        abstainedShare: share("Share of the pixels that are not even certified to be in a group"),
        informationGain: share(
          "Certified information gain: the mean of 1 − ln(classes of the group)/ln(classes), 0 for pixels that are not certified or wrong",
        ),
        levels: list(
          z.strictObject({
            height: z
              .int()
              .openapi({ description: "0 for classes; of a group one more than that of its highest member" }),
            certifiedAccuracy: share("As above, of this height alone"),
            wrongShare: share("As above, of this height alone"),
          }),
        ),
      })
      .optional()
      .openapi({ description: "With a hierarchy. The other scores are of pixels that are certified to be of a class" }),
    perClass: list(z.strictObject({ class: z.int(), name: z.string(), iou: share("IoU of the class") })),
  }),
  clean: z
    .strictObject({ miou: share("Mean IoU"), pixelAccuracy: share("Share of the pixels that are right") })
    .openapi({ description: "The network without noise" }),
  drawn: z.int().optional().openapi({
    description: "Of smoothing: draws of the test that were made; the rest could not have changed any decision",
  }),
  examined: z.int().optional().openapi({
    description:
      "Of bounds: the pixels that the scores are of: all that are not void in the labels, or the sample of them",
  }),
  largest: z.number().optional().openapi({
    description: "With `largest`: the largest ε at which any pixel is certified; 0 where none is, however small",
  }),
  images: z.strictObject({
    labels: Image.openapi({
      description: "Palette PNG of classes, then of the groups of the hierarchy; 255 where nothing is certified",
    }),
    outcome: Image.openapi({
      description:
        "Palette PNG: 0 certified, 1 certified to be of another class or group, 2 abstained, 3 certified to be in a group that has the reference's class, 255 void in the reference, or not among the pixels that were bounded",
    }),
  }),
  timings: Timing,
  receipt: receiptOf(CertifySpecRun),
}).openapi("Certificate");
