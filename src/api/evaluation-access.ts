/** What the operations on evaluations share: where they are, who may change them, which problems they have. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { requestSets } from "../contract/data.ts";
import type { EvaluationInfo, EvaluationPrediction, Evaluations } from "../contract/evaluations.ts";
import type { Service } from "../contract/service.ts";
import { Evaluation } from "./evaluation-schemas.ts";
import type { Env, Limits } from "./operation.ts";
import { requireOwnOrigin } from "./own-origin.ts";
import type { Log } from "./problem.ts";
import type { ProblemKind } from "./problem-kinds.ts";
import { problemResponses } from "./problem-schema.ts";
import { RequestError } from "./request-error.ts";

export const path = "/v1/evaluations";
export const example = `${path}/0f5c…`;

/** How evaluations are asked for. */
export interface EvaluationAccess {
  readonly limits: Limits;
  readonly log: Log;
  /** Of an hour of a processor; absent where none is stated. */
  readonly dollarsPerCpuHour?: number | undefined;
  /** Whether requests that change something need a token, which pages of other origins do not have. */
  readonly isGuarded: boolean;
}

export const of = ({ evaluations }: Service): Evaluations => {
  if (evaluations) return evaluations;
  throw new RequestError({ kind: "evaluations-disabled" });
};

/** The same, for a request that changes something. @throws RequestError foreign-origin */
export const changing = (service: Service, c: Context<Env>, { isGuarded }: EvaluationAccess): Evaluations => {
  const evaluations = of(service);
  if (!isGuarded) requireOwnOrigin(c);
  return evaluations;
};

/** A prediction with its price. */
export const priced = (
  predicted: EvaluationPrediction,
  { dollarsPerCpuHour }: Pick<EvaluationAccess, "dollarsPerCpuHour">,
): EvaluationPrediction & { readonly dollars?: number } =>
  dollarsPerCpuHour === undefined ? predicted : { ...predicted, dollars: predicted.cpuHours * dollarsPerCpuHour };

/** The data set of the request that began an evaluation; null for one that was asked for otherwise. */
export const setOf = ({ spec }: Pick<EvaluationInfo, "spec">): string | null => {
  const { path } = spec.data ?? {};
  return path?.startsWith(requestSets) ? path : null;
};

/** The answer about an evaluation. */
export const shown = (
  info: EvaluationInfo,
  access: Pick<EvaluationAccess, "dollarsPerCpuHour">,
): z.input<typeof Evaluation> => ({
  ...info,
  spec: { ...info.spec },
  predicted: priced(info.predicted, access),
  ...(setOf(info) === null ? {} : { robustness: `${path}/${info.id}/robustness` }),
});

export const idOf = (c: Context<Env>): string => c.req.param("id") ?? "";

export const params = z.object({ id: z.string().openapi({ example: "0f5c…" }) });
export const described = (description: string) => ({
  description,
  content: { "application/json": { schema: Evaluation } },
});
/** Why an evaluation is not begun. */
export const beginProblems = [
  "foreign-origin",
  "evaluation-refused",
  "cost-exceeded",
  "evaluations-full",
  "key-reused",
] as const satisfies ProblemKind[];
export const problems = (...kinds: ProblemKind[]) =>
  problemResponses("unknown-evaluation", "evaluations-disabled", "stopping", ...kinds);
