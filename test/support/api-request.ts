/** Requests as clients send them, and what comes back. */
import { createApp, type AppOptions } from "../../src/api/app.ts";
import { toBase64 } from "../../src/api/base64.ts";
import { Problem } from "../../src/api/problem-schema.ts";
import type { Service } from "../../src/contract/service.ts";

export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** A multipart form; the spec as a part of type application/json with a file name, or as curl sends it, as text. */
export const formBody = (files: Files, spec?: unknown, specAs: "text" | "blob" = "text"): FormData => {
  const form = new FormData();
  for (const [name, bytes] of Object.entries(files))
    form.set(name, new Blob([bytes], { type: "image/png" }), `${name}.png`);
  const text = JSON.stringify(spec);
  if (spec !== undefined) form.set("spec", specAs === "text" ? text : new Blob([text], { type: "application/json" }));
  return form;
};

export const jsonBody = (files: Files, spec?: unknown): string =>
  JSON.stringify({ ...Object.fromEntries(Object.entries(files).map(([k, v]) => [k, toBase64(v)])), spec });

export interface Client {
  form(path: string, files: Files, spec?: unknown, headers?: Record<string, string>): Promise<Response>;
  json(path: string, files: Files, spec?: unknown, headers?: Record<string, string>): Promise<Response>;
  send(path: string, init?: RequestInit): Promise<Response>;
}

/** The app over a service, without a server. */
export const clientOf = (service: Service, options: AppOptions = {}): Client => {
  const app = createApp(service, options);
  const send = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init);
  return {
    send,
    form: (path, files, spec, headers = {}) => send(path, { method: "POST", body: formBody(files, spec), headers }),
    json: (path, files, spec, headers = {}) =>
      send(path, {
        method: "POST",
        body: jsonBody(files, spec),
        headers: { "content-type": "application/json", ...headers },
      }),
  };
};

/** The problem in a response; fails where it is none. */
export const problemIn = async (response: Response): Promise<Problem> => {
  if (response.headers.get("content-type") !== "application/problem+json") {
    throw new Error(`${response.status} is no problem: ${await response.text()}`);
  }
  return Problem.parse(await response.json());
};

export interface ServerEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Every event of a stream, in order. */
export const eventsIn = async (response: Response): Promise<ServerEvent[]> =>
  (await response.text())
    .split("\n\n")
    .filter(Boolean)
    .map((block) => {
      const [event = "", data = ""] = block.split("\n");
      return {
        event: event.replace("event: ", ""),
        data: JSON.parse(data.replace("data: ", "")) as ServerEvent["data"],
      };
    });
