/** What a network must satisfy to pass, as a file. */

import { z } from "zod";
import { fieldErrorsInWords } from "../validation.ts";
import { norms } from "../attacks/norms.ts";

const At = {
  attack: z.string().min(1).optional().describe("Name of the attack; every attack where absent"),
  epsilon: z.number().min(0).optional().describe("Radius in grey levels; every radius where absent"),
  norm: z
    .enum(norms)
    .optional()
    .describe("Norm of the radius and of the attack; where absent linf if `epsilon` is given, else every norm"),
  network: z.string().min(1).optional().describe("Name of the network in the report; every network where absent"),
};

const shareDetail = (given: unknown): string => {
  const percent = typeof given === "number" && given <= 100 ? `; did you mean ${given / 100}?` : "";
  return `must be at most 1, as scores are shares and no percentages${percent}`;
};

/** Its schema in JSON has the bound as a keyword; the error says more than the bound. */
const Share = z
  .number()
  .min(0)
  .refine((value) => value <= 1, { error: ({ input }) => shareDetail(input) })
  .meta({ maximum: 1 });

const Bounds = z
  .strictObject({
    metric: z
      .enum([
        "iou-ratio",
        "miou",
        "pixel-accuracy",
        "iou-ratio-uint8",
        "clean-miou",
        "worst-case-iou-ratio",
        "region-resisted",
      ])
      .describe(
        "Scores from 0 to 1; region-resisted is the share of an attacked region that does not take the label to approach",
      ),
    min: Share.describe("The least that passes, from 0 to 1"),
    bound: z
      .enum(["value", "interval-low"])
      .default("value")
      .describe("Which must reach `min`: the score itself, or the low end of its 95 % interval"),
    class: z.string().min(1).optional().describe("The score of one class, by name (iou-ratio and miou)"),
    ...At,
  })
  .describe("A score must be at least `min`");

const NotMoreFragile = z
  .strictObject({
    notMoreFragileThan: z.string().min(1).describe("The baseline: a network of the report by name, or a file of rows"),
    points: z.number().min(0).describe("By how many points of IoU ratio (0 to 100) it may be"),
    ...At,
  })
  .describe("Fails where the paired 95 % interval of the difference lies below −points");

const NoMasking = z
  .strictObject({ masking: z.literal("none"), network: At.network })
  .describe("No attack may show a sign of a masked gradient (gradient-zero, saturated)");

const Rule = z.union([Bounds, NotMoreFragile, NoMasking]);

export const policySchema = z
  .strictObject({
    name: z.string().optional().describe("Of the policy, for people"),
    rules: z.array(Rule).min(1).max(1000).describe("All must hold; a rule that no row answers fails"),
  })
  .describe("Policy of faultline gate");

export type Policy = z.infer<typeof policySchema>;
export type PolicyRule = Policy["rules"][number];

/** A policy that cannot be read. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/** @throws PolicyError with the fields that are wrong and what they must be. */
export const readPolicy = (value: unknown): Policy => {
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PolicyError(fieldErrorsInWords(parsed.error, policySchema, value));
};

/** The JSON Schema (draft 2020-12) of policies. */
export const policyJsonSchema = (): object => z.toJSONSchema(policySchema, { io: "input" });
