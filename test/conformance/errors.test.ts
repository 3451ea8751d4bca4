import { describe, expect, it } from "vitest";
import { formBody, problemIn } from "../support/api-request.ts";
import { encodeJpeg, encodeWebp } from "../image/encoders.ts";
import { chunk, ihdr, pngSignature } from "../image/png-writer.ts";
import { gradientPng, labelPng, makeScene, rgbaOf } from "./scene.ts";
import { okJson, openWorker, outcome, refused, unfinished } from "./worker.ts";

const client = openWorker();
const path = "/v1/attack";
const spec = { attack: "fgsm", epsilon: 1 };
const scene = makeScene(7, 96, 72);
const image = { image: scene.png };

const post = (body: RequestInit["body"], type?: string) =>
  client.send(path, { method: "POST", body: body ?? null, headers: type ? { "content-type": type } : {} });

const bytes = (...values: Iterable<number>[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(values.flatMap((each) => [...each]));

describe("bodies at fault", () => {
  it.each<[string, RequestInit["body"], string | undefined, number, string]>([
    ["broken JSON", "{", "application/json", 400, "malformed-body"],
    [
      "NaN in JSON",
      '{"image":"AAAA","spec":{"attack":"fgsm","epsilon":NaN}}',
      "application/json",
      400,
      "malformed-body",
    ],
    ["multipart without a boundary", "x", "multipart/form-data", 400, "malformed-body"],
    ["truncated multipart", "--b\r\nContent-Disposition: form-data; name=image\r\n\r\nabc", "multipart/form-data; boundary=b", 400, "malformed-body"], // prettier-ignore
    ["an image itself", scene.png, "image/png", 415, "unsupported-media-type"],
    ["no body", null, undefined, 415, "unsupported-media-type"],
  ])("%s", async (_, body, type, status, kind) => {
    expect(await outcome(await post(body, type))).toEqual([status, kind]);
  });

  it("over the limit, announced or not", async () => {
    const limitBytes = 16 * 2 ** 20;
    const json = { "content-type": "application/json" };
    const announced = await unfinished(client, path, { ...json, "content-length": String(limitBytes + 1) });
    expect(await refused(announced, 413, "body-too-large")).toMatchObject({ limitBytes });
    const grown = await unfinished(
      client,
      path,
      { ...json, "transfer-encoding": "chunked" },
      new Uint8Array(limitBytes + 1),
    );
    expect(await refused(grown, 413, "body-too-large")).toMatchObject({ limitBytes });
  });

  it("an unknown path, a wrong method, an unacceptable type", async () => {
    expect(await outcome(await client.send("/v1/nothing"))).toEqual([404, "not-found"]);
    expect(await outcome(await client.send(path))).toEqual([405, "method-not-allowed"]);
    expect(await outcome(await client.form(path, image, spec, { accept: "text/html" }))).toEqual([
      406,
      "not-acceptable",
    ]);
  });
});

describe("fields at fault", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["ε as text", { epsilon: "NaN" }, "/spec/epsilon"],
    ["ε negative", { epsilon: -1 }, "/spec/epsilon"],
    ["ε zero", { epsilon: 0 }, "/spec/epsilon"],
    ["ε huge", { epsilon: 1e6 }, "/spec/epsilon"],
    ["steps over the limit", { attack: "ifgsm", steps: 1001 }, "/spec/steps"],
    ["an unknown attack", { attack: "cw" }, "/spec/attack"],
    ["an absent attack", { attack: undefined }, "/spec/attack"],
    ["an unknown field", { norm: "l2" }, "/spec/norm"],
    ["ground truth without labels", { label: "ground-truth" }, "/labels"],
    ["WebGPU, which workerd lacks", { backend: "webgpu" }, "/spec/backend"],
    ["a target class that the model has not", { targeted: { kind: "class", class: 11 } }, "/spec/targeted/class"],
  ])("%s", async (_, wrong, pointer) => {
    const response = await client.form(path, image, { ...spec, ...wrong });
    expect(response.status).toBe(422);
    const { errors } = await problemIn(response);
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it("an absent image, an absent reference, an unknown model", async () => {
    expect((await refused(await client.form(path, {}, spec), 422, "invalid-request")).errors).toEqual([
      { pointer: "/image", detail: "is required" },
    ]);
    const score = await client.form("/v1/score", { prediction: scene.labelsPng });
    expect((await refused(score, 422, "invalid-request")).errors?.[0]?.pointer).toBe("/reference");
    const unknown = await client.form(path, image, { ...spec, model: "psp" });
    expect(await refused(unknown, 404, "unknown-model")).toMatchObject({
      accepted: expect.arrayContaining(["enet-street"]),
    });
  });
});

describe("images at fault", () => {
  const bodyOf = { PNG: 200, JPEG: 200, WebP: 100 } as const;
  it.each<[keyof typeof bodyOf, () => Promise<Uint8Array>]>([
    ["PNG", async () => scene.png],
    ["JPEG", () => encodeJpeg(rgbaOf(scene))],
    ["WebP", () => encodeWebp(rgbaOf(scene))],
  ])("%s truncated at any length", async (format, encode) => {
    const whole = new Uint8Array(await encode());
    expect(whole.length).toBeGreaterThan(2 * bodyOf[format]);
    for (const length of [1, 4, 11, 16, 30, bodyOf[format], whole.length >> 1, whole.length - 20]) {
      const response = await client.form("/v1/segment", { image: whole.slice(0, length) });
      expect([format, length, response.status]).toEqual([format, length, 422]);
      await refused(response, 422, "image-malformed");
    }
    expect((await client.form("/v1/segment", { image: whole })).status).toBe(200);
  });

  it("bytes that are no image, and another format", async () => {
    const gif = bytes(new TextEncoder().encode("GIF89a"), new Uint8Array(100));
    expect(await refused(await client.form(path, { image: gif }, spec), 415, "image-unsupported-format")).toMatchObject(
      {
        errors: [{ accepted: ["PNG", "JPEG", "WebP", "NPY [H, W, 3] or [3, H, W] of uint8, uint16 or float32"] }],
      },
    );
  });

  it("a corrupt byte in the middle of a PNG", async () => {
    const corrupt = scene.png.slice();
    corrupt[corrupt.length >> 1]! ^= 0xff;
    expect(await outcome(await client.form(path, { image: corrupt }, spec))).toEqual([422, "image-malformed"]);
  });

  it("a small file whose header announces 60000 × 60000 pixels", async () => {
    const header = ihdr({ width: 60_000, height: 60_000, depth: 8, colour: 2 });
    const bomb = bytes(pngSignature, header, chunk("IDAT", [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]), chunk("IEND", []));
    const problem = await refused(await client.form(path, { image: bomb }, spec), 413, "image-too-large");
    expect(problem).toMatchObject({ size: { width: 60_000, height: 60_000 }, errors: [{ pointer: "/image" }] });
  });

  it("too large for the memory: the problem names a size that fits, and it does", async () => {
    const wanted = { width: 1280, height: 960 };
    const response = await client.form(path, { image: gradientPng(wanted.width, wanted.height) }, spec);
    const problem = await refused(response, 413, "memory-exceeded");
    const { predictedBytes, budgetBytes, largestFit } = problem as unknown as Record<"predictedBytes" | "budgetBytes", number> & { largestFit: typeof wanted }; // prettier-ignore
    expect(budgetBytes).toBe(96 * 2 ** 20);
    expect(predictedBytes).toBeGreaterThan(budgetBytes);
    expect(problem.detail).toContain(`${largestFit.width}×${largestFit.height}`);
    expect(largestFit.width).toBeGreaterThan(160);
    expect(largestFit.width / largestFit.height).toBeCloseTo(4 / 3, 0);
    const fitting = { image: gradientPng(largestFit.width, largestFit.height) };
    const result = await okJson(await client.form(path, fitting, { attack: "fgsm-ii", epsilon: 1, images: [] }));
    expect(result).toMatchObject(largestFit);
  });
});

describe("label maps at fault", () => {
  const against = (labels: Uint8Array<ArrayBuffer>) => client.form(path, { ...image, labels }, spec);

  it("of another size", async () => {
    const problem = await refused(
      await against(labelPng(new Uint8Array(48 * 36), 48, 36)),
      422,
      "labels-size-mismatch",
    );
    expect(problem).toMatchObject({ expected: { width: 96, height: 72 }, errors: [{ pointer: "/labels" }] });
  });

  it("with a class out of range", async () => {
    const wrong = scene.labels.data.slice();
    wrong[100] = 11;
    const problem = await refused(await against(labelPng(wrong, 96, 72)), 422, "labels-class-out-of-range");
    expect(problem.errors?.[0]).toMatchObject({ pointer: "/labels", received: 11 });
  });

  it("that is a photograph, or no image", async () => {
    expect(await outcome(await against(scene.png))).toEqual([422, "labels-malformed"]);
    expect(await outcome(await against(scene.labelsPng.slice(0, 60)))).toEqual([422, "labels-malformed"]);
  });

  it("of one size in a score, and another", async () => {
    const files = { prediction: scene.labelsPng, reference: labelPng(new Uint8Array(48 * 36), 48, 36) };
    expect(await outcome(await client.form("/v1/score", files))).toEqual([422, "labels-size-mismatch"]);
  });
});

describe("after all these", () => {
  it("the Worker still attacks", async () => {
    const body = formBody(image, spec, "blob");
    expect((await client.send(path, { method: "POST", body })).status).toBe(200);
  });
});
