import { describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { problemKinds } from "../../src/api/problem-kinds.ts";
import { clientOf } from "../support/api-request.ts";
import { fakeService } from "../support/fake-service.ts";

interface Described {
  readonly operationId?: string;
  readonly summary?: string;
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Record<string, { readonly schema: unknown }>;
  };
  readonly responses: Record<string, { readonly description?: string; readonly content?: Record<string, unknown> }>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: {
    readonly schemas: Record<string, { readonly properties?: Record<string, unknown>; readonly required?: string[] }>;
  };
}

const client = clientOf(fakeService(), { version: "1.2.3" });
const document: Document = await (await client.send("/openapi.json")).json();
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

/** Every value under a key of this name, wherever it is. */
const everywhere = (value: unknown, key: string): unknown[] => {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([k, v]) => (k === key ? [v] : everywhere(v, key)));
};

describe("/openapi.json", () => {
  it("is an OpenAPI 3.1 document with the endpoints of the service", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "Faultline", version: "1.2.3" });
    expect(operations.map(({ name }) => name)).toEqual([
      "GET /v1/models",
      "POST /v1/models",
      "GET /v1/models/{name}",
      "DELETE /v1/models/{name}",
      "GET /v1/attacks",
      "POST /v1/segment",
      "POST /v1/attack",
      "POST /v1/score",
      "POST /v1/robustness",
      "POST /v1/transfer",
      "POST /v1/audit",
      "POST /v1/certify",
      "POST /v1/evaluations",
      "GET /v1/evaluations/{id}",
      "DELETE /v1/evaluations/{id}",
      "GET /v1/evaluations/{id}/events",
      "GET /v1/evaluations/{id}/rows",
      "GET /v1/evaluations/{id}/report",
      "GET /v1/evaluations/{id}/robustness",
      "POST /v1/evaluations/{id}/cancel",
      "POST /v1/evaluations/{id}/retry",
      "GET /v1/data",
      "PUT /v1/data/files/{sha256}",
      "PUT /v1/data/{name}",
      "DELETE /v1/data/{name}",
      "POST /v1/report",
      "GET /health/live",
      "GET /health/ready",
    ]);
  });

  it("has examples that ask the address that the document comes from", async () => {
    const answer = await createApp(fakeService()).request("https://robust.example:8443/openapi.json");
    expect(answer.headers.get("content-type")).toBe("application/json");
    const samples = everywhere(await answer.json(), "x-codeSamples").flat() as { readonly source: string }[];
    expect(samples.length).toBeGreaterThan(60);
    for (const { source } of samples) {
      expect(source).toContain("https://robust.example:8443/");
      expect(source).not.toContain("localhost");
    }
  });

  it("says what the fields of a robustness request and of its answers are, also where a part may be repeated", () => {
    const { schemas } = document.components;
    const fields = { RobustnessForm: ["image", "labels"], RobustnessJson: ["image", "labels"] };
    const answers = ["threshold", "clean", "curve", "summary"];
    for (const [name, own] of Object.entries({ ...fields, RobustnessResult: answers, RobustnessSetResult: answers }))
      for (const field of own)
        expect(schemas[name]!.properties![field], `${name}.${field}`).toHaveProperty("description");
    const paths = ["/v1/evaluations/{id}", "/v1/evaluations/{id}/cancel", "/v1/evaluations/{id}/retry", "/v1/data"];
    for (const path of paths)
      for (const method of ["get", "post"].filter((name) => name in document.paths[path]!))
        expect(document.paths[path]![method], `${method} ${path}`).toHaveProperty("description");
  });

  it("has examples that save nothing in place of a file where the request fails", () => {
    const samples = everywhere(document, "x-codeSamples").flat() as {
      readonly label: string;
      readonly source: string;
    }[];
    const saving = samples.filter(({ source }) => / -o |write/.test(source));
    expect(new Set(saving.map(({ label }) => label))).toEqual(new Set(["curl", "Python", "JavaScript"]));
    const checked: Readonly<Record<string, RegExp>> = {
      curl: /^curl --fail /,
      Python: /raise_for_status[^]*write/,
      JavaScript: /if \(!answer\.ok\) throw[^]*writeFile\(/,
    };
    for (const { label, source } of saving) expect(source).toMatch(checked[label]!);
  });

  it.each(operations)("$name has an id, a summary, and described responses", ({ operation }) => {
    expect(operation.operationId).toMatch(/^[a-zA-Z]+$/);
    expect(operation.summary).toBeTruthy();
    const good = operation.operationId!.startsWith("delete") ? "204" : "200";
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining([good, "500"]));
    for (const [status, response] of Object.entries(operation.responses)) {
      expect([status, response.description]).toEqual([status, expect.stringMatching(/./)]);
      expect(Object.keys(response.content ?? {}).includes("application/problem+json")).toBe(Number(status) >= 400);
    }
  });

  it("gives ids once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("documents both media types of every request with images, the body required, and its problems", () => {
    const others = new Set(["POST /v1/models", "POST /v1/evaluations", "POST /v1/report"]);
    const uploads = operations.filter(
      ({ name, operation }) => operation.requestBody && !others.has(name) && !name.startsWith("PUT"),
    );
    expect(uploads).toHaveLength(7);
    for (const { operation } of uploads) {
      expect(operation.requestBody?.required).toBe(true);
      expect(Object.keys(operation.requestBody?.content ?? {})).toEqual(["multipart/form-data", "application/json"]);
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(["400", "404", "406", "413", "415", "422", "503"]),
      );
    }
  });

  it("documents the upload of a model: its form, its answers, its token", () => {
    const { post: upload, delete: remove } = {
      ...document.paths["/v1/models"],
      ...document.paths["/v1/models/{name}"],
    };
    expect(upload?.requestBody).toMatchObject({ required: true });
    expect(Object.keys(upload!.requestBody!.content)).toEqual(["multipart/form-data"]);
    expect(Object.keys(upload!.responses)).toEqual(
      expect.arrayContaining(["200", "201", "400", "401", "409", "413", "415", "422", "501", "503"]),
    );
    expect(Object.keys(remove!.responses)).toEqual(expect.arrayContaining(["204", "401", "403", "404", "501"]));
    const { UploadForm, Manifest } = document.components.schemas;
    // What a manifest leaves out is found from the file.
    expect(UploadForm?.required).toEqual(["model"]);
    expect(Manifest).not.toHaveProperty("required");
    expect(Object.keys(Manifest!.properties!)).toEqual(expect.arrayContaining(["classes", "input", "output"]));
    expect(Manifest?.properties?.["name"]).toMatchObject({ maxLength: 64, pattern: "^[a-z0-9][a-z0-9._-]*$" });
    for (const operation of [upload, remove]) expect(operation).toMatchObject({ security: [{}, { uploadToken: [] }] });
    const bearer = { type: "http", scheme: "bearer" };
    expect(document.components).toMatchObject({ securitySchemes: { uploadToken: bearer, apiToken: bearer } });
    expect(document).toMatchObject({ security: [{}, { apiToken: [] }] });
  });

  it("documents, wherever a request can be refused for the moment, when to retry", () => {
    const refusals = operations.flatMap(({ operation }) => operation.responses["503"] ?? []);
    // Neither /health/live, nor the list of attacks, nor what has no body of data sets waits for anything.
    expect(refusals).toHaveLength(operations.length - 4);
    for (const refusal of refusals) expect(refusal).toHaveProperty(["headers", "Retry-After"]);
    const unqueued = /^GET \/v1\/attacks$|\/v1\/evaluations\/\{id\}|\/v1\/data/;
    const queued = operations.filter(({ name }) => name.includes("/v1/") && !unqueued.test(name));
    for (const { name, operation } of queued)
      expect([name, operation.responses["503"]?.description]).toEqual([
        name,
        expect.stringMatching(/`busy`.*`stopping`/),
      ]);
  });

  it("resolves every $ref", () => {
    const refs = everywhere(document, "$ref") as string[];
    expect(refs.length).toBeGreaterThan(20);
    const names = refs.map((ref) => /^#\/components\/schemas\/(.+)$/.exec(ref)?.[1]);
    const missing = names.filter((name) => name === undefined || !(name in document.components.schemas));
    expect(missing).toEqual([]);
  });

  it("uses no keyword that 3.1 has dropped", () => {
    expect(everywhere(document, "nullable")).toEqual([]);
    expect(everywhere(document, "exclusiveMinimum").filter((each) => typeof each === "boolean")).toEqual([]);
  });

  it("states files, the spec, and what is required", () => {
    const { AttackForm, AttackJson, AttackSpec, ScoreForm, SegmentForm } = document.components.schemas;
    expect(AttackForm?.required).toEqual(["image", "spec"]);
    expect(AttackForm?.properties?.["image"]).toMatchObject({
      type: "string",
      contentMediaType: "application/octet-stream",
    });
    expect(AttackJson?.properties?.["labels"]).toMatchObject({ type: "string", contentEncoding: "base64" });
    expect(AttackSpec?.properties?.["epsilon"]).toMatchObject({ exclusiveMinimum: 0 });
    expect(AttackSpec?.properties?.["norm"]).toMatchObject({ enum: ["linf", "l2"] });
    expect(AttackSpec?.required).toEqual(["attack"]);
    expect(ScoreForm?.required).toEqual(["prediction", "reference"]);
    expect(SegmentForm?.required).toEqual(["image"]);
  });
});

describe("/docs", () => {
  it("shows every operation, without anything from elsewhere", async () => {
    const response = await client.send("http://faultline.test:99/docs");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const text = await response.text();
    for (const { operation } of operations) {
      expect(text).toContain(`id="${operation.operationId}"`);
      expect(text).toContain(operation.summary);
    }
    expect(text).toContain("curl http://faultline.test:99/v1/attack");
    // One script of our own brings the forms to life.
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="/lab/try-it.js">']);
    expect(text.replace(/<script.*?<\/script>/, "")).not.toMatch(/<script|<link|src=|@import|url\(/);
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; .*script-src 'self'; connect-src 'self';/,
    );
    for (const label of ["curl", "Python", "JavaScript", "Try it"])
      expect(text.split(`<summary>${label}</summary>`)).toHaveLength(operations.length + 1);
    expect(/.{0,80}(?:>undefined|\[object).{0,40}/.exec(text)?.[0]).toBeUndefined();
  });

  it("has a control for several files wherever a part may be repeated", async () => {
    const text = await (await client.send("/docs")).text();
    const repeated = text.split("<article ").flatMap((article) => {
      const inputs = article.match(/<input\s[^>]*>/g) ?? [];
      const several = inputs.filter((tag) => /type="file"/.test(tag) && /\smultiple\s/.test(tag));
      return several.map((tag) => `${/^id="(\w+)"/.exec(article)![1]} ${/name="(\w+)"/.exec(tag)![1]}`);
    });
    expect(repeated).toEqual(["robustness image", "robustness labels", "uploadModel data"]);
  });

  it("lists the parameters of queries and headers, with a control for each", async () => {
    const text = await (await client.send("/docs")).text();
    const listed = text.split("<article ").flatMap((article) => {
      const controls = article.match(/<(?:input|select) name="[\w-]+" data-in="(?:query|header)"/g) ?? [];
      return controls.map((tag) => {
        const [, name, place] = /name="([\w-]+)" data-in="(\w+)"/.exec(tag)!;
        expect(article.split("<h3>Parameters")[1]).toContain(`<code>${name}</code>`);
        return `${/^id="(\w+)"/.exec(article)![1]} ${place} ${name}`;
      });
    });
    expect(listed).toEqual([
      "robustness header Prefer",
      "robustness header Idempotency-Key",
      "submitEvaluation header Idempotency-Key",
      "report query title",
      "report query seed",
      "uploadModel query replace",
    ]);
  });

  it("escapes what it shows", async () => {
    const text = await (await client.send("/docs")).text();
    expect(text).toContain("&#39;spec={&quot;attack&quot;");
  });

  it("has a page at / that leads to it, to the lab and to the API, as it leads to the lab itself", async () => {
    const response = await client.send("http://faultline.test:99/");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const text = await response.text();
    for (const path of ["/lab", "/docs", "/openapi.json"]) expect(text).toContain(`href="${path}"`);
    expect(text).toContain("curl http://faultline.test:99/v1/attack");
    expect(await (await client.send("/docs")).text()).toContain('href="/lab"');
  });

  it("lists the problems", async () => {
    const text = await (await client.send("/problems")).text();
    for (const { title } of Object.values(problemKinds)) expect(text).toContain(title);
  });
});
