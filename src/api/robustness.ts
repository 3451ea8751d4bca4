/** POST /v1/robustness runs a grid of attacks and radii on one image, or on several, and returns a verdict. */
import { z } from "@hono/zod-openapi";
import { evaluationsOf, makeAttack, normsOf, type AttackName as Name } from "../attacks/catalogue.ts";
import { CORNER, lengthFault, normText } from "../attacks/norms.ts";
import type { Service } from "../contract/service.ts";
import {
  gridAttack,
  withoutRows,
  type GridAttack,
  type RobustnessResult,
  type RobustnessRun,
  type RobustnessSetRequest,
  type RobustnessSetResult,
} from "../contract/robustness.ts";
import { negotiate } from "./accept.ts";
import { gradientFaults, optionFaultsAt, type Fault } from "./attack-faults.ts";
import { yieldToEvents } from "../yield.ts";
import { beginProblems, described, path, shown, type EvaluationAccess } from "./evaluation-access.ts";
import { Evaluation } from "./evaluation-schemas.ts";
import { eventStream } from "./event-stream.ts";
import { defineOperation, json, type Limits, type Operation } from "./operation.ts";
import { failureOf, problemOf } from "./problem.ts";
import { attackProblems, problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";
import { readPicturesRequest } from "./request.ts";
import { begin, isLater, laterHeaders, PREFERENCE } from "./robustness-later.ts";
import { Answer, rowsOf } from "./robustness-schemas.ts";
import { defaultAttacks, paperEpsilons, robustnessSpec } from "./robustness-spec.ts";
import { serverTiming } from "./schemas.ts";
import { uploadBody } from "./upload.ts";

const uploadOf = (limits: Limits) => ({
  spec: robustnessSpec(limits),
  repeated: ["image", "labels"] as const,
  required: {
    image:
      "The image: PNG, JPEG, WebP or NPY, with the channels that the network takes. The part may be repeated (in JSON, be a list): the answer is then a RobustnessSetResult",
  },
  optional: {
    labels:
      "Ground truth: a PNG of the image's size whose values (or palette indices) are classes, 255 void; or in their colours. Of several images, as many, in the same order",
  },
});

type Asked = Awaited<ReturnType<typeof readPicturesRequest<z.output<ReturnType<typeof robustnessSpec>>>>>;

type Entries = readonly GridAttack[];

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

/** Faults of the radii, and of attacks that do not take their norm. */
const gridFaults = ({ epsilons = [], norm }: Asked["spec"], attacks: readonly Name[]): Fault[] => {
  const others = attacks.filter((attack) => !normsOf(attack).includes(norm));
  const other = norm === "l2" ? "linf" : "l2";
  const instead = attacks.every((attack) => normsOf(attack).includes(other))
    ? `; spec.norm ${other} takes ${attacks.length > 1 ? "them all" : "it"}`
    : "";
  const detail = `must be attacks in ${normText(norm)}, as the grid's radii are: ${others.join(", ")} ${others.length > 1 ? "have" : "has"} no such form${instead}`;
  return [
    ...(others.length > 0 ? [{ pointer: "/spec/attacks", detail }] : []),
    ...epsilons.flatMap((epsilon, i) => {
      const tooLong = lengthFault(epsilon, norm);
      if (tooLong === null) return [];
      return [{ pointer: `/spec/epsilons/${i}`, detail: `${tooLong}; radii in L2 take norm l2`, received: epsilon }];
    }),
    ...(norm === "l2" && epsilons.length === 0
      ? [
          {
            pointer: "/spec/epsilons",
            detail: `is required, because spec.norm is l2: the radii of the paper are of L∞; ${CORNER}`,
          },
        ]
      : []),
  ];
};

/** Sorts the grid, fills in the defaults and checks the limits. */
const resolve = (service: Service, limits: Limits, { spec, pictures }: Asked): RobustnessSetRequest => {
  const { draws = 1, norm } = spec;
  const attacks = uniqueAttacks(spec.attacks ?? defaultAttacks[norm]);
  const named = attacks.map(gridAttack);
  const names = named.map(({ attack }) => attack);
  const misplaced = gridFaults(spec, names);
  if (misplaced.length > 0) throw new RequestError({ kind: "invalid-request", errors: misplaced });
  const epsilons = [...new Set(spec.epsilons ?? paperEpsilons)].toSorted((a, b) => a - b);
  const grid = named.flatMap((own) => epsilons.map((epsilon) => ({ ...own, epsilon })));
  const costs = new Map<Name, number>();
  const impossible: { readonly pointer: string; readonly detail: string }[] = [];
  for (const { attack, epsilon, ...own } of grid) {
    try {
      const { alpha, seed } = spec;
      const made = makeAttack(attack, { alpha, ...own, epsilon, norm, seed, pixelRange: null });
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
  const ball = { epsilon: epsilons.at(-1), norm };
  const longStep = spec.alpha === undefined ? null : lengthFault(spec.alpha, norm);
  const wrong = [
    ...impossible,
    ...named.flatMap(({ attack, ...own }, i) => optionFaultsAt(attack, ball, own, `/spec/attacks/${i}`)),
    ...gradientFaults(names, spec),
    longStep !== null && { pointer: "/spec/alpha", detail: longStep, received: spec.alpha },
    evaluations > limits.gridSteps && {
      pointer: "/spec/epsilons",
      detail: `make ${evaluations} evaluations of the network in all (${[...costs].map(([attack, cost]) => `${attack} ${cost}`).join(", ")}); at most ${limits.gridSteps} are allowed: take fewer radii, or fewer steps as in {"attack":"${mostCostly(costs)}","steps":…}`,
    },
    spec.label === "ground-truth" &&
      !pictures[0]?.labels && { pointer: "/labels", detail: "is required, because spec.label is ground-truth" },
  ].filter((error) => typeof error === "object");
  if (wrong.length > 0) throw new RequestError({ kind: "invalid-request", errors: wrong });
  return { spec: { ...spec, model: spec.model ?? service.defaultModel, attacks, epsilons }, pictures };
};

const rowsText =
  "The counts of the clean image and of each point, one JSON object a line, as `faultline evaluate` keeps them; the item is the SHA-256 of the image. Of several images, one after another";

const events = `Server-sent events: \`progress\` per point ({index, total, point}), then \`result\` (RobustnessResult, of several images RobustnessSetResult) or \`error\` (Problem).`;

export const robustness = (service: Service, access: EvaluationAccess): Operation => {
  const { limits, log } = access;
  const upload = uploadOf(limits);
  return defineOperation(
    {
      method: "post",
      path: "/v1/robustness",
      operationId: "robustness",
      tags: ["Images"],
      summary: "Find the smallest perturbation that breaks the model",
      description:
        "Runs every attack at every radius and returns the curve of the IoU ratio over ε, the smallest ε at which the ratio is below the threshold, and a verdict. Of several images, the answer has the scores of each and the pooled ones with 95 % intervals over the images; the images together are bounded as one is. Larger sets are made of the rows of several requests, sent together to POST /v1/report. The `Accept` header selects `application/json`, `text/event-stream` with progress events, or `application/jsonl`: the rows, of which `faultline report` and POST /v1/report make scores of several images.",
      sample: { files: { image: "street.png" }, spec: { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4] } },
      request: {
        headers: laterHeaders,
        body: uploadBody("Robustness", upload, { attacks: ["ifgsm-ii"], epsilons: [0.25, 1, 4], threshold: 0.5 }),
      },
      responses: {
        200: {
          description: "The curve and the verdict.",
          content: {
            "application/json": { schema: Answer },
            "text/event-stream": { schema: z.string().openapi({ description: events }) },
            "application/jsonl": { schema: z.string().openapi({ description: rowsText }) },
          },
        },
        202: {
          ...described("With `Prefer: respond-async`: the evaluation that makes the attacks, and later the answer."),
          headers: z.object({
            Location: z.string().openapi({ description: `${path}/{id}` }),
            "Preference-Applied": z.literal(PREFERENCE),
          }),
        },
        ...problemResponses(...attackProblems, ...beginProblems),
      },
    },
    async (c) => {
      const type = negotiate(c.req.header("accept"), ["application/json", "text/event-stream", "application/jsonl"]);
      const asked = await readPicturesRequest(c, upload, limits.bodyBytes);
      if (type === "application/json" && isLater(c, service, asked.spec)) {
        const unlimited = { ...limits, gridSteps: Infinity };
        const evaluation = await begin(c, service, access, resolve(service, unlimited, asked));
        const headers = { Location: `${path}/${evaluation.id}`, "Preference-Applied": PREFERENCE };
        return json(c, Evaluation, shown(evaluation, access), headers, 202);
      }
      const { spec, pictures } = resolve(service, limits, asked);
      const [first, ...others] = pictures;
      const run = (options: RobustnessRun): Promise<RobustnessResult | RobustnessSetResult> =>
        others.length === 0
          ? service.robustness({ spec, ...first! }, options)
          : service.robustnessOfSet({ spec, pictures }, options);
      const { signal } = c.req.raw;
      if (type !== "text/event-stream") {
        const result = await run({ signal, onPoint: yieldToEvents });
        const headers = { "Server-Timing": serverTiming(result.timings) };
        if (type === "application/json") return json(c, Answer, withoutRows(result), headers);
        const lines = rowsOf(result).map((row) => `${JSON.stringify(row)}\n`);
        return c.body(lines.join(""), 200, { "Content-Type": type, ...headers });
      }
      return await eventStream<RobustnessResult | RobustnessSetResult>({
        signal,
        run: (emit, aborted) =>
          run({ signal: aborted, onPoint: (point, index, total) => emit("progress", { index, total, point }) }),
        result: withoutRows,
        problem: (error) => problemOf(failureOf(error, log, c.get("requestId")), c.get("requestId")),
      });
    },
  );
};
