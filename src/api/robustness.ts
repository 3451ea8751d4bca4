/** POST /v1/robustness runs a grid of attacks and radii on one image and returns a verdict. */
import { z } from "@hono/zod-openapi";
import { evaluationsOf, makeAttack, normsOf, type AttackName as Name } from "../attacks/catalogue.ts";
import type { Service } from "../contract/service.ts";
import { gridAttack, type RobustnessRequest, type RobustnessResult } from "../contract/robustness.ts";
import { negotiate } from "./accept.ts";
import { AttackName, optionFields, optionNumbers } from "./attack-schemas.ts";
import { AttackedCrf } from "./crf.ts";
import { gradientFaults, optionFaultsAt } from "./attack-faults.ts";
import { yieldToEvents } from "../yield.ts";
import { eventStream } from "./event-stream.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { failureOf, problemOf, type Log } from "./problem.ts";
import { attackProblems, problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { readImageRequest, type Uploaded } from "./request.ts";
import {
  Alpha,
  Backend,
  Epsilon,
  floatAndUint8,
  Label,
  list,
  PixelRange,
  receiptOf,
  Reference,
  Seed,
  serverTiming,
  share,
  Size,
  Timing,
} from "./schemas.ts";
import { transformFields } from "./transform.ts";
import { Signs } from "./signs.ts";
import { uploadBody } from "./upload.ts";
import { Label255, VoidPixels, Warnings } from "./warnings.ts";

/** The radii of Arnab et al. (2018). */
const paperEpsilons = [0.25, 0.5, 1, 2, 4, 8, 16, 32];

/** An attack by its name, or with options of its own. */
const gridAttackSchema = (limits: Limits) =>
  z.union([AttackName, z.strictObject({ attack: AttackName, ...optionFields(limits) })]).openapi("GridAttack", {
    description:
      'The name of an attack, which then has its defaults, or an object with its name and options: `{"attack":"square","steps":200}`',
  });

const robustnessSpec = (limits: Limits) =>
  z
    .strictObject({
      model: z.string().optional().openapi({ description: "Name of a model; the default one if absent" }),
      attacks: z.array(gridAttackSchema(limits)).min(1).max(10).default(["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"]),
      epsilons: z.array(Epsilon).min(1).max(limits.epsilons).default(paperEpsilons),
      alpha: Alpha.optional(),
      threshold: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.5)
        .openapi({ description: "The network is broken if the IoU ratio is below this value" }),
      label: Label,
      pixelRange: PixelRange,
      seed: Seed,
      crf: AttackedCrf,
      ...transformFields,
      backend: Backend,
      label255: Label255,
    })
    .openapi("RobustnessSpec", {
      description: `Each attack runs at each radius, with its own number of steps and, unless alpha is given, its own step size; at most ${limits.gridSteps} evaluations of the network in all`,
      example: { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4], threshold: 0.5 },
    });

const RobustnessSpecRun = z
  .strictObject({
    model: z.string(),
    attacks: list(z.union([AttackName, z.strictObject({ attack: AttackName, ...optionNumbers })])),
    epsilons: list(z.number()),
    alpha: z.number().optional(),
    threshold: z.number(),
    label: z.enum(["prediction", "ground-truth"]),
    pixelRange: z.enum(["clip", "none"]),
    seed: z.int(),
    crf: AttackedCrf,
    ...transformFields,
    backend: Backend,
    label255: Label255,
  })
  .openapi("RobustnessSpecRun", { description: "The spec as it was executed, with defaults filled in" });

export const PointScores = z
  .strictObject({
    iouRatio: z.number().nullable().openapi({ description: "Adversarial mIoU ÷ clean mIoU; null if undefined" }),
    miou: share("Adversarial mean IoU"),
    pixelAccuracy: share("Adversarial pixel accuracy"),
  })
  .openapi("PointScores");

const CurvePoint = floatAndUint8(PointScores)
  .extend({ attack: AttackName, epsilon: z.number(), steps: z.int() })
  .openapi("CurvePoint");

const SmallestEpsilon = z.strictObject({ float: z.number().nullable(), uint8: z.number().nullable() });

const Robustness = Size.extend({
  reference: Reference,
  voidPixels: VoidPixels,
  warnings: Warnings,
  threshold: z.number(),
  clean: z.strictObject({ miou: share("Clean mean IoU"), pixelAccuracy: share("Clean pixel accuracy") }),
  curve: list(CurvePoint),
  breaking: list(SmallestEpsilon.extend({ attack: AttackName })).openapi({
    description: "Smallest ε of the grid at which the attack breaks the network; null if there is none",
  }),
  smallestEpsilon: SmallestEpsilon.openapi({ description: "The smallest over all attacks, in grey levels" }),
  verdict: z.enum(["broken", "undecided", "not-broken"]).openapi({
    description:
      "`broken` if any attack of the grid breaks the network, with the float or the rounded image. `undecided` if none does, and `signs` tell why that says little: weak attacks, a masked gradient, too few pixels. `not-broken` is no proof either",
  }),
  masking: z.strictObject({ zeroGradientShare: z.number(), confidence: z.number() }).openapi({
    description:
      "Indicators of gradient masking, which makes the verdict less reliable: the largest share of exactly zero components in a first gradient, and the mean confidence on the clean image",
  }),
  signs: Signs,
  summary: z.string().openapi({ example: "Broken by ifgsm-ii at ε = 1: the IoU ratio is 0.41, below 0.5." }),
  cost: z.strictObject({ pixels: z.int(), steps: z.int(), work: z.int(), maxWork: z.number() }).openapi({
    description:
      "What the request cost: the image's pixels, the steps of the whole grid, and their product, of which a request may have `maxWork`. A grid with other radii or another image costs in proportion; one that costs more is refused before anything is computed, with the same figures",
  }),
  timings: Timing,
  receipt: receiptOf(RobustnessSpecRun),
}).openapi("RobustnessResult");

const uploadOf = (limits: Limits) => ({
  spec: robustnessSpec(limits),
  required: { image: "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes" },
  optional: {
    labels:
      "Ground truth: a PNG of the image's size whose values (or palette indices) are classes, 255 void; or in their colours",
  },
});

type Asked = Uploaded<z.output<ReturnType<typeof robustnessSpec>>, "image", "labels">;

type Entries = z.output<ReturnType<typeof robustnessSpec>>["attacks"];

/** @throws RequestError where an attack is listed with two sets of options: the curve names attacks alone. */
const uniqueAttacks = (entries: Entries): Entries => {
  const byName = new Map<Name, Entries[number]>();
  for (const [i, entry] of entries.entries()) {
    const name = gridAttack(entry).attack;
    const known = byName.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(entry)) {
      const detail = `lists ${name} again, with other options; a grid has each attack once`;
      throw new RequestError({ kind: "invalid-request", errors: [{ pointer: `/spec/attacks/${i}`, detail }] });
    }
    byName.set(name, entry);
  }
  return [...byName.values()];
};

const mostCostly = (costs: ReadonlyMap<Name, number>): string =>
  [...costs].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];

/** Sorts the grid, fills in the defaults and checks the limits. */
const resolve = (service: Service, limits: Limits, { spec, image, labels }: Asked): RobustnessRequest => {
  const attacks = uniqueAttacks(spec.attacks);
  const named = attacks.map(gridAttack);
  const epsilons = [...new Set(spec.epsilons)].toSorted((a, b) => a - b);
  const { draws = 1 } = spec;
  const grid = named.flatMap((own) => epsilons.map((epsilon) => ({ ...own, epsilon })));
  const costs = new Map<Name, number>();
  const impossible: { readonly pointer: string; readonly detail: string }[] = [];
  for (const { attack, epsilon, ...own } of grid) {
    try {
      const { alpha, seed } = spec;
      const made = makeAttack(attack, { alpha, ...own, epsilon, seed, pixelRange: null });
      costs.set(attack, (costs.get(attack) ?? 0) + draws * evaluationsOf(made));
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      impossible.push({
        pointer: Object.keys(own).length > 0 ? "/spec/attacks" : "/spec/alpha",
        detail: `does not go with ${attack} at ε = ${epsilon}: ${cause.message}`,
      });
    }
  }
  const evaluations = [...costs.values()].reduce((a, b) => a + b, 0);
  const others = named.map(({ attack }) => attack).filter((attack) => !normsOf(attack).includes("linf"));
  const wrong = [
    others.length > 0 && {
      pointer: "/spec/attacks",
      detail: `must be attacks in L∞, as the grid's radii are: ${others.join(", ")} have no such form`,
    },
    ...impossible,
    ...named.flatMap(({ attack, ...own }, i) =>
      optionFaultsAt(attack, { epsilon: epsilons.at(-1) }, own, `/spec/attacks/${i}`),
    ),
    ...gradientFaults(
      named.map(({ attack }) => attack),
      spec,
    ),
    evaluations > limits.gridSteps && {
      pointer: "/spec/epsilons",
      detail: `make ${evaluations} evaluations of the network in all (${[...costs].map(([attack, cost]) => `${attack} ${cost}`).join(", ")}); at most ${limits.gridSteps} are allowed: take fewer radii, or fewer steps as in {"attack":"${mostCostly(costs)}","steps":…}`,
    },
    spec.label === "ground-truth" &&
      !labels && { pointer: "/labels", detail: "is required, because spec.label is ground-truth" },
  ].filter((error) => typeof error === "object");
  if (wrong.length > 0) throw new RequestError({ kind: "invalid-request", errors: wrong });
  return { spec: { ...spec, model: spec.model ?? service.defaultModel, attacks, epsilons }, image, labels };
};

/** Rows are an answer of their own. */
const withoutRows = (result: RobustnessResult): z.input<typeof Robustness> => {
  const { rows: _, ...shown } = result;
  return shown;
};

const rowsText =
  "The counts of the clean image and of each point, one JSON object a line, as `faultline evaluate` keeps them; the item is the SHA-256 of the image";

const events = `Server-sent events: \`progress\` per point ({index, total, point}), then \`result\` (RobustnessResult) or \`error\` (Problem).`;

export const robustness = (service: Service, limits: Limits, log: Log): Operation => {
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/robustness",
      operationId: "robustness",
      tags: ["Images"],
      summary: "Find the smallest perturbation that breaks the model",
      description:
        "Runs every attack at every radius and returns the curve of the IoU ratio over ε, the smallest ε at which the ratio is below the threshold, and a verdict. One image gives no interval: for those, ask for the rows of each image of a set, and send them together to POST /v1/report. The `Accept` header selects `application/json`, `text/event-stream` with progress events, or `application/jsonl`: the rows, of which `faultline report` and POST /v1/report make scores of several images.",
      sample: { files: { image: "street.png" }, spec: { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4] } },
      request: {
        body: uploadBody("Robustness", upload, { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4], threshold: 0.5 }),
      },
      responses: {
        200: {
          description: "The curve and the verdict.",
          content: {
            "application/json": { schema: Robustness },
            "text/event-stream": { schema: z.string().openapi({ description: events }) },
            "application/jsonl": { schema: z.string().openapi({ description: rowsText }) },
          },
        },
        ...problemResponses(...attackProblems),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), ["application/json", "text/event-stream", "application/jsonl"]);
      const request = resolve(service, limits, await readImageRequest(c, upload, limits.bodyBytes));
      const { signal } = c.req.raw;
      if (type !== "text/event-stream") {
        const result = await service.robustness(request, { signal, onPoint: yieldToEvents });
        const headers = { "Server-Timing": serverTiming(result.timings) };
        if (type === "application/json") return json(c, Robustness, withoutRows(result), headers);
        const lines = result.rows.map((row) => `${JSON.stringify(row)}\n`).join("");
        return c.body(lines, 200, { "Content-Type": type, ...headers });
      }
      return await eventStream<RobustnessResult>({
        signal,
        run: (emit, aborted) =>
          service.robustness(request, {
            signal: aborted,
            onPoint: (point, index, total) => emit("progress", { index, total, point }),
          }),
        result: withoutRows,
        problem: (error) => problemOf(failureOf(error, log, c.get("requestId")), c.get("requestId")),
      });
    },
  );
};
