/** A network's manifest: what is needed to attack it, and where it comes from. */

import * as z from "zod";
import { crfRnn } from "../crf/parameters.ts";
import { transformEntry, transformNames, type TransformName } from "../transforms/catalogue.ts";
import { MAX_TRANSFORMS, type TransformSpec } from "../transforms/pipeline.ts";
import type { TransformOption } from "../transforms/transform.ts";

/** Of a network's input. */
const MAX_CHANNELS = 64;

const grey = z.number().int().min(0).max(255);
const extent = z.union([z.number().int().positive().max(16384), z.literal("dynamic")]);
const name = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "lower-case letters, digits, '.', '_' and '-'");
const perChannel = z.array(z.number()).min(1).max(MAX_CHANNELS);
const text = z.string().min(1);

const channels = z.union(
  [z.enum(["RGB", "BGR", "GRAY"]), z.array(z.string().min(1).max(64)).min(1).max(MAX_CHANNELS)],
  '"RGB", "BGR", "GRAY", or a list of the names of the picture\'s channels',
);

/** Number of the network's input channels, and of the planes of its pictures. */
export const channelCount = (of: z.infer<typeof channels>): number =>
  typeof of === "string" ? { RGB: 3, BGR: 3, GRAY: 1 }[of] : of.length;

/** How the pixels of a picture become the network's input. */
const inputSchema = z
  .strictObject({
    name: text,
    layout: z.enum(["NCHW", "NHWC", "CHW", "HWC"]).default("NCHW"),
    width: extent,
    height: extent,
    multipleOf: z.number().int().positive().optional(),
    fit: z.enum(["resize", "pad", "tile"]).optional(),
    overlap: z.number().int().min(0).optional(),
    channels,
    mean: perChannel,
    std: perChannel.refine((std) => std.every((s) => s !== 0), "must hold no zeros"),
    scale: z.number().refine((s) => s !== 0, "must not be 0"),
  })
  .superRefine((input, context) => {
    const count = channelCount(input.channels);
    for (const field of ["mean", "std"] as const) {
      if (input[field].length === count) continue;
      const message = `must have a number for each channel, ${count}, not ${input[field].length}`;
      context.addIssue({ code: "custom", path: [field], message });
    }
  });

/** What the network's output means. */
const outputSchema = z.strictObject({
  name: text,
  kind: z.enum(["logits", "probabilities", "labels"]),
  layout: z.enum(["NCHW", "NHWC", "CHW", "HWC", "NHW", "HW"]).optional(),
  activation: z.enum(["softmax", "sigmoid"]).optional(),
  threshold: z.number().gt(0).lt(1).optional(),
  stride: z.number().int().positive(),
});

/** Fully connected CRF; what is left out is that of CRF-RNN, and the parameters' ranges are checked where it is used. */
export const crfSchema = z.strictObject({
  iterations: z.number().int().default(crfRnn.iterations),
  gaussian: z.strictObject({ weight: z.number(), theta: z.number() }).default(crfRnn.gaussian),
  bilateral: z
    .strictObject({ weight: z.number(), thetaAlpha: z.number(), thetaBeta: z.number() })
    .default(crfRnn.bilateral),
  compatibility: z.union([z.literal("potts"), z.array(z.array(z.number()).readonly()).readonly()]).exactOptional(),
});

const optionSchema = ({ minimum, maximum, integer, structural, ...texts }: TransformOption) => {
  const one = (integer ? z.number().int() : z.number()).min(minimum).max(maximum);
  const usual = typeof texts.default === "number" ? `${texts.default}` : `between ${texts.default.join(" and ")}`;
  const unit = texts.unit ? `, in ${texts.unit}` : "";
  return (structural ? one : z.union([one, z.tuple([one, one])]))
    .optional()
    .describe(`${texts.description}${unit}; ${usual} if absent`);
};

const transformSchema = (name: TransformName) => {
  const { summary, options } = transformEntry(name);
  const fields = Object.entries(options).map(([option, definition]) => [option, optionSchema(definition)]);
  return z.strictObject({ name: z.literal(name), ...Object.fromEntries(fields) }).describe(summary);
};

const [firstTransform, ...otherTransforms] = transformNames.map(transformSchema);

/** Transformations in the order in which an image passes them; an option is a number, or [low, high] from which it is drawn. */
export const transformsSchema = z
  .array(z.discriminatedUnion("name", [firstTransform!, ...otherTransforms]))
  .min(1)
  .max(MAX_TRANSFORMS) as unknown as z.ZodType<TransformSpec[]>;

/** How many scales there may be, and their range. */
export const SCALES = { most: 8, least: 0.1, largest: 4 } as const;

/** Networks of one ensemble at most: their weights and activations are in one graph. */
export const MAX_MEMBERS = 4;

/** Scales of the image at which a network sees it. */
export const scalesSchema = z.array(z.number().min(SCALES.least).max(SCALES.largest)).min(1).max(SCALES.most);

/** Groups of classes, of which hierarchy.ts has the rules. */
export const hierarchySchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(64),
      of: z.array(z.string().min(1).max(200)).min(2).max(255).readonly(),
    }),
  )
  .min(1)
  .max(253)
  .readonly();

export const manifestSchema = z.strictObject({
  name,
  architecture: text.optional(),
  dataset: text.optional(),
  classes: z
    .array(z.strictObject({ name: text, color: z.tuple([grey, grey, grey]) }))
    .min(2)
    .max(255),
  void: z.literal(255).default(255),
  file: z.string().regex(/^[^/\\]+$/, "a file beside the manifest"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
  network: name.optional(),
  precision: z.enum(["int8", "fp32"]),
  input: inputSchema,
  output: outputSchema,
  scales: scalesSchema.optional(),
  fusion: z.enum(["max", "mean"]).optional(),
  crf: crfSchema.optional(),
  transform: transformsSchema.optional(),
  hierarchy: hierarchySchema.optional(),
  assumed: z.array(text.max(1000)).max(32).optional(),
  metrics: z.record(z.string(), z.unknown()).default({}),
  license: text.optional(),
  source: text.optional(),
  citation: text.optional(),
});

/**
 * What is said of a network: its classes, its input and output, its origin.
 *
 * The network's input is (scale·pixel − mean)/std per channel, in the order of `channels`; `mean` and `std` are in that order.
 * `GRAY` is for pictures of one channel; a picture in colour is made grey by its luma. A list names the channels of pictures that
 * have others than red, green and blue.
 * Where the network's own input is uint8, the result is rounded to it. `layout` is the order of the axes; N has one element.
 * `dynamic` sizes follow the image, rounded to `multipleOf`. Outputs beyond `classes` are predicted but never scored.
 *
 * `input.fit`: what becomes of an image of another size. It is resized (the default), or padded with the mean colour to
 * the next multiple, or cut into tiles of the fixed `width` × `height` that overlap by at least `overlap` pixels. Where
 * there are several `scales`, the logits of the image at each are fused, by their largest (the default) or their mean.
 *
 * `output.layout` is the order of the output's axes; without C there is one channel. By default it is NCHW, and for labels it follows
 * from the shape. `output.activation` is `softmax` (the default), where the channels are the classes, or `sigmoid`, where each channel
 * decides for itself: the first class is then the background, which is where no channel reaches `output.threshold` (default 0.5), and the
 * others are the channels. `output.kind` is `labels` where the network gives class indices alone.
 *
 * `crf`: a fully connected CRF behind the logits; src/crf/parameters.ts has its symbols.
 *
 * `transform`: transformations before the network, as a defence; src/transforms/catalogue.ts has their options.
 *
 * `hierarchy`: groups of classes, which certificates fall back to; hierarchy.ts has the rules.
 *
 * `assumed`: what was assumed when the manifest was made from the file, in whole sentences; receipts repeat it. To be deleted once checked.
 *
 * `network`: of another shipped network, whose file this one is too; `file` and `sha256` are that one's.
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

/** A fault of a field in words; undefined leaves it to zod, whose words are clear for numbers out of range and unknown fields. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== "unrecognized_keys" && issue.input === undefined) return "is required";
  if (issue.code === "invalid_value") return `must be ${issue.values.map((v) => JSON.stringify(v)).join(" or ")}`;
  if (issue.code === "invalid_type") return `must be of type ${issue.expected}`;
  if (issue.code === "unrecognized_keys") return `has no field ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
  return undefined;
};

/** A manifest from JSON. @throws ManifestError that names each field at fault. */
export const parseManifest = (value: unknown): Manifest => {
  const result = manifestSchema.safeParse(value, { error: inWords });
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".") || "(root)"}: ${issue.message}`);
  throw new ManifestError(`the manifest is not valid: ${faults.join("; ")}`);
};

/** Whose file it is: its own, or another shipped network's. @throws ManifestError where that one is not there, or differs. */
export const ownerOf = (manifest: Manifest, shipped: readonly Manifest[]): Manifest => {
  const { network } = manifest;
  if (network === undefined) return manifest;
  const owner = shipped.find(({ name }) => name === network);
  if (!owner || owner.network !== undefined)
    throw new ManifestError(`"${network}" is no shipped network with a file of its own`, "network");
  for (const field of ["file", "sha256"] as const) {
    if (manifest[field] === owner[field]) continue;
    throw new ManifestError(`is ${manifest[field]}, but ${network}'s is ${owner[field]}`, field);
  }
  return owner;
};

/** For a network that comes with a file. @throws ManifestError where the manifest names another's. */
export const withOwnFile = <M extends Pick<Manifest, "network">>(manifest: M): M => {
  if (manifest.network === undefined) return manifest;
  throw new ManifestError("is for variants of shipped networks, which share a file; this one has its own", "network");
};

/** Whether the network runs on pictures of several sizes, and so at several scales. */
export const takesScales = ({ fit, width, height }: Manifest["input"]): boolean =>
  fit === "tile" || width === "dynamic" || height === "dynamic";
