/** POST /v1/certify: defaults and limits. */

import { expect, it } from "vitest";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const service = fakeService();
const client = clientOf(service);

it("needs an image alone", async () => {
  const response = await client.form("/v1/certify", { image: fakePng });
  expect(await response.json()).toMatchObject({ radius: 10.8, images: { outcome: { mediaType: "image/png" } } });
  expect(service.calls.certify).toMatchObject([
    { spec: { model: "enet-street", sigma: 16, tau: 0.75, alpha: 0.001, selection: 100, samples: 1000, seed: 0 } },
  ]);
});

it.each([
  [
    { method: "interval", epsilon: 0.5 },
    { method: "interval", epsilon: 0.5, largest: false, rounding: "bounded", seed: 0, model: "enet-street" },
  ],
  [
    { method: "linear", epsilon: 1, largest: true, rounding: "ignored", seed: 4 },
    { method: "linear", epsilon: 1, largest: true, rounding: "ignored", seed: 4, pixels: 16, model: "enet-street" },
  ],
])("fills in what bounds need: %j", async (spec, ran) => {
  const own = fakeService();
  const response = await clientOf(own).form("/v1/certify", { image: fakePng }, spec);
  expect(await response.json()).toMatchObject({ receipt: { spec: ran } });
  expect(own.calls.certify.map((request) => request.spec)).toEqual([ran]);
});

it("takes the file of --hierarchy as it is", async () => {
  const own = fakeService();
  const hierarchy = { groups: [{ name: "ground", of: ["road", "pavement"] }] };
  expect((await clientOf(own).form("/v1/certify", { image: fakePng }, { hierarchy })).status).toBe(200);
  expect(own.calls.certify.map(({ spec }) => spec)).toMatchObject([{ hierarchy }]);
});

it.each([
  [{ method: "crown" }, "/spec/method", "must be one of smoothing, interval, linear"],
  [{ method: "interval" }, "/spec/epsilon", "is required"],
  [{ method: "interval", epsilon: 0 }, "/spec/epsilon", "must be greater than 0"],
  [
    { method: "interval", epsilon: 1, pixels: 4 },
    "/spec/pixels",
    /^is no field here; accepted: method, epsilon, largest/,
  ],
  [
    { method: "linear", epsilon: 1, sigma: 4 },
    "/spec/sigma",
    /^is no field here; accepted: method, epsilon, .*pixels$/,
  ],
  [{ method: "linear", epsilon: 1, pixels: 1001 }, "/spec/pixels", "must be at most 1000"],
  [{ method: "linear", epsilon: 1, rounding: "up" }, "/spec/rounding", "must be one of bounded, ignored"],
  [{ epsilon: 1 }, "/spec/epsilon", /^is no field here; accepted: method, sigma/],
])("refuses %j at %s", async (spec, pointer, detail) => {
  const problem = await problemIn(await client.form("/v1/certify", { image: fakePng }, spec));
  expect(problem.errors).toMatchObject([{ pointer, detail: expect.stringMatching(detail) }]);
});

it.each([
  [{ sigma: 0 }, "/spec/sigma"],
  [{ tau: 1 }, "/spec/tau"],
  [{ samples: 1501 }, "/spec/samples"],
  [{ correction: "none" }, "/spec/correction"],
  [{ hierarchy: [{ name: "g", of: ["road"] }] }, "/spec/hierarchy/0/of"],
  [{ hierarchy: { groups: [{ name: "g", of: ["road"] }] } }, "/spec/hierarchy/groups/0/of"],
])("refuses %j", async (spec, pointer) => {
  const problem = await problemIn(await client.form("/v1/certify", { image: fakePng }, spec));
  expect(problem.errors?.[0]?.pointer).toBe(pointer);
});
