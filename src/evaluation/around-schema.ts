/** What stands around the networks of an evaluation, as a specification has it: transformations, CRFs, scales, sources of transfer. */

import * as z from "zod";
import { MAX_DRAWS, throughs } from "../segmenter/defence.ts";
import { crfSchema, MAX_MEMBERS, scalesSchema, transformsSchema } from "../segmenter/manifest.ts";

export const defenceSchema = z.strictObject({
  transform: transformsSchema,
  through: z.enum(throughs).default("differentiable").describe("How attacks take the transformations"),
  draws: z.int().min(1).max(MAX_DRAWS).default(1).describe("Draws over which each gradient is averaged"),
});

export const crfChoiceSchema = z.union([
  z.literal("none").describe("The network without the CRF of its manifest"),
  crfSchema.extend({ attacked: z.boolean().default(true).describe("Whether attacks climb through the CRF") }),
]);

const fusion = z
  .enum(["max", "mean"])
  .optional()
  .describe("How the logits of several scales are fused; by their largest if absent");

export const scaleChoiceSchema = z.union([
  scalesSchema,
  z.strictObject({
    scales: scalesSchema,
    fusion,
    attacked: z
      .boolean()
      .default(true)
      .describe("Whether attacks climb through the scales; else they climb the network at its own, and go around them"),
  }),
]);

export const sourceSchema = z.union([
  z.string().min(1),
  z.strictObject({
    networks: z.array(z.string().min(1)).min(1).max(MAX_MEMBERS).describe("Several are an ensemble of mean logits"),
    scales: scalesSchema.optional().describe("At which the attack climbs them, in place of their own"),
    fusion,
  }),
]);

/** As the fields of POST /v1/robustness: what is absent is the manifest's own. */
export const aroundSchema = z
  .strictObject({
    transform: z
      .union([
        z.literal("none").describe("The networks without the transformations of their manifests"),
        transformsSchema,
      ])
      .optional()
      .describe("Transformations before each network, in place of its own"),
    through: z.enum(throughs).optional().describe("How attacks take the transformations; differentiable if absent"),
    draws: z.int().min(1).max(MAX_DRAWS).optional().describe("Draws over which each gradient is averaged; 1 if absent"),
    crf: crfChoiceSchema.optional().describe("A CRF behind each network, in place of its own"),
  })
  .superRefine(({ transform, through, draws }, context) => {
    if (transform !== "none") return;
    for (const [field, value] of Object.entries({ through, draws }))
      if (value !== undefined)
        context.addIssue({ code: "custom", path: [field], message: "must be absent, as there is no transformation" });
  });

export type AroundSpec = z.output<typeof aroundSchema>;
export type DefenceSpec = z.output<typeof defenceSchema>;
export type CrfChoiceSpec = z.output<typeof crfChoiceSchema>;
export type SourceSpec = z.output<typeof sourceSchema>;
