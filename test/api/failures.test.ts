/** What the service refuses or fails at, as problems. */

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/contract/failure.ts";
import { clientOf, problemIn } from "../support/api-request.ts";
import { failingService, fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

/** One failure of each kind, and what its problem must say beside the detail. */
const failures: { [K in Failure["kind"]]: [Extract<Failure, { kind: K }>, RegExp, object] } = {
  "image-malformed": [
    { kind: "image-malformed", part: "image", reason: "the PNG ends inside IDAT" },
    /IDAT/,
    { status: 422, errors: [{ pointer: "/image" }] },
  ],
  "image-unsupported-format": [
    { kind: "image-unsupported-format", part: "image", received: "GIF", accepted: ["PNG", "JPEG", "WebP"] },
    /GIF.*PNG, JPEG, WebP/,
    { status: 415, errors: [{ pointer: "/image", received: "GIF", accepted: ["PNG", "JPEG", "WebP"] }] },
  ],
  "image-too-large": [
    {
      kind: "image-too-large",
      part: "image",
      size: { width: 60_000, height: 50_000 },
      maxPixels: 4_000_000,
      maxSide: 8192,
    },
    /60000×50000.*4000000/,
    { status: 413, maxPixels: 4_000_000, errors: [{ pointer: "/image" }] },
  ],
  "image-size-unsupported": [
    { kind: "image-size-unsupported", part: "image", size: { width: 1, height: 1 }, reason: "at least 32×32" },
    /1×1.*at least 32×32/,
    { status: 422, errors: [{ pointer: "/image" }] },
  ],
  "labels-malformed": [
    { kind: "labels-malformed", part: "labels", reason: "it is RGB" },
    /RGB/,
    { status: 422, errors: [{ pointer: "/labels" }] },
  ],
  "labels-size-mismatch": [
    { kind: "labels-size-mismatch", part: "target", size: { width: 3, height: 4 }, expected: { width: 5, height: 6 } },
    /3×4.*5×6/,
    { status: 422, errors: [{ pointer: "/target", received: "3×4" }] },
  ],
  "labels-class-out-of-range": [
    { kind: "labels-class-out-of-range", part: "labels", value: 40, classes: 11 },
    /40.*0 to 10/,
    { status: 422, errors: [{ pointer: "/labels", received: 40 }] },
  ],
  "unknown-model": [
    { kind: "unknown-model", model: "psp", accepted: ["enet-street"] },
    /"psp".*enet-street/,
    { status: 404, accepted: ["enet-street"] },
  ],
  "model-unavailable": [
    { kind: "model-unavailable", model: "enet-street", reason: "its file is missing" },
    /its file is missing/,
    { status: 503 },
  ],
  "work-exceeded": [
    { kind: "work-exceeded", pixels: 1000, steps: 50, maxWork: 10_000 },
    /1000 pixels times 50 steps are 50000; at most 10000/,
    { status: 422, pixels: 1000, steps: 50, maxWork: 10_000 },
  ],
  "gradient-unsupported": [
    { kind: "gradient-unsupported", model: "enet-street", operators: ["NonZero"] },
    /NonZero/,
    { status: 422, unsupportedOperators: ["NonZero"] },
  ],
  "memory-exceeded": [
    {
      kind: "memory-exceeded",
      predictedBytes: 248 * 2 ** 20,
      budgetBytes: 96 * 2 ** 20,
      largestFit: { width: 320, height: 240 },
    },
    /248 MiB.*96 MiB.*320×240/,
    { status: 413, predictedBytes: 260046848, budgetBytes: 100663296, largestFit: { width: 320, height: 240 } },
  ],
  "invalid-spec": [
    { kind: "invalid-spec", errors: [{ pointer: "/spec/targeted/class", detail: "must be at most 10", received: 12 }] },
    /\/spec\/targeted\/class must be at most 10/,
    { status: 422, errors: [{ pointer: "/spec/targeted/class", received: 12 }] },
  ],
  "model-exists": [
    { kind: "model-exists", model: "mine", sha256: "ab".repeat(32) },
    /mine.*abab.*replace=true/,
    { status: 409, sha256: "ab".repeat(32), errors: [{ pointer: "/manifest/name" }] },
  ],
  "model-shipped": [{ kind: "model-shipped", model: "enet-street" }, /enet-street is shipped/, { status: 403 }],
  "storage-full": [{ kind: "storage-full" }, /storage is full/, { status: 507 }],
  "uploads-full": [{ kind: "uploads-full", most: 64 }, /64/, { status: 409, most: 64 }],
  "network-refused": [
    { kind: "network-refused", reason: 'graph "g", node 3 Loop "l": operator Loop is not supported' },
    /node 3 Loop/,
    { status: 422, errors: [{ pointer: "/model" }] },
  ],
  "manifest-mismatch": [
    { kind: "manifest-mismatch", errors: [{ pointer: "/manifest/classes", detail: "are 4, but there are 3" }] },
    /\/manifest\/classes are 4/,
    { status: 422, errors: [{ pointer: "/manifest/classes" }] },
  ],
  "unknown-evaluation": [{ kind: "unknown-evaluation", id: "0f5c" }, /"0f5c"/, { status: 404 }],
  "evaluation-state": [
    { kind: "evaluation-state", state: "running", reason: "its report is made at its end" },
    /is running: its report/,
    { status: 409, state: "running" },
  ],
  "unknown-data": [
    { kind: "unknown-data", name: "voc", accepted: ["a", "b"] },
    /voc.*a, b/,
    { status: 404, accepted: ["a", "b"] },
  ],
  "data-incomplete": [
    { kind: "data-incomplete", name: "voc", missing: ["ab"] },
    /^1 file of voc must be sent first/,
    { status: 409, missing: ["ab"] },
  ],
  "data-refused": [{ kind: "data-refused", reason: "the file has another digest" }, /another digest/, { status: 422 }],
  "evaluation-refused": [
    { kind: "evaluation-refused", reason: "data/a: no such file or folder" },
    /data\/a: no such/,
    { status: 422 },
  ],
  "cost-exceeded": [
    { kind: "cost-exceeded", predictedCpuHours: 12.3456, maxCpuHours: 2 },
    /12\.3 hours.*at most 2/,
    { status: 422, predictedCpuHours: 12.3456, maxCpuHours: 2 },
  ],
  "evaluations-full": [{ kind: "evaluations-full", most: 256 }, /256/, { status: 409, most: 256 }],
  "key-reused": [{ kind: "key-reused", key: "mine" }, /"mine"/, { status: 422 }],
  busy: [{ kind: "busy", retryAfterSeconds: 7 }, /7 s/, { status: 503 }],
  stopping: [{ kind: "stopping" }, /shutting down/, { status: 503 }],
  cancelled: [{ kind: "cancelled" }, /closed/, { status: 499 }],
};

describe("failures of the service", () => {
  it.each(Object.entries(failures))("%s", async (kind, [failure, detail, rest]) => {
    const response = await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ type: `/problems/${kind}`, ...rest });
    expect(response.status).toBe(problem.status);
    expect(problem.detail).toMatch(detail);
    expect(problem.instance).toBe(`urn:faultline:request:${response.headers.get("x-request-id")}`);
  });

  it("tells bytes in whole MiB", async () => {
    const failure = {
      kind: "memory-exceeded",
      predictedBytes: 2_815_764_300,
      budgetBytes: 2 ** 30,
      largestFit: null,
    } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/2685 MiB; the budget is 1024 MiB/);
  });

  it("says that nothing fits where nothing does", async () => {
    const failure = { kind: "memory-exceeded", predictedBytes: 9e8, budgetBytes: 1e6, largestFit: null } as const;
    expect(
      (await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }))).detail,
    ).toMatch(/No image size fits/);
  });

  it("says what would take less where no size is known to fit", async () => {
    const failure = { kind: "memory-exceeded", predictedBytes: 9e8, budgetBytes: 1e6 } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/a smaller or a smoother image takes less/);
    expect(problem).not.toHaveProperty("largestFit");
  });

  it("says that the name of a shipped model cannot be had", async () => {
    const failure = { kind: "model-exists", model: "enet-street", sha256: null } as const;
    const problem = await problemIn(await clientOf(failingService(failure)).form(path, image, { attack: "fgsm" }));
    expect(problem.detail).toMatch(/enet-street, which is shipped .*choose another name/);
    expect(problem).not.toHaveProperty("sha256");
  });

  it("tells nothing of an unknown error but logs it", async () => {
    const logged: unknown[] = [];
    const error = new Error("the secret cause");
    const service = fakeService({
      segment: async () => {
        throw error;
      },
    });
    const client = clientOf(service, { log: (each) => logged.push(each) });
    const response = await client.form("/v1/segment", image);
    expect(response.status).toBe(500);
    expect(JSON.stringify(await problemIn(response))).not.toContain("secret");
    expect(logged).toEqual([error]);
  });
});
