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
  [{ sigma: 0 }, "/spec/sigma"],
  [{ tau: 1 }, "/spec/tau"],
  [{ samples: 1501 }, "/spec/samples"],
  [{ correction: "none" }, "/spec/correction"],
  [{ hierarchy: [{ name: "g", of: ["road"] }] }, "/spec/hierarchy/0/of"],
])("refuses %j", async (spec, pointer) => {
  const problem = await problemIn(await client.form("/v1/certify", { image: fakePng }, spec));
  expect(problem.errors?.[0]?.pointer).toBe(pointer);
});
