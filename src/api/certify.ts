/** POST /v1/certify: labels of an image that no perturbation up to a radius changes. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { hierarchySchema } from "../segmenter/manifest.ts";
import { negotiate } from "./accept.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { imageProblems, problemResponses } from "./problem-schema.ts";
import { readImageRequest } from "./request.ts";
import { Backend, encoded, Image, list, receiptOf, Reference, Seed, serverTiming, Size, Timing } from "./schemas.ts";
import { uploadBody } from "./upload.ts";
import { Label255, Warnings } from "./warnings.ts";

const Hierarchy = z.union([z.literal("manifest"), hierarchySchema]).openapi({
  description:
    "Groups of classes to certify where no class can be (AdaptiveCertify, ICML 2024): those of the manifest, or a list. A member is a class or a group before, and in one group at most",
  example: [{ name: "ground", of: ["road", "pavement"] }],
});

const certifySpec = (limits: Limits) => {
  // A prediction costs about a third of an evaluation with a gradient.
  const draws = 3 * limits.gridSteps;
  return z
    .strictObject({
      model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
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
      seed: Seed,
      backend: Backend,
      label255: Label255,
    })
    .openapi("CertifySpec", { example: { model: "enet-street", sigma: 16 } });
};

const CertifySpecRun = z
  .strictObject({
    model: z.string(),
    sigma: z.number(),
    tau: z.number(),
    alpha: z.number(),
    selection: z.int(),
    samples: z.int(),
    correction: z.enum(["holm", "bonferroni"]),
    hierarchy: Hierarchy.optional(),
    seed: z.int(),
    backend: Backend,
    label255: Label255,
  })
  .openapi("CertifySpecRun", { description: "The spec as it ran" });

const share = (description: string) =>
  z
    .number()
    .nullable()
    .openapi({ description: `${description}; 0..1, null where undefined` });

const Certificate = Size.extend({
  reference: Reference,
  warnings: Warnings,
  radius: z.number().openapi({
    description:
      "L2, grey levels, over all pixels and channels together: no perturbation of smaller norm changes a certified label of the smoothed network",
  }),
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
  drawn: z
    .int()
    .openapi({ description: "Draws of the test that were made; the rest could not have changed any decision" }),
  images: z.strictObject({
    labels: Image.openapi({
      description: "Palette PNG of classes, then of the groups of the hierarchy; 255 where nothing is certified",
    }),
    outcome: Image.openapi({
      description:
        "Palette PNG: 0 certified, 1 certified to be of another class or group, 2 abstained, 3 certified to be in a group that has the reference's class, 255 void in the reference",
    }),
  }),
  timings: Timing,
  receipt: receiptOf(CertifySpecRun),
}).openapi("Certificate");

const uploadOf = (limits: Limits) => ({
  spec: certifySpec(limits),
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: { labels: "Ground truth: a PNG of the image's size, 255 void; or in the colours of the classes" },
});

export const certify = (service: Service, limits: Limits): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/certify",
      operationId: "certify",
      tags: ["Images"],
      summary: "Certify labels that no small perturbation changes",
      description:
        "Randomised smoothing (SegCertify, ICML 2021): labels the image many times under Gaussian noise, and certifies each pixel whose most frequent label is significantly more frequent than τ. The certificate is one of the network that takes the most frequent label. Networks without a gradient can be certified too.",
      curl: `curl http://localhost:8787/v1/certify \\
  -F image=@street.png \\
  -F 'spec={"model":"enet-street","sigma":16};type=application/json'`,
      request: { body: uploadBody("Certify", upload, { model: "enet-street", sigma: 16 }) },
      responses: {
        200: { description: "The certificate.", content: { "application/json": { schema: Certificate } } },
        ...problemResponses(...imageProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      const { spec, image, labels } = await readImageRequest(c, upload, limits.bodyBytes);
      const model = spec.model ?? service.defaultModel;
      const result = await service.certify({ spec: { ...spec, model }, image, labels }, { signal: c.req.raw.signal });
      const images = { labels: encoded(result.images.labels), outcome: encoded(result.images.outcome) };
      return json(c, Certificate, { ...result, images }, { "Server-Timing": serverTiming(result.timings) });
    },
  );
};
