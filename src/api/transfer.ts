/** POST /v1/transfer: one image, attacked on some networks and scored on others. */
import { z } from "@hono/zod-openapi";
import { evaluationsOf, makeAttack, withDefaults, type Ball } from "../attacks/catalogue.ts";
import { largestRadius } from "../attacks/norms.ts";
import { optionValues } from "../attacks/options.ts";
import type { Service } from "../contract/service.ts";
import type { TransferRequest } from "../contract/transfer.ts";
import { negotiate } from "./accept.ts";
import { ballFaults, ballOf, optionFaultsAt } from "./attack-faults.ts";
import {
  AttackName,
  AttackNorm,
  optionFields,
  optionNumbers,
  Perturbation,
  radiusText,
  withAttack,
} from "./attack-schemas.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { attackProblems, problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { readImageRequest, type Uploaded } from "./request.ts";
import { PointScores } from "./robustness-schemas.ts";
import {
  Backend,
  floatAndUint8,
  Label,
  list,
  PixelRange,
  Radius,
  RanOn,
  Reference,
  Seed,
  serverTiming,
  share,
  Size,
  Timing,
} from "./schemas.ts";
import { Evaluations, Signs } from "./signs.ts";
import { uploadBody } from "./upload.ts";
import { Label255, Warnings } from "./warnings.ts";

/** Sources and targets of a request, at most. */
const MAX_MODELS = 8;

const names = (description: string) => z.array(z.string()).min(1).max(MAX_MODELS).openapi({ description });

const transferSpec = (limits: Limits) =>
  withAttack(
    z
      .strictObject({
        sources: names("Models whose objectives are climbed"),
        targets: names("Models that each image is scored on"),
        attack: AttackName,
        epsilon: Radius.max(largestRadius("l2")).optional().openapi({ description: radiusText, example: 8 }),
        norm: AttackNorm.optional(),
        ...optionFields(limits),
        label: Label,
        pixelRange: PixelRange,
        seed: Seed,
        backend: Backend,
        label255: Label255,
      })
      .openapi("TransferSpec", {
        description: `The attack runs once on each source; at most ${limits.gridSteps} evaluations in all`,
        example: { sources: ["enet-street"], targets: ["enet-street", "pspnet-resnet"], attack: "mi-fgsm", epsilon: 8 },
      }),
  );

const TransferSpecRun = z
  .strictObject({
    sources: list(z.string()),
    targets: list(z.string()),
    attack: AttackName,
    epsilon: z.number().optional(),
    norm: AttackNorm,
    ...optionNumbers,
    alpha: z.number(),
    steps: z.int(),
    label: z.enum(["prediction", "ground-truth"]),
    pixelRange: z.enum(["clip", "none"]),
    seed: z.int(),
    backend: Backend,
    label255: Label255,
  })
  .openapi("TransferSpecRun", { description: "The spec as it ran, every default filled in" });

const ran = { model: z.string(), modelSha256: z.string(), backend: RanOn };

const Transfer = Size.extend({
  reference: Reference,
  warnings: Warnings,
  sources: list(
    z.strictObject({
      ...ran,
      perturbation: floatAndUint8(Perturbation),
      masking: z
        .strictObject({ zeroGradientShare: z.number(), confidence: z.number() })
        .openapi({ description: "Signs that the gradient of the source is masked, as in AttackResult" }),
      evaluations: Evaluations,
      signs: Signs.openapi({ description: "What the attack on the source showed, as in AttackResult" }),
    }),
  ),
  targets: list(
    z.strictObject({
      ...ran,
      clean: z.strictObject({ miou: share("Clean mean IoU"), pixelAccuracy: share("Clean pixel accuracy") }),
      from: list(
        floatAndUint8(PointScores).extend({
          source: z.string(),
          whiteBox: z.boolean().openapi({ description: "Whether the source is the target itself" }),
          signs: Signs.openapi({
            description:
              "Of the white-box attack: `transfer-stronger` where another model's image does more, so that its figure is no bound",
          }),
        }),
      ),
      mostEffective: z.string().nullable().openapi({
        description: "The source whose 8-bit image leaves the lowest IoU ratio; null where none is defined",
      }),
      mostEffectiveTransfer: z
        .string()
        .nullable()
        .openapi({ description: "The same among the other models; null where there is none" }),
      transferBeatsWhiteBox: z.boolean().openapi({
        description:
          "Whether another model's image does more harm than the white-box one, whose figure is then no bound",
      }),
      summary: z.string(),
    }),
  ),
  timings: Timing,
  receipt: z
    .strictObject({
      spec: TransferSpecRun,
      seed: z.int(),
      versions: z.strictObject({ faultline: z.string(), onnxruntime: z.string() }),
    })
    .openapi({ description: "What ran: enough, with the models' digests, to run it again" }),
}).openapi("TransferResult");

const uploadOf = (limits: Limits) => ({
  spec: transferSpec(limits),
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: {
    labels:
      "Ground truth in the classes that all models share: a PNG of the image's size, 255 void; or in their colours",
  },
});

type Asked = Uploaded<z.output<ReturnType<typeof transferSpec>>, "image", "labels">;

/** What the options make together: more evaluations than one request is allowed, or numbers that do not go together. */
const togetherFaults = ({ spec }: Asked, ball: Ball, sources: number, { gridSteps }: Limits) => {
  const { attack, seed } = spec;
  try {
    const each = evaluationsOf(makeAttack(attack, { ...optionValues(spec), ...ball, seed, pixelRange: null }));
    const detail = `make ${sources * each} evaluations of the networks in all, ${each} on each source; at most ${gridSteps} are allowed`;
    return sources * each > gridSteps ? [{ pointer: "/spec/sources", detail }] : [];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return [{ pointer: "/spec", detail: `cannot be: ${cause.message}` }];
  }
};

/** Fills in the defaults, and refuses what contradicts itself or is too much. */
const resolve = (limits: Limits, asked: Asked): TransferRequest => {
  const { spec, image, labels } = asked;
  const { attack } = spec;
  const ball = ballOf(spec);
  const [sources, targets] = [[...new Set(spec.sources)], [...new Set(spec.targets)]];
  const given = optionValues(spec);
  const options = withDefaults(attack, ball, given);
  const { alpha = 1, steps = 1 } = options;
  const misplaced = ballFaults(attack, ball);
  const wrong = [
    ...misplaced,
    ...optionFaultsAt(attack, ball, given),
    ...(misplaced.length > 0 ? [] : togetherFaults(asked, ball, sources.length, limits)),
    ...(spec.label === "ground-truth" && !labels
      ? [{ pointer: "/labels", detail: "is required, because spec.label is ground-truth" }]
      : []),
  ];
  if (wrong.length > 0) throw new RequestError({ kind: "invalid-request", errors: wrong });
  return { spec: { ...spec, ...options, ...ball, alpha, steps, sources, targets }, image, labels };
};

export const transfer = (service: Service, limits: Limits): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/transfer",
      operationId: "transfer",
      tags: ["Images"],
      summary: "Attack an image on some models, and score others on it",
      description:
        "Runs the attack once on each source and scores every target on each of the images. Says for each target which source does most harm, and whether another model's image does more than the white-box one.",
      sample: {
        files: { image: "street.png" },
        spec: { sources: ["enet-street", "icnet"], targets: ["enet-street"], attack: "mi-fgsm" },
      },
      request: {
        body: uploadBody("Transfer", upload, {
          sources: ["enet-street", "icnet"],
          targets: ["enet-street"],
          attack: "mi-fgsm",
        }),
      },
      responses: {
        200: { description: "The scores of each pair.", content: { "application/json": { schema: Transfer } } },
        ...problemResponses(...attackProblems),
      },
    },
    async (c) => {
      negotiate(c.req.header("accept"), ["application/json"]);
      const request = resolve(limits, await readImageRequest(c, upload, limits.bodyBytes));
      const result = await service.transfer(request, { signal: c.req.raw.signal });
      return json(c, Transfer, result, { "Server-Timing": serverTiming(result.timings) });
    },
  );
};
