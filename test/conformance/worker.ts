/** The built Worker, started for one test file, and a client of it over HTTP. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect } from "vitest";
import { startWorker, type RunningWorker, type WorkerOptions } from "../../scripts/workerd.ts";
import { Attack } from "../../src/api/attack-schemas.ts";
import { fromBase64 } from "../../src/api/base64.ts";
import type { AttackResult, OutputName } from "../../src/contract/attack.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { decodeNpy } from "../../src/image/npy.ts";
import { formBody, jsonBody, problemIn, type Client, type Files } from "../support/api-request.ts";

/** A client, and where it connects to. */
export type WorkerClient = Client & { readonly url: () => Promise<URL> };

/**
 * A refusal may come before the body has been read, and the connection be closed: then undici's write fails, and it does not
 * read the answer. Such a request is sent again, often: on a busy machine half of the tries fail so.
 */
const answered = async (send: () => Promise<Response>, attempts = 25): Promise<Response> => {
  try {
    return await send();
  } catch (cause) {
    const code =
      cause instanceof Error && cause.cause instanceof Error && "code" in cause.cause ? cause.cause.code : "";
    if (attempts === 1 || (code !== "EPIPE" && code !== "ECONNRESET")) throw cause;
    return answered(send, attempts - 1);
  }
};

/** Starts the Worker before the file's tests, and stops it after them. */
export const openWorker = (options: WorkerOptions = {}): WorkerClient => {
  let worker: RunningWorker | undefined;
  beforeAll(async () => {
    worker = startWorker(options);
    await worker.ready;
  });
  afterAll(() => worker?.dispose());
  const send = async (path: string, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers);
    headers.set("connection", "close"); // workerd drops idle connections, at times as they are used again
    const url = new URL(path, await worker!.ready);
    return answered(() => fetch(url, { ...init, headers }));
  };
  return {
    url: () => worker!.ready,
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

/** Sends a request whose body stays unfinished, and reads the answer to it. */
export const unfinished = async (
  client: WorkerClient,
  path: string,
  headers: Record<string, string>,
  body?: Uint8Array,
): Promise<Response> => {
  const sent = request(new URL(path, await client.url()), { method: "POST", headers });
  sent.flushHeaders();
  if (body) sent.write(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const text = Buffer.concat(await answer.toArray()).toString();
  sent.destroy();
  return new Response(text, {
    status: answer.statusCode!,
    headers: { "content-type": answer.headers["content-type"]! },
  });
};

/** The body of a 200 as JSON; shows the problem otherwise. */
export const okJson = async <T>(response: Response): Promise<T> => {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
};

export const bytesOf = async (response: Response, type: string): Promise<Uint8Array<ArrayBuffer>> => {
  expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
  return new Uint8Array(await response.arrayBuffer());
};

type AttackAnswer = Omit<AttackResult, "images"> & {
  readonly images: Partial<Record<OutputName, { readonly mediaType: string; readonly data: string }>>;
};

/** An attack's JSON answer, checked against its published schema. */
export const attackWith = async (client: Client, files: Files, spec: object): Promise<AttackAnswer> =>
  Attack.parse(await okJson(await client.form("/v1/attack", files, spec)));

/** The image of that name in an answer, decoded from base64. */
export const imageOf = ({ images }: AttackAnswer, name: OutputName): Uint8Array<ArrayBuffer> =>
  new Uint8Array(fromBase64(images[name]!.data)!);

export const labelsOf = (answer: AttackAnswer, name: "labels-before" | "labels-after"): Uint8Array =>
  decodeLabels(imageOf(answer, name), { maxPixels: 1e6 }).data;

/** The adversarial image of a spec as an NPY file. */
export const npyOf = async (client: Client, files: Files, spec: object): Promise<Uint8Array<ArrayBuffer>> =>
  bytesOf(await client.form("/v1/attack", files, spec, { accept: "application/x-npy" }), "application/x-npy");

export const floatsIn = (npy: Uint8Array): Float32Array => {
  const { dtype, data } = decodeNpy(npy);
  expect(dtype).toBe("float32");
  return data as Float32Array;
};

/** Kind and status of a problem; no status where the response's and its body's differ. */
export const outcome = async (response: Response): Promise<[number, string]> => {
  const { status, type } = await problemIn(response);
  return [response.status === status ? status : NaN, type.replace("/problems/", "")];
};

/** Expects a problem of this kind, and gives it. */
export const refused = async (response: Response, status: number, kind: string) => {
  const problem = await problemIn(response);
  expect(problem).toMatchObject({ status, type: `/problems/${kind}` });
  expect(response.status).toBe(status);
  expect(problem.detail.length).toBeGreaterThan(10);
  return problem;
};
