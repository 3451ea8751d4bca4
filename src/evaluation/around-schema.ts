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

export type DefenceSpec = z.output<typeof defenceSchema>;
export type CrfChoiceSpec = z.output<typeof crfChoiceSchema>;
export type SourceSpec = z.output<typeof sourceSchema>;
