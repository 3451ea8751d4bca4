/** Compression of responses, by brotli or gzip as the client accepts. It runs in libuv's thread pool. */

import { Readable, type Transform } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { constants, createBrotliCompress, createGzip } from "node:zlib";

/** Smaller responses are not compressed, as they hardly shrink. */
const MIN_BYTES = 1024;

/** The default quality, 11, is meant for files that are compressed once; 4 is fast enough for compression while sending. */
const BROTLI_QUALITY = 4;

/** The codings in order of preference. */
const codings = {
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: () => createGzip(),
} as const satisfies Record<string, () => Transform>;

type Coding = keyof typeof codings;

/** Compressible types: text, JSON, scripts, WASM and networks. Images do not shrink, and events must not be buffered. */
const compressible =
  /^(text\/(?!event-stream)|application\/(json|javascript|problem\+json|wasm|manifest\+json|octet-stream)|image\/svg)/;

/** The first coding that the header accepts with a weight above 0 (RFC 9110, 12.5.3). */
export const codingFor = (acceptEncoding: string | null): Coding | null => {
  const accepted = new Map(
    (acceptEncoding ?? "").split(",").map((entry) => {
      const [name = "", ...parameters] = entry.split(";").map((piece) => piece.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith("q="));
      return [name, q === undefined ? 1 : Number(q.slice(2))] as const;
    }),
  );
  const weight = (coding: Coding) => accepted.get(coding) ?? accepted.get("*") ?? 0;
  return (Object.keys(codings) as Coding[]).find((coding) => weight(coding) > 0) ?? null;
};

/** The response, compressed if its type and size make it worthwhile. Its ETag must be weak, because all codings share it. */
export const compressed = (request: Request, answer: Response): Response => {
  const { headers, body } = answer;
  const length = headers.get("Content-Length");
  const worthwhile = length === null || Number(length) >= MIN_BYTES;
  if (!body || headers.has("Content-Encoding") || !worthwhile || !compressible.test(headers.get("Content-Type") ?? ""))
    return answer;
  const changed = new Headers(headers);
  changed.append("Vary", "Accept-Encoding");
  const coding = request.method === "HEAD" ? null : codingFor(request.headers.get("Accept-Encoding"));
  const init = { status: answer.status, headers: changed };
  if (!coding) return new Response(body, init);
  changed.set("Content-Encoding", coding);
  changed.delete("Content-Length");
  const source = Readable.fromWeb(body as unknown as NodeStream);
  const stream = source.pipe(codings[coding]());
  source.on("error", (cause) => stream.destroy(cause));
  stream.on("close", () => source.destroy());
  return new Response(Readable.toWeb(stream) as unknown as ReadableStream, init);
};
