import { describe, expect, it } from "vitest";
import type { UploadRequest, UploadResult, UploadedManifest } from "../../src/contract/models.ts";
import { FaultlineError } from "../../src/contract/failure.ts";
import type { AppOptions } from "../../src/api/app.ts";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakeModel, fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/models";

const manifest = {
  name: "mine",
  architecture: "a",
  dataset: "d",
  classes: [
    { name: "sky", color: [0, 0, 0] },
    { name: "road", color: [1, 2, 3] },
  ],
  void: 255,
  precision: "fp32",
  input: {
    name: "image",
    layout: "NCHW",
    width: "dynamic",
    height: 32,
    channels: "RGB",
    mean: [0, 0, 0],
    std: [1, 1, 1],
    scale: 1,
  },
  output: { name: "logits", kind: "logits", stride: 1 },
  license: "MIT",
  source: "s",
  citation: "c",
} satisfies UploadedManifest;

/** A client of a service that takes every upload, and what reached it. */
const accepting = (outcome: UploadResult["outcome"] = "created", options: AppOptions = {}) => {
  const added: UploadRequest[] = [];
  const removed: string[] = [];
  const uploads = {
    add: async (request: UploadRequest): Promise<UploadResult> => {
      added.push(request);
      return { outcome, model: { ...fakeModel, name: request.manifest.name ?? "unnamed" }, assumed: [] };
    },
    remove: async (name: string) => {
      removed.push(name);
      if (name === "nothing") throw new FaultlineError({ kind: "unknown-model", model: name, accepted: [] });
    },
  };
  return { client: clientOf(fakeService({ uploads }), options), added, removed };
};

type Parts = Readonly<Record<string, string | Blob>>;

const formOf = (parts: Parts): FormData => {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part === "string") form.set(name, part);
    else form.set(name, part, `${name}.bin`);
  }
  return form;
};

const partsOf = (changes: object = {}): Parts => ({
  model: new Blob([fakePng]),
  manifest: JSON.stringify({ ...manifest, ...changes }),
});

const post = (
  { client }: ReturnType<typeof accepting>,
  parts: Parts = partsOf(),
  { query = "", headers = {} }: { readonly query?: string; readonly headers?: Record<string, string> } = {},
) => client.send(`${path}${query}`, { method: "POST", body: formOf(parts), headers });

describe("POST /v1/models", () => {
  it("hands the bytes and the manifest on, and answers 201 with the place", async () => {
    const service = accepting();
    const response = await post(service);
    expect([response.status, response.headers.get("location")]).toEqual([201, "/v1/models/mine"]);
    expect(await response.json()).toEqual({ ...fakeModel, name: "mine", assumed: [] });
    expect(service.added).toEqual([{ manifest: { ...manifest, metrics: {} }, model: fakePng, replace: false }]);
  });

  it("takes a network without a manifest, or with a part of one", async () => {
    const service = accepting();
    expect((await post(service, { model: new Blob([fakePng]) })).status).toBe(201);
    expect((await post(service, { model: new Blob([fakePng]), manifest: '{"name":"mine"}' })).status).toBe(201);
    expect(service.added.map((added) => added.manifest.name)).toEqual([undefined, "mine"]);
  });

  const withData = (files: readonly (readonly [name: string, part: string | Blob])[]): FormData => {
    const form = formOf(partsOf());
    for (const [name, part] of files) {
      if (typeof part === "string") form.append("data", part);
      else form.append("data", part, name);
    }
    return form;
  };

  it("takes files of weights by their names, the part repeated", async () => {
    const service = accepting();
    const form = withData([["net.data", new Blob(["ab"])], ["folder/more.data", new Blob(["c"])]]); // prettier-ignore
    expect((await service.client.send(path, { method: "POST", body: form })).status).toBe(201);
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(service.added[0]?.data).toEqual([
      { name: "net.data", bytes: bytes("ab") },
      { name: "folder/more.data", bytes: bytes("c") },
    ]);
  });

  it.each([
    ["text", [["", "weights"]], /must be a file/],
    ["an empty file", [["a", new Blob([])]], /is empty/],
    ["too many files", Array.from({ length: 65 }, (_, i) => [`${i}`, new Blob(["x"])]), /more than 64 times/],
  ] as const)("refuses %s in place of weights", async (_, files, detail) => {
    const service = accepting();
    const body = withData(files as readonly (readonly [string, string | Blob])[]);
    const { errors } = await problemIn(await service.client.send(path, { method: "POST", body }));
    expect(errors).toEqual([expect.objectContaining({ pointer: "/data", detail: expect.stringMatching(detail) })]);
    expect(service.added).toEqual([]);
  });

  it("takes the manifest as a file of its own type", async () => {
    const service = accepting();
    const file = new Blob([JSON.stringify({ ...manifest, metrics: { miou: 0.5 } })], { type: "application/json" });
    expect((await post(service, { ...partsOf(), manifest: file })).status).toBe(201);
    expect(service.added[0]?.manifest.metrics).toEqual({ miou: 0.5 });
  });

  it.each(["replaced", "unchanged"] as const)("answers 200 where it is %s", async (outcome) => {
    const service = accepting(outcome);
    const response = await post(service, partsOf(), { query: "?replace=true" });
    expect([response.status, response.headers.get("location")]).toEqual([200, null]);
    expect(service.added[0]?.replace).toBe(true);
  });

  it.each<[string, object, string]>([
    ["a path for a name", { name: "../../etc/passwd" }, "/manifest/name"],
    ["a hidden name", { name: ".mine" }, "/manifest/name"],
    ["a long name", { name: "a".repeat(65) }, "/manifest/name"],
    ["a class without a colour", { classes: [manifest.classes[0], { name: "b" }] }, "/manifest/classes/1/color"],
    ["one class", { classes: [{ name: "a", color: [0, 0, 0] }] }, "/manifest/classes"],
    ["a colour out of range", { classes: [manifest.classes[0], { name: "b", color: [0, 0, 256] }] }, "/manifest/classes/1/color/2"], // prettier-ignore
    ["a size that is neither", { input: { ...manifest.input, width: "any" } }, "/manifest/input/width"],
    ["a zero deviation", { input: { ...manifest.input, std: [1, 0, 1] } }, "/manifest/input/std"],
    ["an unknown field", { colour: "red" }, "/manifest/colour"],
    ["an unknown nested field", { output: { ...manifest.output, size: 1 } }, "/manifest/output/size"],
    ["a digest that is none", { sha256: "abc" }, "/manifest/sha256"],
    ["a file elsewhere", { file: "../model.onnx" }, "/manifest/file"],
    ["metrics nested deep", { metrics: { a: [[[[[[[[1]]]]]]]] } }, "/manifest"],
    ["metrics without end", { metrics: { text: "x".repeat(70_000) } }, "/manifest"],
  ])("refuses %s by its pointer", async (_, wrong, pointer) => {
    const service = accepting();
    const response = await post(service, partsOf(wrong));
    expect(response.status).toBe(422);
    const problem = await problemIn(response);
    expect(problem.type).toBe("/problems/invalid-request");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
    expect(service.added).toEqual([]);
  });

  it.each([
    ["classes", "ab", "must be of type array, not text"],
    ["classes", [{ name: "a", color: [0, 0, 0] }], "must have at least 2 items"],
    ["license", "", "must have at least 1 character"],
    ["void", 3, "must be 255"],
    ["input/std", [1, 0, 1], "must hold no zeros"],
    ["input/scale", 0, "must not be 0"],
  ])("says what is wrong with %s %j, once", async (place, value, detail) => {
    const [field = "", inner] = place.split("/");
    const changes = { [field]: inner ? { ...manifest.input, [inner]: value } : value };
    const { errors } = await problemIn(await post(accepting(), partsOf(changes)));
    expect(errors?.map((e) => [e.pointer, e.detail])).toEqual([[`/manifest/${place}`, detail]]);
  });

  it("says what a name and a digest are made of", async () => {
    const { errors } = await problemIn(await post(accepting(), partsOf({ name: "A", sha256: "0" })));
    expect(errors).toEqual([
      { pointer: "/manifest/name", detail: "must be lower-case letters, digits, '.', '_' and '-'", received: "A" },
      { pointer: "/manifest/sha256", detail: "must be 64 hexadecimal digits", received: "0" },
    ]);
  });

  it.each<[string, Parts, string[]]>([
    ["a manifest that is no object", { ...partsOf(), manifest: "3" }, ["/manifest"]],
    ["a manifest that no recursion survives", { ...partsOf(), manifest: `{"metrics":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}` }, ["/manifest"]], // prettier-ignore
    ["no model", { manifest: JSON.stringify(manifest) }, ["/model"]],
    ["a model as text", { ...partsOf(), model: "model.onnx" }, ["/model"]],
    ["an empty model", { ...partsOf(), model: new Blob([]) }, ["/model"]],
    ["another part", { ...partsOf(), weights: "x" }, ["/weights"]],
  ])("refuses %s", async (_, parts, pointers) => {
    const problem = await problemIn(await post(accepting(), parts));
    expect([problem.status, problem.errors?.map((error) => error.pointer)]).toEqual([422, pointers]);
  });

  it("refuses a manifest that is no JSON, another media type, a strange `replace`, an unacceptable answer", async () => {
    const service = accepting();
    const kindOf = async (response: Promise<Response>) => {
      const { status, type, errors } = await problemIn(await response);
      return [status, type.replace("/problems/", ""), errors?.[0]?.pointer];
    };
    expect(await kindOf(post(service, { ...partsOf(), manifest: "{name:1}" }))).toEqual([400, "malformed-body", "/manifest"]); // prettier-ignore
    const headers = { "content-type": "application/json" };
    const json = service.client.send(path, { method: "POST", body: "{}", headers });
    expect(await kindOf(json)).toEqual([415, "unsupported-media-type", undefined]);
    expect(await kindOf(post(service, partsOf(), { query: "?replace=yes" }))).toEqual([422, "invalid-request", "/replace"]); // prettier-ignore
    expect(await kindOf(post(service, partsOf(), { headers: { accept: "image/png" } }))).toEqual([406, "not-acceptable", undefined]); // prettier-ignore
  });

  it("has a limit of its own", async () => {
    const limits = { bodyBytes: 100, uploadBytes: 4000 };
    expect((await post(accepting("created", { limits }))).status).toBe(201);
    const large = { ...partsOf(), model: new Blob([new Uint8Array(4000)]) };
    expect(await problemIn(await post(accepting("created", { limits }), large))).toMatchObject({
      status: 413,
      type: "/problems/body-too-large",
      limitBytes: 4000,
    });
  });
});

describe("DELETE /v1/models/{name}", () => {
  it("answers 204, or what the service says", async () => {
    const { client, removed } = accepting();
    const response = await client.send(`${path}/mine`, { method: "DELETE" });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect((await problemIn(await client.send(`${path}/nothing`, { method: "DELETE" }))).status).toBe(404);
    expect(removed).toEqual(["mine", "nothing"]);
  });
});

describe("who may", () => {
  const requests = [
    ["upload", (service: ReturnType<typeof accepting>, headers: Record<string, string>) => post(service, partsOf(), { headers })],
    ["delete", ({ client }: ReturnType<typeof accepting>, headers: Record<string, string>) => client.send(`${path}/mine`, { method: "DELETE", headers })], // prettier-ignore
  ] as const; // prettier-ignore

  it.each(requests)("%s: nobody, where there is no store; and how to enable it", async (_, request) => {
    const service = { ...accepting(), client: clientOf(fakeService(), { uploadToken: "secret" }) };
    const problem = await problemIn(await request(service, { authorization: "Bearer secret" }));
    expect(problem).toMatchObject({ status: 501, type: "/problems/uploads-disabled" });
    expect(problem.detail).toMatch(/R2 bucket as MODELS/);
  });

  it.each(requests)("%s: only with the token, where there is one", async (_, request) => {
    const service = accepting("created", { uploadToken: "secret" });
    const challenges: [Record<string, string>, string][] = [
      [{}, 'Bearer realm="faultline"'],
      [{ authorization: "secret" }, 'Bearer realm="faultline"'],
      [{ authorization: "Bearer " }, 'Bearer realm="faultline"'],
      [{ authorization: "Basic secret" }, 'Bearer realm="faultline"'],
      [{ authorization: "Bearer secre" }, 'Bearer realm="faultline", error="invalid_token"'],
      [{ authorization: "Bearer secret1" }, 'Bearer realm="faultline", error="invalid_token"'],
      [{ authorization: "Bearer SECRET" }, 'Bearer realm="faultline", error="invalid_token"'],
    ];
    for (const [headers, challenge] of challenges) {
      const response = await request(service, headers);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, challenge]);
      expect((await problemIn(response)).type).toBe("/problems/unauthorized");
    }
    expect([service.added, service.removed]).toEqual([[], []]);
    expect((await request(service, { authorization: "Bearer secret" })).status).toBeLessThan(300);
    expect((await request(service, { authorization: "bearer secret" })).status).toBeLessThan(300);
  });

  it("nobody, where the token is empty by mistake", async () => {
    const service = accepting("created", { uploadToken: "" });
    for (const headers of [{}, { authorization: "Bearer" }, { authorization: "Bearer " }])
      expect((await post(service, partsOf(), { headers })).status).toBe(401);
  });

  it("reading needs no token", async () => {
    const { client } = accepting("created", { uploadToken: "secret" });
    expect((await client.send(path)).status).toBe(200);
  });
});
