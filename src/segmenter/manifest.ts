/** A network's manifest: what is needed to attack it, and where it comes from. */

import { z } from "zod";

const grey = z.number().int().min(0).max(255);
const extent = z.union([z.number().int().positive().max(16384), z.literal("dynamic")]);
const perChannel = z.array(z.number()).length(3);

export const manifestSchema = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9._-]*$/, "lower-case letters, digits, '.', '_' and '-'"),
  architecture: z.string().min(1),
  dataset: z.string().min(1),
  classes: z
    .array(z.strictObject({ name: z.string().min(1), color: z.tuple([grey, grey, grey]) }))
    .min(2)
    .max(255),
  void: z.literal(255),
  file: z.string().regex(/^[^/\\]+$/, "a file beside the manifest"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
  precision: z.enum(["int8", "fp32"]),
  input: z.strictObject({
    name: z.string().min(1),
    layout: z.literal("NCHW"),
    width: extent,
    height: extent,
    multipleOf: z.number().int().positive().optional(),
    channels: z.enum(["RGB", "BGR"]),
    mean: perChannel,
    std: perChannel.refine((std) => std.every((s) => s !== 0), "no zeros"),
    scale: z.number().refine((s) => s !== 0, "not zero"),
  }),
  output: z.strictObject({
    name: z.string().min(1),
    kind: z.enum(["logits", "probabilities", "labels"]),
    stride: z.number().int().positive(),
  }),
  metrics: z.record(z.string(), z.unknown()),
  license: z.string().min(1),
  source: z.string().min(1),
  citation: z.string().min(1),
});

/**
 * The network's input is (scale·pixel − mean)/std per channel, in the order of `channels`; `mean` and `std` are in that order.
 * `dynamic` sizes follow the image, rounded to `multipleOf`. Outputs beyond `classes` are predicted but never scored.
 */
export type Manifest = z.infer<typeof manifestSchema>;

/** A manifest that is not valid, or not its network's; `field` names what is at fault, as in "input.name". */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  readonly detail: string;
  readonly field: string | undefined;
  constructor(detail: string, field?: string, options?: ErrorOptions) {
    super(field === undefined ? detail : `${field}: ${detail}`, options);
    this.detail = detail;
    this.field = field;
  }
}

/** @throws ManifestError that names each field at fault. */
export const parseManifest = (value: unknown): Manifest => {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".") || "(root)"}: ${issue.message}`);
  throw new ManifestError(`the manifest is not valid: ${faults.join("; ")}`);
};
