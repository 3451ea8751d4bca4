/** Fields at fault: each is named, with what would be accepted. */

import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { clientOf, formBody, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const path = "/v1/attack";
const image = { image: fakePng };

describe("fields at fault", () => {
  const cases: [string, Record<string, unknown>, object][] = [
    [
      "ε as NaN text",
      { epsilon: "NaN" },
      { pointer: "/spec/epsilon", received: "NaN", detail: "must be a finite number, not text" },
    ],
    ["negative ε", { epsilon: -1 }, { pointer: "/spec/epsilon", received: -1, detail: "must be greater than 0" }],
    ["zero ε", { epsilon: 0 }, { pointer: "/spec/epsilon", detail: "must be greater than 0" }],
    [
      "huge ε",
      { epsilon: 256 },
      { pointer: "/spec/epsilon", received: 256, detail: "must be at most 255 in the L∞ norm" },
    ],
    [
      "a norm that the attack has no form in",
      { attack: "fgsm", norm: "l2" },
      { pointer: "/spec/norm", detail: "must be linf for fgsm" },
    ],
    ["ε null", { epsilon: null }, { pointer: "/spec/epsilon", received: null }],
    [
      "unknown attack",
      { attack: "cw" },
      { pointer: "/spec/attack", received: "cw", accepted: [...attackNames, "universal"] },
    ],
    [
      "absent attack",
      { attack: undefined },
      { pointer: "/spec/attack", detail: expect.stringContaining("is required") },
    ],
    ["steps over the limit", { steps: 1001 }, { pointer: "/spec/steps", detail: "must be at most 1000" }],
    ["steps not whole", { steps: 1.5 }, { pointer: "/spec/steps", detail: "must be a whole number, not 1.5" }],
    ["steps of a single-step attack", { attack: "fgsm", steps: 2 }, { pointer: "/spec/steps", received: 2 }],
    ["α of a single-step attack", { attack: "fgsm", alpha: 2 }, { pointer: "/spec/alpha", received: 2 }],
    ["α zero", { alpha: 0 }, { pointer: "/spec/alpha" }],
    [
      "more evaluations than a request may ask for",
      { attack: "sea", steps: 200, restarts: 2 },
      { pointer: "/spec/steps", detail: expect.stringContaining("make 1218 evaluations of the network in all") },
    ],
    [
      "α that leaves nothing of ε",
      { attack: "r-fgsm", epsilon: 4, alpha: 4 },
      { pointer: "/spec/alpha", detail: "must be below epsilon, which is 4; it is 4" },
    ],
    [
      "an option of another attack",
      { attack: "fgsm", momentum: 1 },
      { pointer: "/spec/momentum", detail: "must be absent: fgsm has no such option; there is none to choose" },
    ],
    ["draws without a gradient", { attack: "square", steps: 10, draws: 3 }, { pointer: "/spec/draws", received: 3 }],
    [
      "a way through transformations without a gradient",
      { attack: "rays", steps: 10, through: "bpda" },
      { pointer: "/spec/through", detail: "must be absent: it is about the gradient, which rays does not take" },
    ],
    ["restarts of none", { attack: "pgd", restarts: 0 }, { pointer: "/spec/restarts", received: 0 }],
    ["seed beyond 32 bits", { seed: 2 ** 32 }, { pointer: "/spec/seed" }],
    ["seed beyond 53 bits", { seed: 2 ** 60 }, { pointer: "/spec/seed", detail: "must be at most 4294967295" }],
    [
      "unknown key",
      { "ep/s~": 3 },
      { pointer: "/spec/ep~1s~0", accepted: expect.arrayContaining(["epsilon", "alpha"]) },
    ],
    [
      "unknown key beside the options of an attack",
      { attack: "fgsm", momentun: 1 },
      {
        pointer: "/spec/momentun",
        detail: expect.stringMatching(/^is no field here; accepted: (?!.*(momentum|steps))/),
      },
    ],
    ["unknown nested key", { targeted: { kind: "map", x: 1 } }, { pointer: "/spec/targeted/x", accepted: ["kind"] }],
    [
      "unknown kind of target",
      { targeted: { kind: "all" } },
      { pointer: "/spec/targeted/kind", received: "all", accepted: ["class", "map", "hide", "swap"] },
    ],
    ["target class negative", { targeted: { kind: "class", class: -1 } }, { pointer: "/spec/targeted/class" }],
    ["region without a place", { targeted: { kind: "hide" } }, { pointer: "/spec/targeted" }],
    [
      "region of two places",
      { targeted: { kind: "hide", classes: [1], box: [0, 0, 2, 2] } },
      { pointer: "/spec/targeted" },
    ],
    ["mask without part", { targeted: { kind: "swap", mask: true, to: 1 } }, { pointer: "/target" }],
    ["swap without class", { targeted: { kind: "swap", classes: [1] } }, { pointer: "/spec/targeted/to" }],
    [
      "minimum norm that keeps",
      { attack: "alma-prox", targeted: { kind: "hide", classes: [1] } },
      { pointer: "/spec/targeted/outside" },
    ],
    ["map without part", { targeted: { kind: "map" } }, { pointer: "/target" }],
    ["ground truth without labels", { label: "ground-truth" }, { pointer: "/labels" }],
    ["unknown output", { images: ["gif"] }, { pointer: "/spec/images/0", received: "gif" }],
  ];

  it.each(cases)("%s", async (_, wrong, error) => {
    const service = fakeService();
    const response = await clientOf(service).form(path, image, { attack: "ifgsm", ...wrong });
    expect(response.status).toBe(422);
    const problem = await problemIn(response);
    expect(problem.type).toBe("/problems/invalid-request");
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors?.[0]).toMatchObject(error);
    expect(service.calls.attack).toHaveLength(0);
  });

  it("refuses an epsilon whose default number of steps is over the limit", async () => {
    const client = clientOf(fakeService(), { limits: { steps: 200 } });
    const { errors } = await problemIn(await client.form(path, image, { attack: "ifgsm", epsilon: 250 }));
    expect(errors).toMatchObject([{ pointer: "/spec/steps", detail: expect.stringContaining("254") }]);
  });

  it("1e999 is no finite number", async () => {
    const body = '{"image":"AAAA","spec":{"attack":"fgsm","epsilon":1e999}}';
    const response = await clientOf(fakeService()).send(path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    const { errors } = await problemIn(response);
    expect(errors).toEqual([
      { pointer: "/spec/epsilon", detail: "must be a finite number, not Infinity", received: "Infinity" },
    ]);
  });

  it("reports all fields at once", async () => {
    const client = clientOf(fakeService());
    const { errors } = await problemIn(await client.json(path, { picture: fakePng }, { attack: "x", epsilon: -1 }));
    expect(errors?.map(({ pointer }) => pointer)).toEqual(["/picture", "/image", "/spec/attack", "/spec/epsilon"]);
  });

  it("reports at most twenty unknown keys", async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, 1]));
    const { errors } = await problemIn(await clientOf(fakeService()).form(path, image, { attack: "fgsm", ...many }));
    expect(errors).toHaveLength(20);
  });

  it.each([
    ["image given as text", { image: "x.png", spec: '{"attack":"fgsm"}' }, /must be a file/],
    ["empty image", { image: new Blob([]), spec: '{"attack":"fgsm"}' }, /is empty/],
  ])("%s", async (_, parts, detail) => {
    const body = new FormData();
    for (const [name, part] of Object.entries(parts)) body.set(name, part);
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(problem).toMatchObject({
      status: 422,
      errors: [{ pointer: "/image", detail: expect.stringMatching(detail) }],
    });
  });

  it("refuses a part that comes twice", async () => {
    const body = formBody(image, { attack: "fgsm" });
    body.append("image", new Blob([fakePng]));
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body }));
    expect(problem.errors?.[0]).toMatchObject({ pointer: "/image", detail: "occurs more than once" });
  });

  it.each(["%%%", "data:image/png,abc", "data:image/png;base64,%", "é"])("refuses base64 like %s", async (text) => {
    const body = JSON.stringify({ image: text, spec: { attack: "fgsm" } });
    const headers = { "content-type": "application/json" };
    const problem = await problemIn(await clientOf(fakeService()).send(path, { method: "POST", body, headers }));
    expect(problem.errors).toEqual([{ pointer: "/image", detail: "is not base64" }]);
  });
});
