/** A service with the part of S3's interface that is used here, strict in what it takes, with its objects in memory. */

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { signatureFault, type Keys } from "./signature.ts";

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface S3Fault {
  readonly status: number;
  readonly code: string;
}

export interface S3Server {
  /** The environment of who may use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of its one bucket, by their keys. */
  readonly objects: Map<string, Uint8Array>;
  /** Method and path of each request that was answered, or not. */
  readonly requests: string[];
  /** The hosts that they were sent to: NAME.localhost has the bucket NAME, all others have it in their path. */
  readonly hosts: Set<string>;
  /** What is answered to the next requests; "cut" breaks the connection after the request was carried out. */
  readonly faults: (S3Fault | "cut")[];
  /** Uploads in parts that have neither been put together nor given up. */
  readonly unfinished: () => number;
  readonly end: () => Promise<void>;
}

const LEAST_PART = 5 * 2 ** 20;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const faulty = (status: number, code: string, message = code, more = ""): Answer => ({
  status,
  body: `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>${escaped(message)}</Message>${more}</Error>`,
});
const etagOf = (bytes: Uint8Array): string => `"${createHash("md5").update(bytes).digest("hex")}"`;

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};

export interface S3Options {
  readonly bucket?: string;
  readonly region?: string;
  readonly keys?: Keys;
  /** Keys that a list has at most. */
  readonly pageSize?: number;
  readonly port?: number;
  /** Which requests, as they are in `requests`, are neither carried out nor answered. */
  readonly isHeld?: (request: string) => boolean;
}

export const startS3 = async ({
  bucket = "results",
  region = "here-1",
  keys = { id: "AKID", secret: "secret/key+1", token: "a token==" },
  pageSize = 1000,
  port = 0,
  isHeld = () => false,
}: S3Options = {}): Promise<S3Server> => {
  const objects = new Map<string, Uint8Array>();
  const uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Uint8Array> }>();
  const tokens = new Map<string, string>();
  const requests: string[] = [];
  const hosts = new Set<string>();
  const faults: (S3Fault | "cut")[] = [];

  const list = (query: URLSearchParams): Answer => {
    if (query.get("list-type") !== "2" || query.get("encoding-type") !== "url") return faulty(501, "NotImplemented");
    const [prefix, token] = [query.get("prefix") ?? "", query.get("continuation-token")];
    if (token !== null && !tokens.has(token)) return faulty(400, "InvalidArgument", "the token is none");
    const after = token === null ? "" : tokens.get(token)!;
    // In the order of their bytes.
    const all = [...objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const left = all.slice(
      after === "" ? 0 : all.findIndex((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0),
    );
    const page = after !== "" && all.every((key) => key <= after) ? [] : left.slice(0, pageSize);
    const isCut = page.length < left.length && page.length > 0;
    const next = randomUUID();
    if (isCut) tokens.set(next, page.at(-1)!);
    const contents = page.map(
      (key) =>
        `<Contents><Key>${encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+")}</Key><Size>${objects.get(key)!.length}</Size><Owner><ID>x</ID></Owner></Contents>`,
    );
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><EncodingType>url</EncodingType><KeyCount>${page.length}</KeyCount><IsTruncated>${isCut}</IsTruncated>${isCut ? `<NextContinuationToken>${next}</NextContinuationToken>` : ""}${contents.join("")}</ListBucketResult>`;
    return { status: 200, body };
  };

  const read = (key: string, { headers }: IncomingMessage): Answer => {
    const bytes = objects.get(key);
    if (!bytes) return faulty(404, "NoSuchKey");
    const etag = etagOf(bytes);
    const own = { etag, "x-amz-meta-none": "" };
    if (headers["if-match"] !== undefined && headers["if-match"] !== etag) return faulty(412, "PreconditionFailed");
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    if (first === undefined) return { status: 200, headers: own, body: bytes };
    if (Number(first) >= bytes.length) return faulty(416, "InvalidRange");
    return { status: 206, headers: own, body: bytes.slice(Number(first), Number(last) + 1) };
  };

  const completed = (id: string, xml: string): Answer => {
    const { key, parts } = uploads.get(id)!;
    const named = [...xml.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag><\/Part>/g)];
    const found = named.map(([, number, etag]) => ({
      bytes: parts.get(Number(number)),
      etag: etag!.replaceAll("&quot;", '"'),
    }));
    if (found.length === 0) return faulty(400, "MalformedXML");
    if (found.some(({ bytes, etag }) => !bytes || etagOf(bytes) !== etag)) return faulty(400, "InvalidPart");
    if (found.slice(0, -1).some(({ bytes }) => bytes!.length < LEAST_PART)) return faulty(400, "EntityTooSmall");
    objects.set(key, Buffer.concat(found.map(({ bytes }) => bytes!)));
    uploads.delete(id);
    return {
      status: 200,
      body: `<CompleteMultipartUploadResult><ETag>&quot;x-${found.length}&quot;</ETag></CompleteMultipartUploadResult>`,
    };
  };

  const upload = (method: string, key: string, query: URLSearchParams, body: Buffer): Answer => {
    const id = query.get("uploadId") ?? randomUUID();
    if (method === "POST" && query.has("uploads")) {
      uploads.set(id, { key, parts: new Map() });
      return {
        status: 200,
        body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      };
    }
    if (uploads.get(id)?.key !== key) return faulty(404, "NoSuchUpload");
    if (method === "POST") return completed(id, body.toString());
    if (method === "DELETE") return { status: uploads.delete(id) ? 204 : 404 };
    uploads.get(id)!.parts.set(Number(query.get("partNumber")), body);
    return { status: 200, headers: { etag: etagOf(body) } };
  };

  const carriedOut = (request: IncomingMessage, key: string, query: URLSearchParams, body: Buffer): Answer => {
    const { method = "", headers } = request;
    if (key === "") return method === "GET" ? list(query) : faulty(405, "MethodNotAllowed");
    if (query.has("uploads") || query.has("uploadId")) return upload(method, key, query, body);
    if (method === "GET" || method === "HEAD") return read(key, request);
    if (method === "DELETE") {
      objects.delete(key);
      return { status: 204 };
    }
    if (method !== "PUT") return faulty(405, "MethodNotAllowed");
    if (headers["if-none-match"] !== undefined && headers["if-none-match"] !== "*")
      return faulty(501, "NotImplemented");
    if (headers["if-none-match"] === "*" && objects.has(key)) return faulty(412, "PreconditionFailed");
    objects.set(key, body);
    return { status: 200, headers: { etag: etagOf(body) } };
  };

  const answered = (request: IncomingMessage, body: Buffer): Answer => {
    const fault = signatureFault(request, body, keys, region);
    if (fault) return faulty(...fault, fault[1] === "AuthorizationHeaderMalformed" ? `<Region>${region}</Region>` : "");
    const [path = "", query = ""] = request.url!.split("?");
    const [, ...parts] = path.split("/").map(decodeURIComponent);
    // Virtual-hosted: the bucket is what the host's name has before this service's own.
    const [, hosted] = /^(.+)\.localhost(?::\d+)?$/.exec(request.headers.host ?? "") ?? [];
    const [name = "", ...rest] = hosted === undefined ? parts : [hosted, ...parts];
    if (name === "forbidden") return faulty(403, "AccessDenied", "Access <Denied> & so on");
    if (name !== bucket) return faulty(404, "NoSuchBucket", "The specified bucket does not exist");
    return carriedOut(request, rest.join("/"), new URLSearchParams(query), body);
  };

  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      const body = await bodyOf(request);
      const line = `${request.method} ${request.url}`;
      requests.push(line);
      if (isHeld(line)) return;
      hosts.add(request.headers.host ?? "");
      const fault = faults.shift();
      const {
        status,
        headers = {},
        body: content = "",
      } = fault === undefined || fault === "cut" ? answered(request, body) : faulty(fault.status, fault.code);
      if (fault === "cut") return void request.socket.destroy();
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(content) });
      response.end(request.method === "HEAD" ? "" : content);
    };
    void serve();
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    objects,
    requests,
    hosts,
    faults,
    unfinished: () => uploads.size,
    environment: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: keys.id,
      AWS_SECRET_ACCESS_KEY: keys.secret,
      ...(keys.token === undefined ? {} : { AWS_SESSION_TOKEN: keys.token }),
      AWS_REGION: region,
    },
    end: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};
