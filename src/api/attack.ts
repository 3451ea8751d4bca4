/** POST /v1/attack takes an image and a spec and returns scores, images, or a stream of progress events. */
import { z } from "@hono/zod-openapi";
import type { Service } from "../contract/service.ts";
import { withDefaults, type AttackName } from "../attacks/catalogue.ts";
import { classWeightsMisplaced } from "../attacks/option-faults.ts";
import { optionValues } from "../attacks/options.ts";
import type { AttackRequest, AttackResult, OutputName } from "../contract/attack.ts";
import { negotiate } from "./accept.ts";
import { Attack, type AskedAttack, attackJson, AttackProgress, attackSpec } from "./attack-schemas.ts";
import { ballFaults, ballOf, climbedFaults, gradientFaults, optionFaultsAt, togetherFaults } from "./attack-faults.ts";
import { yieldToEvents } from "../yield.ts";
import { eventStream } from "./event-stream.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { failureOf, problemOf, type Log } from "./problem.ts";
import { attackProblems, problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { readImageRequest } from "./request.ts";
import { universalRequest } from "./universal.ts";
import { file, imageResponse, serverTiming } from "./schemas.ts";
import { targetedFaults } from "./targeted.ts";
import { uploadBody } from "./upload.ts";

/** The media types of images, and the image that each one represents. */
const imageOffers = {
  "image/png": { output: "adversarial", name: "adversarial.png" },
  "image/png;depth=16": { output: "adversarial-16bit", name: "adversarial-16bit.png" },
  "application/x-npy": { output: "adversarial-npy", name: "adversarial.npy" },
} as const satisfies Record<string, { output: OutputName; name: string }>;

const offers = [
  "application/json",
  "image/png",
  "image/png;depth=16",
  "application/x-npy",
  "text/event-stream",
] as const;

const uploadOf = (limits: Limits) => ({
  spec: attackSpec(limits),
  required: { image: "The image to attack: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: {
    labels:
      "Ground truth: a PNG of the image's size whose values (or palette indices) are class indices, with 255 for void, or an RGB PNG of the classes' colours",
    target:
      "Target label map, in the same form, for `targeted: {kind: map}`; or the mask of a region, whose pixels are not 0",
    delta:
      "The perturbation of `attack: universal`: NPY of float32 or float64 [channels, height, width] in grey levels, of the image's size and within `epsilon`",
  },
});

const classWeightsFaults = ({
  attack: name,
  classWeights,
}: {
  readonly attack: AttackName;
  readonly classWeights?: readonly number[] | undefined;
}) => {
  const detail = classWeights && classWeightsMisplaced(name);
  return detail ? [{ pointer: "/spec/classWeights", detail }] : [];
};

/** Fills in the defaults. @throws RequestError `invalid-request` for contradictory fields. */
const resolve = (service: Service, limits: Limits, asked: AskedAttack): AttackRequest => {
  const { images, model = service.defaultModel, attack: name, ...others } = asked.spec;
  if (name === "universal") return universalRequest(model, asked);
  const spec = { ...others, attack: name };
  const ball = ballOf(spec);
  const given = optionValues(spec);
  const options = withDefaults(spec.attack, ball, given);
  const { steps = 1 } = options;
  const { draws = 1 } = spec;
  const { labels, target, delta } = asked;
  const sources = spec.sources && [...new Set(spec.sources)];
  const settings = { ...options, ...ball, seed: spec.seed, pixelRange: null };
  const misplaced = ballFaults(spec.attack, ball);
  const wrong = [
    ...misplaced,
    ...optionFaultsAt(spec.attack, ball, given),
    ...climbedFaults(spec),
    ...gradientFaults([spec.attack], spec),
    // The combination of options is checked only if the ball is valid.
    ...(misplaced.length > 0 ? [] : togetherFaults(spec.attack, settings, draws, limits)),
    spec.label === "ground-truth" &&
      !labels && { pointer: "/labels", detail: "is required, because spec.label is ground-truth" },
    ...targetedFaults(spec, target),
    ...classWeightsFaults(spec),
    delta && { pointer: "/delta", detail: `must be absent, because spec.attack is ${name}; universal takes it` },
  ].filter((error) => typeof error === "object");
  if (wrong.length > 0) throw new RequestError({ kind: "invalid-request", errors: wrong });
  return {
    spec: { ...spec, ...(sources && { sources }), model, ...ball, ...options, steps },
    image: asked.image,
    labels,
    target,
    outputs: [...new Set(images)],
  };
};

const events = `Server-sent events: \`progress\` per step (schema AttackProgress), then \`result\` (AttackResult) or \`error\` (Problem). A failure before the first step is an ordinary problem response.`;

/** What the data of an event `progress` is. */
const progress = { contentSchema: { $ref: "#/components/schemas/AttackProgress" } } as object;

export const attack = (service: Service, limits: Limits, log: Log): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/attack",
      operationId: "attack",
      tags: ["Images"],
      summary: "Attack an image and score the model",
      description:
        "Perturbs the image within an L∞ ball of radius ε and compares the labels before and after. The `Accept` header selects the response: scores and images as JSON, only the adversarial image (8-bit PNG; `image/png;depth=16`; float32 NPY), or progress events (`text/event-stream`). Responses that are an image ignore `spec.images`.",
      sample: { files: { image: "street.png" }, spec: { attack: "ifgsm-ii", epsilon: 8 } },
      request: { body: uploadBody("Attack", upload, { attack: "ifgsm-ii", epsilon: 8 }) },
      responses: {
        200: {
          description: "The scores, the adversarial image, or the stream.",
          content: {
            "application/json": { schema: Attack },
            "image/png": { schema: file("image/png", "The adversarial image, rounded to 8 bits") },
            "image/png;depth=16": { schema: file("image/png", "The adversarial image in 16 bits: grey level × 257") },
            "application/x-npy": {
              schema: file("application/x-npy", "The adversarial image, float32 [C, H, W], exact"),
            },
            "text/event-stream": { schema: z.string().openapi({ description: events, ...progress }) },
          },
        },
        ...problemResponses(...attackProblems),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), offers);
      const request = resolve(service, limits, await readImageRequest(c, upload, limits.bodyBytes));
      const { signal } = c.req.raw;
      switch (type) {
        case "application/json": {
          const result = await service.attack(request, { signal, onStep: yieldToEvents });
          return json(c, Attack, attackJson(result), { "Server-Timing": serverTiming(result.timings) });
        }
        case "text/event-stream":
          return await eventStream<AttackResult>({
            signal,
            run: (emit, aborted) =>
              service.attack(request, {
                signal: aborted,
                onStep: (report) => emit("progress", report satisfies z.input<typeof AttackProgress>),
              }),
            result: attackJson,
            problem: (error) => problemOf(failureOf(error, log, c.get("requestId")), c.get("requestId")),
          });
        default: {
          const { output, name } = imageOffers[type];
          const result = await service.attack({ ...request, outputs: [output] }, { signal, onStep: yieldToEvents });
          const image = result.images[output];
          if (!image) throw new Error(`the service gave no ${output}`);
          return imageResponse(image, type, name, result.timings);
        }
      }
    },
  );
};
