/** Evaluations of a service, as the command line asks for them. */

import type { EvaluationInfo, EvaluationPrediction } from "../contract/evaluations.ts";
import { sha256Of } from "../digest.ts";
import { specText, type EvaluationSpec } from "../evaluation/spec.ts";
import { remoteService } from "./remote-service.ts";

const path = "/v1/evaluations";

export interface RemoteEvaluations {
  readonly predict: (spec: EvaluationSpec) => Promise<EvaluationPrediction>;
  /** The evaluation of this specification, which is started unless there is one of the networks that the service has now. */
  readonly submit: (spec: EvaluationSpec) => Promise<EvaluationInfo>;
  /** Null where the service does not answer; what it refuses is thrown. */
  readonly get: (id: string) => Promise<EvaluationInfo | null>;
  readonly retry: (id: string) => Promise<EvaluationInfo>;
  readonly rows: (id: string) => Promise<ReadableStream<Uint8Array>>;
}

/** Of a key that belongs to an evaluation of networks which were replaced since: what these are now, by their names. */
const replacedIn = async (response: Response): Promise<object | undefined> => {
  if (response.status !== 422) return undefined;
  const { type, replaced } = (await response.clone().json()) as { readonly type?: string; readonly replaced?: object };
  return type === "/problems/key-reused" ? replaced : undefined;
};

/**
 * @param token sent with each request, if there is one.
 * @throws UsageError for what is no address. What the service refuses is thrown as a Refusal with its words.
 */
export const remoteEvaluations = (url: string, token: string | undefined): RemoteEvaluations => {
  const service = remoteService(url, token);
  const { accepted } = service;
  const send = (place: string, init?: RequestInit) => service.send(`${path}${place}`, init);
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
    submit: async (spec) => {
      const keyed = async (text: string): Promise<Response> =>
        post({ spec }, { "Idempotency-Key": await sha256Of(text) });
      const response = await keyed(specText(spec));
      const replaced = await replacedIn(response);
      return infoOf(replaced ? await keyed(`${specText(spec)}\n${specText(replaced)}`) : response);
    },
    get: async (id) => {
      const response = await service.ask(`${path}/${id}`);
      return response && infoOf(response);
    },
    retry: async (id) => infoOf(await send(`/${id}/retry`, { method: "POST" })),
    rows: async (id) => (await accepted(await send(`/${id}/rows`))).body!,
  };
};
