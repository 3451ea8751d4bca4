/** Schemas that several resources share, with their units. */
import { z } from "@hono/zod-openapi";
import { largestRadius, norms } from "../attacks/norms.ts";
import { optionDefinitions, type OptionDefinition } from "../attacks/options.ts";
import type { EncodedImage } from "../contract/files.ts";
import type { Timings } from "../contract/receipt.ts";
import { toBase64 } from "./base64.ts";

export const list = <S extends z.ZodType>(item: S) => z.array(item).readonly();

/** Binary data, which JSON Schema 2020-12 describes by `contentMediaType`. */
export const file = (contentMediaType: string, description: string) => {
  const keywords = { contentMediaType, description };
  return z.string().openapi(keywords);
};

/** A file as base64 text. */
export const base64 = (description: string) => {
  const keywords = { contentEncoding: "base64", description };
  return z.string().openapi(keywords);
};

/** A quantity in 0..1 that may be undefined. */
export const share = (description: string) =>
  z
    .number()
    .nullable()
    .openapi({ description: `${description}; 0..1, null if undefined` });

export const Size = z.strictObject({
  width: z.int().openapi({ description: "Pixels" }),
  height: z.int().openapi({ description: "Pixels" }),
});

export const Timing = z
  .object({ total: z.number() })
  .catchall(z.number())
  .openapi("Timings", { description: "Milliseconds by stage, and in total", example: { run: 812.4, total: 901.7 } });

export const Image = z
  .strictObject({
    mediaType: z.enum(["image/png", "application/x-npy"]),
    data: base64("The file"),
  })
  .openapi("Image", { example: { mediaType: "image/png", data: "iVBORw0KGgo…" } });

export const encoded = ({ mediaType, data }: EncodedImage): z.input<typeof Image> => ({
  mediaType,
  data: toBase64(data),
});

/** A response whose body is an encoded image. `mediaType` and `name` are those of a PNG; an image that cannot be one is NPY. */
export const imageResponse = (image: EncodedImage, mediaType: string, name: string, timings: Timings): Response =>
  new Response(image.data, {
    headers: {
      "Content-Type": image.mediaType === "image/png" ? mediaType : image.mediaType,
      "Content-Disposition": `inline; filename="${image.mediaType === "image/png" ? name : name.replace(/\.png$/, ".npy")}"`,
      "Server-Timing": serverTiming(timings),
    },
  });

export const serverTiming = (timings: Timings): string =>
  Object.entries(timings)
    .map(([stage, ms]) => `${stage.replaceAll(/[^\w-]/g, "-")};dur=${ms.toFixed(1)}`)
    .join(", ");

/** The same scores for the float image and for its rounding to 8 bits. */
export const floatAndUint8 = <S extends z.ZodType>(schema: S) =>
  z.strictObject({
    float: schema.openapi({ description: "Scores of the float image" }),
    uint8: schema.openapi({ description: "Scores of the image rounded to 8 bits per channel, as in a PNG file" }),
  });

export const Reference = z.enum(["prediction", "ground-truth"]).openapi("Reference", {
  description:
    "The reference of the scores: the labels of the request, or without labels the clean prediction (whose mIoU is then 1)",
});

export const Label = z.enum(["prediction", "ground-truth"]).default("prediction").openapi({
  description:
    "The labels from which untargeted attacks lead away: the network's clean prediction (as in the paper), or the labels of the request. The II attacks ignore this field.",
});

export const PixelRange = z.enum(["clip", "none"]).default("clip").openapi({
  description: "`clip` clips pixels to 0..255; `none` does not, as in the paper's released code",
});

export const Seed = z.int().min(0).max(0xffff_ffff).default(0).openapi({
  description: "Seed of the random numbers, such as PGD's start. The same seed gives the same result",
});

const backends = ["webgpu", "native", "wasm"] as const;

/** Where a network ran. */
export const RanOn = z.enum(backends);

export const Backend = z
  .enum(["auto", ...backends])
  .optional()
  .openapi({
    description:
      "The backend of the network. `auto` is WebGPU if the host has an adapter and the whole network runs on it, otherwise native onnxruntime if the host has it, otherwise WebAssembly. The default is the service's setting. Workers support WebAssembly only",
  });

/** A radius of any norm; its maximum depends on the norm. */
export const Radius = z.number().positive();

export const Epsilon = Radius.max(largestRadius("linf")).openapi({
  description: "L∞ radius in grey levels on the 0..255 scale",
  example: 8,
});

/** The schema of an option of attacks. @param limit lowers the maximum of the option. */
export const optionSchema = (
  { minimum, exclusive = false, maximum, integer = false, description }: OptionDefinition,
  limit = Infinity,
): z.ZodType<number> => {
  const number = integer ? z.int() : z.number();
  const above = exclusive ? number.gt(minimum) : number.min(minimum);
  return above.max(Math.min(maximum, limit)).openapi({ description });
};

export const Alpha = optionSchema(optionDefinitions.alpha);

/** The norm of the radii of a request whose attacks are all in one. */
export const RadiusNorm = z.enum(norms).default("linf").openapi({
  description:
    "Norm of the radii, which all attacks of the request have to take: L∞, or L2 over all values of the image",
});

/** The backend, and the reason for its choice. */
export const ran = {
  backend: RanOn,
  backendWhy: z.string().openapi({ description: "Reason for the choice of the backend", example: "it was asked for" }),
};

export const Notes = list(z.string()).openapi({
  description: "What was assumed of the network, and what was changed to run it, in whole sentences",
});

export const receiptOf = <S extends z.ZodType>(spec: S) =>
  z
    .strictObject({
      model: z.string(),
      modelSha256: z.string(),
      spec,
      seed: z.int(),
      versions: z.strictObject({ faultline: z.string(), onnxruntime: z.string() }),
      ...ran,
      notes: Notes,
    })
    .openapi({ description: "The parameters of the run, sufficient to repeat it" });
