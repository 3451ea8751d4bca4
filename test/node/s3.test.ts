/** The client of S3-compatible buckets: what it reads back, what it asks again, what it says where it is denied. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import dns, { type LookupAddress, type LookupOptions } from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { openBucket, PIECE_BYTES } from "../../src/node/s3.ts";
import { askerOf } from "../../src/node/s3-request.ts";
import { parseAddress, settingsFor } from "../../src/node/s3-settings.ts";
import { keysUnder } from "../../src/store/bucket.ts";
import { hasMoto, motoNote, startMoto } from "../support/s3/moto.ts";
import { startS3, type S3Server } from "../support/s3/server.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const folder = mkdtempSync(join(tmpdir(), "faultline-s3-"));
let server: S3Server;
beforeAll(async () => {
  server = await startS3({ pageSize: 3 });
});
afterAll(async () => {
  await server.end();
  rmSync(folder, { recursive: true });
});

type Looked = (error: null, address: string | LookupAddress[], family?: number) => void;
type Environment = Readonly<Record<string, string | undefined>>;
const PAUSES = [1, 1, 1];
const opened = (address: string, environment: Environment = server.environment) =>
  openBucket(address, (bucket) => askerOf(bucket, settingsFor(bucket, environment), PAUSES));

const services = [
  ["a strict service", true, async () => ({ environment: server.environment, end: () => Promise.resolve() })],
  [`moto${motoNote}`, hasMoto, startMoto],
] as const;

describe.each(services)("%s", (_, isThere, start) => {
  it.skipIf(!isThere)("keeps objects under a prefix, byte by byte, and lists all of them", async () => {
    const { environment, end } = await start();
    onTestFinished(end);
    const bucket = opened("s3://results/a b/ü", environment);
    const other = opened("s3://results/a b/übel", environment);
    const keys = ["x/1", "x/ 2", "x/+3", "x/é&<>'\"!()*~", "x/%41", "x/y/z", "y"];
    for (const key of keys) await bucket.put(key, key);
    await other.put("x/1", "another");
    const bytes = randomBytes(3_000_001);
    await bucket.put("bytes", bytes);
    expect((await keysUnder(bucket, "x/")).toSorted()).toEqual(
      keys
        .slice(0, -1)
        .map((key) => key.slice(2))
        .toSorted(),
    );
    expect(await keysUnder(bucket, "none/")).toEqual([]);
    for (const key of keys) expect(await (await bucket.get(key))!.text()).toBe(key);
    expect(Buffer.compare(bytes, new Uint8Array(await (await bucket.get("bytes"))!.arrayBuffer()))).toBe(0);
    expect([await bucket.get("none"), await bucket.stat("none")]).toEqual([null, null]);
    expect(await bucket.stat("bytes")).toMatchObject({ size: bytes.length });
    await bucket.put("y", "");
    expect(await (await bucket.get("y"))!.text()).toBe("");
    await bucket.delete("y");
    await bucket.delete("y");
    expect(await bucket.get("y")).toBeNull();
  });

  it.skipIf(!isThere)("puts what is absent once", async () => {
    const { environment, end } = await start();
    onTestFinished(end);
    const bucket = opened("s3://results/once", environment);
    expect(await bucket.putIfAbsent("a", bytesOf("1"))).toBe(true);
    expect(await bucket.putIfAbsent("a", bytesOf("2"))).toBe(false);
    expect(await (await bucket.get("a"))!.text()).toBe("1");
  });

  it.skipIf(!isThere)("uploads large files in parts, and reads them in pieces", async () => {
    const { environment, end } = await start();
    onTestFinished(end);
    const bucket = opened("s3://results/large", environment);
    for (const size of [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 17]) {
      const bytes = randomBytes(size);
      writeFileSync(join(folder, "large"), bytes);
      await bucket.putFile("large", join(folder, "large"));
      const pieces: Uint8Array[] = [];
      for await (const piece of bucket.pieces("large")) pieces.push(piece);
      expect(pieces.length).toBe(Math.ceil(size / PIECE_BYTES));
      expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
    }
  });
});

it("asks a service that has the bucket in its host's name", async () => {
  const port = new URL(server.environment["AWS_ENDPOINT_URL_S3"]!).port;
  // Not every resolver knows names under localhost.
  const lookup = vi.spyOn(dns, "lookup").mockImplementation(((_: string, options: LookupOptions, done: Looked) => {
    if (options.all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
    else done(null, "127.0.0.1", 4);
  }) as unknown as typeof dns.lookup);
  onTestFinished(() => lookup.mockRestore());
  const environment = {
    ...server.environment,
    AWS_ENDPOINT_URL_S3: `http://localhost:${port}`,
    AWS_VIRTUAL_HOSTED_STYLE_REQUEST: "true",
  };
  const bucket = opened("s3://results/hosted", environment);
  server.hosts.clear();
  server.requests.length = 0;
  await bucket.put("a b/+ü", "1");
  expect(await (await bucket.get("a b/+ü"))!.text()).toBe("1");
  expect(await keysUnder(bucket, "a b/")).toEqual(["+ü"]);
  expect(server.objects.has("hosted/a b/+ü")).toBe(true);
  expect([...server.hosts]).toEqual([`results.localhost:${port}`]);
  expect(server.requests[0]).toBe("PUT /hosted/a%20b/%2B%C3%BC");
  await expect(opened("s3://missing/x", environment).get("a")).rejects.toThrow("there is no such bucket");
});

describe("where the service is busy, or away", () => {
  const slow = { status: 503, code: "SlowDown" } as const;

  it("asks again, and no more often than it is allowed", async () => {
    const bucket = opened("s3://results/busy");
    for (const faults of [[slow], [slow, "cut", slow], ["cut"]] as const) {
      server.faults.push(...faults);
      server.requests.length = 0;
      await bucket.put("a", "1");
      expect(server.requests.length).toBe(faults.length + 1);
    }
    server.faults.push(slow, slow, slow, slow);
    await expect(bucket.get("a")).rejects.toThrow(/^s3:\/\/results\/busy\/a: http.* answers 503 SlowDown/);
    expect(server.faults).toEqual([]);
    server.faults.push({ status: 400, code: "RequestTimeout" });
    expect(await (await bucket.get("a"))!.text()).toBe("1");
    // What is at fault stays at fault.
    server.faults.push({ status: 400, code: "InvalidRequest" });
    server.requests.length = 0;
    await expect(bucket.get("a")).rejects.toThrow("400 InvalidRequest");
    expect(server.requests.length).toBe(1);
  });

  it("takes its own object for its own where the answer was lost", async () => {
    const bucket = opened("s3://results/lost");
    server.faults.push("cut");
    expect(await bucket.putIfAbsent("a", bytesOf("1"))).toBe(true);
    expect(server.objects.get("lost/a")).toEqual(Buffer.from("1"));
    server.faults.push({ status: 409, code: "ConditionalRequestConflict" });
    expect(await bucket.putIfAbsent("b", bytesOf("1"))).toBe(true);
  });

  it("gives up an upload whose parts do not arrive; the former object stays", async () => {
    const bucket = opened("s3://results/parts");
    await bucket.put("large", "former");
    writeFileSync(join(folder, "parts"), randomBytes(2 * PIECE_BYTES));
    server.requests.length = 0;
    const denied = { status: 403, code: "AccessDenied" } as const;
    const failing = openBucket("s3://results/parts", (name) => {
      const ask = askerOf(name, settingsFor(name, server.environment), PAUSES);
      return (request) => {
        if (request.query?.["partNumber"] === "2") server.faults.push(denied);
        return ask(request);
      };
    });
    await expect(failing.putFile("large", join(folder, "parts"))).rejects.toThrow("AccessDenied");
    expect([server.unfinished(), await (await bucket.get("large"))!.text()]).toEqual([0, "former"]);
    await failing.put("large", "former");
  });

  it("notices that an object is replaced while it is read", async () => {
    const bucket = opened("s3://results/replaced");
    writeFileSync(join(folder, "replaced"), randomBytes(PIECE_BYTES + 1));
    await bucket.putFile("a", join(folder, "replaced"));
    const pieces = bucket.pieces("a");
    await pieces.next();
    await bucket.put("a", randomBytes(PIECE_BYTES + 1));
    await expect(pieces.next()).rejects.toThrow("PreconditionFailed");
    await expect(bucket.pieces("none").next()).rejects.toThrow("s3://results/replaced/none: no such object");
  });

  it("says that it cannot be reached", async () => {
    const gone = { ...server.environment, AWS_ENDPOINT_URL_S3: "http://127.0.0.1:2" };
    await expect(opened("s3://results/a", gone).get("b")).rejects.toThrow(
      /^s3:\/\/results\/a\/b: http:\/\/127.0.0.1:2 cannot be reached: .*ECONNREFUSED/,
    );
  });
});

describe("a service that is none", () => {
  /** @param answer counts from 1. @returns a bucket there, and how often it was asked. */
  const answeredBy = async (answer: (response: ServerResponse) => void) => {
    let asked = 0;
    const own = createServer((_, response) => {
      asked += 1;
      answer(response);
    });
    await once(own.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      own.closeAllConnections();
      own.close();
    });
    const { port } = own.address() as AddressInfo;
    const environment = { ...server.environment, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` };
    const bucket = openBucket("s3://results/a", (name) => askerOf(name, settingsFor(name, environment), PAUSES, 60));
    return { bucket, asked: () => asked };
  };

  it.each([
    ["answers nothing", () => undefined],
    [
      "begins to answer",
      (response: ServerResponse) => void response.writeHead(200, { "content-length": 9 }).write("a"),
    ],
  ])("is asked twice where it %s", async (_, answer) => {
    const { bucket, asked } = await answeredBy(answer);
    await expect(bucket.get("b")).rejects.toThrow(
      /^s3:\/\/results\/a\/b: http.* cannot be reached: no answer within 0 s/,
    );
    expect(asked()).toBe(2);
  });

  it("that goes on from the same place again and again is not followed", async () => {
    const list = `<ListBucketResult xmlns="http://s3"><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>`;
    const { bucket, asked } = await answeredBy((response) => response.end(list));
    await expect(keysUnder(bucket, "")).rejects.toThrow("cut off without saying how it goes on");
    expect(asked()).toBe(2);
  });

  it("is told from a bucket without objects", async () => {
    const { bucket } = await answeredBy((response) => response.end("<!doctype html><p>Welcome</p>"));
    await expect(keysUnder(bucket, "")).rejects.toThrow("AWS_ENDPOINT_URL names no S3-compatible service");
  });
});

describe("what is wrong is said", () => {
  it.each([
    ["s3://missing/a", {}, /^s3:\/\/missing\S*: there is no such bucket at http/],
    ["s3://forbidden/a", {}, /denied by http.* keys of the environment.*403 AccessDenied Access <Denied> & so on/],
    ["s3://results/a", { AWS_SECRET_ACCESS_KEY: "another" }, /denied .*SignatureDoesNotMatch/],
    ["s3://results/a", { AWS_ACCESS_KEY_ID: "another" }, /denied .*InvalidAccessKeyId/],
    ["s3://results/a", { AWS_SESSION_TOKEN: "" }, /denied .*InvalidToken/],
    ["s3://results/a", { AWS_REGION: "there-2" }, /another region than there-2; set AWS_REGION=here-1/],
    [
      "s3://results/a",
      { AWS_REGION: "", AWS_DEFAULT_REGION: "" },
      /another region than us-east-1; set AWS_REGION=here-1/,
    ],
  ])("of %s with %o", async (address, change, message) => {
    const bucket = opened(address, { ...server.environment, ...change });
    const run = [() => bucket.get("k"), () => bucket.put("k", "1"), () => keysUnder(bucket, "k")];
    for (const each of run) await expect(each()).rejects.toThrow(message);
  });

  it.each([
    ["AWS_ACCESS_KEY_ID", "", /AWS_ACCESS_KEY_ID is not set/],
    ["AWS_SECRET_ACCESS_KEY", undefined, /AWS_SECRET_ACCESS_KEY is not set/],
    ["AWS_ENDPOINT_URL_S3", "ftp://a", /AWS_ENDPOINT_URL must be the address of a service.*"ftp:\/\/a"/],
    ["AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "yes", /must be true or false, not "yes"/],
  ])("of the environment, where %s is %o", (name, value, message) => {
    expect(() => settingsFor("results", { ...server.environment, [name]: value })).toThrow(message);
  });

  it.each(["s3://", "s3://A/b", "s3://ab", "s3://-ab/c", "s3://abc/../d", "s3://abc/d/./e", "s3:/abc/d"])(
    "of the address %s",
    (address) => expect(() => parseAddress(address)).toThrow(/of the form s3:\/\/BUCKET\/PREFIX/),
  );
});

it("finds the service and the style of its addresses in the environment", () => {
  const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  const settings = (bucket: string, more: Environment) => settingsFor(bucket, { ...keys, ...more });
  expect(settings("abc", { AWS_DEFAULT_REGION: "eu-1" })).toMatchObject({
    endpoint: "https://s3.eu-1.amazonaws.com",
    region: "eu-1",
    isPathStyle: false,
    sessionToken: undefined,
  });
  expect(settings("a.c", {}).isPathStyle).toBe(true);
  const own = { AWS_ENDPOINT_URL: "https://other", AWS_ENDPOINT_URL_S3: "http://own:9000/s3/" };
  expect(settings("abc", own)).toMatchObject({ endpoint: "http://own:9000/s3", isPathStyle: true });
  expect(settings("abc", { ...own, AWS_VIRTUAL_HOSTED_STYLE_REQUEST: "true" }).isPathStyle).toBe(false);
  expect(parseAddress("s3://abc//d/e/")).toEqual({ bucket: "abc", key: "d/e" });
});
