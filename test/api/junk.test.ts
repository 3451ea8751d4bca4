/** Whatever is sent, the answer is never a 5xx, and an error is always a problem. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { fakeModel, fakePng, fakeService } from "../support/fake-service.ts";

const logged: unknown[] = [];
const uploads = {
  add: async () => ({ outcome: "created", model: fakeModel, assumed: [] }) as const,
  remove: async () => {},
};
const client = clientOf(fakeService({ uploads }), {
  limits: { bodyBytes: 20_000 },
  log: (error) => logged.push(error),
});

const path = fc.constantFrom("/v1/attack", "/v1/segment", "/v1/score", "/v1/robustness", "/v1/models");
const accept = fc.oneof(
  fc.constantFrom("application/json", "image/png", "application/x-npy", "*/*;q=;;", "text/event-stream"),
  fc.string().map((text) => text.replaceAll(/[^\x20-\x7e]/g, "").trim()),
);

const answersWell = async (response: Response): Promise<void> => {
  expect(logged).toEqual([]);
  expect(response.status).toBeLessThan(500);
  if (response.status >= 400) expect((await problemIn(response)).status).toBe(response.status);
  else await response.arrayBuffer();
};

/** Specs that are nearly right: known names with any value. */
const spec = fc.oneof(
  fc.anything({ withNullPrototype: false, withBigInt: false, maxDepth: 4 }),
  fc.dictionary(
    fc.constantFrom(
      "attack",
      "epsilon",
      "steps",
      "alpha",
      "targeted",
      "images",
      "epsilons",
      "attacks",
      "classes",
      "__proto__",
    ),
    fc.oneof(
      fc.constantFrom("fgsm", "pgd", "NaN", { kind: "map" }, { kind: "class", class: 1 }, [0.5, 1], ["pgd"]),
      fc.double(),
      fc.jsonValue(),
    ),
  ),
);

describe("junk", () => {
  it("as bytes of any type", async () => {
    const type = fc.oneof(
      fc.constantFrom("application/json", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain"),
      fc.string().map((text) => text.replaceAll(/[^\x20-\x7e]/g, "").trim()),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .string()
        .map((text) =>
          new TextEncoder().encode(`--b\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n${text}\r\n--b--\r\n`),
        ),
    );
    const run = fc.assert(
      fc.asyncProperty(path, type, accept, body, async (url, contentType, wanted, bytes) => {
        const headers = { "content-type": contentType, accept: wanted };
        await answersWell(await client.send(url, { method: "POST", body: Uint8Array.from(bytes), headers }));
      }),
      { numRuns: 300, seed: 1 },
    );
    await expect(run).resolves.toBeUndefined();
  });

  it("as a spec, in both media types", async () => {
    const parts = fc.constantFrom(
      { image: fakePng },
      { image: fakePng, labels: fakePng, target: fakePng },
      { prediction: fakePng, reference: fakePng },
    );
    const run = fc.assert(
      fc.asyncProperty(path, parts, accept, spec, async (url, files, wanted, junk) => {
        const text = JSON.stringify(junk) ?? "";
        const form = formBody(files);
        form.set("spec", text);
        await answersWell(await client.send(url, { method: "POST", body: form, headers: { accept: wanted } }));
        await answersWell(
          await client.json(url, files, text === "" ? undefined : JSON.parse(text), { accept: wanted }),
        );
      }),
      { numRuns: 300, seed: 2 },
    );
    await expect(run).resolves.toBeUndefined();
  });

  it("as nesting that a recursive reader would not survive", async () => {
    const deep = `{"image":"AAAA","spec":{"attack":${"[".repeat(8000)}${"]".repeat(8000)}}}`;
    const headers = { "content-type": "application/json" };
    const response = await client.send("/v1/attack", { method: "POST", body: deep, headers });
    expect(response.status).toBe(422);
    expect((await problemIn(response)).errors?.[0]).toMatchObject({
      pointer: "/spec/attack",
      received: "an array of 1",
    });
  });
});
