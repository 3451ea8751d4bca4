/** Evaluations of a service, as the command line asks for them. */

import type { EvaluationInfo, EvaluationPrediction } from "../contract/evaluations.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { reasonOf } from "../reason.ts";

export interface RemoteEvaluations {
  readonly predict: (spec: EvaluationSpec) => Promise<EvaluationPrediction>;
  /** The evaluation of this key, which is started unless there is one. */
  readonly submit: (spec: EvaluationSpec, key: string) => Promise<EvaluationInfo>;
  /** Null where the service does not answer; what it refuses is thrown. */
  readonly get: (id: string) => Promise<EvaluationInfo | null>;
  readonly retry: (id: string) => Promise<EvaluationInfo>;
  readonly rows: (id: string) => Promise<ReadableStream<Uint8Array>>;
}

/** Of an answer that says that the service, or what stands before it, is away for now. */
const isAway = (status: number): boolean => status === 502 || status === 503 || status === 504;

const originOf = (url: string): string => {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, "");
  throw new UsageError(`--on ${url}: must be the address of a service, as in https://faultline.example`);
};

/**
 * @param token sent with each request, if there is one.
 * @throws UsageError for what is no address. What the service refuses is thrown as a Refusal with its words.
 */
export const remoteEvaluations = (url: string, token: string | undefined): RemoteEvaluations => {
  const origin = originOf(url);
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    try {
      return await fetch(`${origin}/v1/evaluations${path}`, { ...init, headers });
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : reasonOf(cause);
      throw new Refusal(`${origin}: cannot be reached: ${reason}`, { cause });
    }
  };
  const accepted = async (response: Response): Promise<Response> => {
    if (response.ok) return response;
    const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
    const problem: { readonly detail?: string } = isProblem ? await response.json() : {};
    const { detail = response.statusText } = problem;
    const advice = response.status === 401 ? "; set FAULTLINE_TOKEN" : "";
    throw new Refusal(`${origin}: ${response.status}: ${detail}${advice}`);
  };
  const infoOf = async (response: Response): Promise<EvaluationInfo> =>
    (await (await accepted(response)).json()) as EvaluationInfo;
  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    send("", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
  return {
    predict: async (spec) =>
      (await (await accepted(await post({ spec, dryRun: true }))).json()) as EvaluationPrediction,
    submit: async (spec, key) => infoOf(await post({ spec }, { "Idempotency-Key": key })),
    get: async (id) => {
      const response = await send(`/${id}`).catch(() => null);
      return response === null || isAway(response.status) ? null : infoOf(response);
    },
    retry: async (id) => infoOf(await send(`/${id}/retry`, { method: "POST" })),
    rows: async (id) => (await accepted(await send(`/${id}/rows`))).body!,
  };
};
