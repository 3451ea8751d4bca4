/** Requests to a service, as the command line makes them. */

import { Refusal, UsageError } from "../node/failure.ts";
import { reasonOf } from "../reason.ts";

export interface RemoteService {
  readonly origin: string;
  /** @throws Refusal where the service cannot be reached. */
  readonly send: (path: string, init?: RequestInit) => Promise<Response>;
  /** As `send`; null where the service does not answer for now. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response | null>;
  /** The response, if it is a success. @throws Refusal with what the service says. */
  readonly accepted: (response: Response) => Promise<Response>;
}

/** Of an answer that says that the service, or what stands before it, is away for now. */
const isAway = (status: number): boolean => status === 502 || status === 503 || status === 504;

const originOf = (url: string): string => {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, "");
  throw new UsageError(`--on ${url}: must be the address of a service, as in https://faultline.example`);
};

/**
 * @param token sent with each request, if there is one.
 * @throws UsageError for what is no address.
 */
export const remoteService = (url: string, token: string | undefined): RemoteService => {
  const origin = originOf(url);
  const send: RemoteService["send"] = async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    try {
      return await fetch(`${origin}${path}`, { ...init, headers });
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : reasonOf(cause);
      throw new Refusal(`${origin}: cannot be reached: ${reason}`, { cause });
    }
  };
  return {
    origin,
    send,
    ask: async (path, init) => {
      const response = await send(path, init).catch(() => null);
      return response === null || isAway(response.status) ? null : response;
    },
    accepted: async (response) => {
      if (response.ok) return response;
      const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
      const problem: { readonly detail?: string } = isProblem ? await response.json() : {};
      const { detail = response.statusText } = problem;
      const advice = response.status === 401 ? "; set FAULTLINE_TOKEN" : "";
      throw new Refusal(`${origin}: ${response.status}: ${detail}${advice}`);
    },
  };
};
