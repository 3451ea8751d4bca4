/** POST /v1/audit: defaults and limits. */

import { expect, it } from "vitest";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const service = fakeService();
const client = clientOf(service);

it("needs an image alone", async () => {
  const response = await client.form("/v1/audit", { image: fakePng });
  expect(await response.json()).toMatchObject({ verdict: "believable", quotients: [1, null] });
  expect(service.calls.audit).toMatchObject([{ spec: { model: "enet-street", epsilon: 8, steps: 20, seed: 0 } }]);
});

it.each([
  [{ steps: 4 }, "/spec/steps"],
  // A tenth of the evaluations that a request may take.
  [{ steps: 101 }, "/spec/steps"],
  [{ attack: "pgd" }, "/spec/attack"],
])("refuses %j", async (spec, pointer) => {
  const problem = await problemIn(await client.form("/v1/audit", { image: fakePng }, spec));
  expect(problem.errors?.[0]?.pointer).toBe(pointer);
});
