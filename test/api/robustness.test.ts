/** POST /v1/robustness: grids, defaults, media types, and several images. */

import { describe, expect, it } from "vitest";
import { attackNames } from "../../src/attacks/catalogue.ts";
import { toBase64 } from "../../src/api/base64.ts";
import { Answer } from "../../src/api/robustness-schemas.ts";
import type { RobustnessResult } from "../../src/contract/robustness.ts";
import { clientOf, eventsIn, formBody, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const image = { image: fakePng };

describe("POST /v1/robustness", () => {
  const path = "/v1/robustness";

  it.each(["form", "json"] as const)("takes %s, sorts the grid, and gives curve and verdict", async (how) => {
    const service = fakeService();
    const spec = { attacks: ["ifgsm", "ifgsm"], epsilons: [4, 0.5, 4, 2], threshold: 0.4 };
    const result: RobustnessResult = await (await clientOf(service)[how](path, image, spec)).json();
    expect(service.calls.robustness[0]?.spec).toMatchObject({
      attacks: ["ifgsm"],
      epsilons: [0.5, 2, 4],
      seed: 0,
    });
    expect(result.curve.map(({ epsilon, steps }) => [epsilon, steps])).toEqual([
      [0.5, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(result).toMatchObject({ verdict: "broken", smallestEpsilon: { float: 2, uint8: 2 }, threshold: 0.4 });
  });

  it("gives the rows in place of the curve, a line each, for reports of several images", async () => {
    const spec = { attacks: ["fgsm"], epsilons: [1, 2] };
    const response = await clientOf(fakeService()).form(path, image, spec, { accept: "application/jsonl" });
    expect(response.headers.get("content-type")).toBe("application/jsonl");
    expect(await response.text()).toBe([0, 1, 2].map((id) => `{"schema":2,"id":"${id}"}\n`).join(""));
    expect(await (await clientOf(fakeService()).form(path, image, spec)).json()).not.toHaveProperty("rows");
  });

  it.each(["form", "json"])(
    "takes several images in a %s, with labels in their order, and has the figures of all",
    async (how) => {
      const service = fakeService();
      const spec = { attacks: ["fgsm"], epsilons: [1, 2] };
      const labels = [fakePng.slice(0, 9), fakePng.slice(0, 10)];
      const form = formBody({}, spec);
      for (const part of labels) {
        form.append("image", new Blob([fakePng]));
        form.append("labels", new Blob([part]));
      }
      const asJson = { image: [fakePng, fakePng].map(toBase64), labels: labels.map(toBase64), spec };
      const init =
        how === "form"
          ? { body: form, headers: {} }
          : { body: JSON.stringify(asJson), headers: { "content-type": "application/json" } };
      const client = clientOf(service);
      const response = await client.send(path, { method: "POST", ...init });
      expect(Answer.parse(await response.json())).toMatchObject({
        images: [{ width: 4 }, { width: 4 }],
        bootstrap: {},
      });
      expect(service.calls.robustnessOfSet[0]?.pictures).toEqual(
        labels.map((part) => ({ image: fakePng, labels: part })),
      );
      const rows = await client.send(path, {
        method: "POST",
        ...init,
        headers: { ...init.headers, accept: "application/jsonl" },
      });
      expect((await rows.text()).split("\n")).toHaveLength(2 * 3 + 1);
    },
  );

  it("wants labels for all images or for none, and names the image at fault", async () => {
    const form = formBody({ labels: fakePng });
    for (const bytes of [fakePng, new Uint8Array(0)]) form.append("image", new Blob([bytes]));
    const client = clientOf(fakeService());
    const empty = await problemIn(await client.send(path, { method: "POST", body: form }));
    expect(empty.errors).toEqual([{ pointer: "/image/1", detail: "is empty" }]);
    const fewer = formBody({ labels: fakePng });
    for (let i = 0; i < 2; i++) fewer.append("image", new Blob([fakePng]));
    const problem = await problemIn(await client.send(path, { method: "POST", body: fewer }));
    expect(problem.errors?.[0]).toMatchObject({ pointer: "/labels", detail: expect.stringContaining("1 for 2") });
  });

  it("defaults to the paper's grid", async () => {
    const service = fakeService();
    expect((await clientOf(service).form(path, image)).status).toBe(200);
    expect(service.calls.robustness[0]?.spec).toMatchObject({
      attacks: ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"],
      epsilons: [0.25, 0.5, 1, 2, 4, 8, 16, 32],
      threshold: 0.5,
    });
  });

  it("takes radii in L2, which have to be given, and then the attacks that have that form", async () => {
    const service = fakeService();
    expect((await clientOf(service).form(path, image, { norm: "l2", epsilons: [3000] })).status).toBe(200);
    const of = { norm: "l2", attacks: ["pgd", "apgd"], epsilons: [3000] };
    expect(service.calls.robustness[0]?.spec).toMatchObject(of);
    const alpha = { norm: "l2", attacks: ["pgd"], epsilons: [3000], alpha: 500 };
    expect((await clientOf(service).form(path, image, alpha)).status).toBe(200);
  });

  it("streams a progress event per point, then the result", async () => {
    const spec = { attacks: ["fgsm", "pgd"], epsilons: [1, 2] };
    const events = await eventsIn(
      await clientOf(fakeService()).form(path, image, spec, { accept: "text/event-stream" }),
    );
    expect(events.map(({ event }) => event)).toEqual(["progress", "progress", "progress", "progress", "result"]);
    expect(events[3]?.data).toMatchObject({ index: 4, total: 4, point: { attack: "pgd", epsilon: 2 } });
    expect(events[4]?.data).toMatchObject({ verdict: "broken" });
  });

  it.each([
    [{ epsilons: [] }, "/spec/epsilons", "must have at least 1 item"],
    [{ epsilons: [1, -2] }, "/spec/epsilons/1", "must be greater than 0"],
    [
      { attacks: ["ifgsm"], epsilons: [32, 16] },
      "/spec/epsilons",
      expect.stringMatching(/^make 56 evaluations of the network in all \(ifgsm 56\); at most 50 are allowed/),
    ],
    [
      { attacks: ["r-fgsm"], epsilons: [2, 1], alpha: 1 },
      "/spec/alpha",
      "does not go with r-fgsm at ε = 1: alpha must be below epsilon, which is 1; it is 1",
    ],
    [{ norm: "l2" }, "/spec/epsilons", expect.stringMatching(/^is required, because spec.norm is l2/)],
    [
      { norm: "l2", attacks: ["pgd", "fgsm", "sea"], epsilons: [500] },
      "/spec/attacks",
      "must be attacks in L2, as the grid's radii are: fgsm, sea have no such form; spec.norm linf takes them all",
    ],
    [
      { attacks: ["ddn"], epsilons: [5] },
      "/spec/attacks",
      "must be attacks in L∞, as the grid's radii are: ddn has no such form; spec.norm l2 takes it",
    ],
    [
      { attacks: ["pgd", "ddn"], epsilons: [5] },
      "/spec/attacks",
      "must be attacks in L∞, as the grid's radii are: ddn has no such form; spec.norm l2 takes them all",
    ],
    [
      { attacks: ["pgd"], epsilons: [5, 256] },
      "/spec/epsilons/1",
      "must be at most 255 in the L∞ norm; radii in L2 take norm l2",
    ],
    [{ attacks: ["pgd"], epsilons: [5], alpha: 256 }, "/spec/alpha", "must be at most 255 in the L∞ norm"],
    [
      { attacks: [{ attack: "pgd", alpha: 256, steps: 2 }], epsilons: [5] },
      "/spec/attacks/0/alpha",
      "must be at most 255 in the L∞ norm",
    ],
    [
      { attacks: ["cw"] },
      "/spec/attacks/0",
      `must be one of ${attackNames.join(", ")}, or an object such as {"attack":"pgd","steps":2}`,
    ],
    [
      { attacks: [{ attack: "pgd", stepz: 3 }] },
      "/spec/attacks/0/stepz",
      "is no field here; accepted: attack, alpha, steps, start, restarts",
    ],
    [
      { attacks: [{ attack: "pgd", epsilon: 4 }] },
      "/spec/attacks/0/epsilon",
      expect.stringMatching(/^is no field here; accepted: attack, .*; `epsilons` stands in \/spec$/),
    ],
    [
      { attacks: ["pgd", { attack: "pgd", steps: 3 }] },
      "/spec/attacks/1",
      "lists pgd again, with other options; a grid has each attack once",
    ],
    [
      { attacks: ["fgsm", { attack: "pgd", momentum: 1 }], epsilons: [2] },
      "/spec/attacks/1/momentum",
      expect.stringMatching(/^must be absent: pgd has no such option; it takes/),
    ],
    [
      {
        attacks: [
          { attack: "square", steps: 4 },
          { attack: "nes", steps: 4 },
        ],
        epsilons: [2],
        draws: 2,
      },
      "/spec/draws",
      "must be absent: it is about the gradient, which square, nes do not take",
    ],
    [{ transform: "jpeg" }, "/spec/transform", "must be none, or an array"],
    [{ transform: [{ name: "jpeg", quality: 0 }] }, "/spec/transform/0/quality", expect.stringMatching(/^must be/)],
    [{ crf: "all" }, "/spec/crf", "must be none, or an object"],
    [{ crf: { iterations: 0 } }, "/spec/crf/iterations", "must be at least 1"],
    [{ attacks: ["fgsm"], threshold: 1 }, "/spec/threshold", "must be less than 1"],
    [{ attacks: ["fgsm"], label: "ground-truth" }, "/labels", "is required, because spec.label is ground-truth"],
  ])("refuses %j", async (spec, pointer, detail) => {
    const problem = await problemIn(
      await clientOf(fakeService(), { limits: { gridSteps: 50 } }).form(path, image, spec),
    );
    expect(problem.errors?.map((error) => [error.pointer, error.detail])).toEqual([[pointer, detail]]);
  });
});
