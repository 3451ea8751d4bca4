/** POST /v1/transfer: defaults, and what is refused before the service is asked. */

import { expect, it } from "vitest";
import { clientOf, problemIn } from "../support/api-request.ts";
import { fakePng, fakeService } from "../support/fake-service.ts";

const service = fakeService();
const client = clientOf(service);
const asked = (spec: object) => client.form("/v1/transfer", { image: fakePng }, spec);
const pair = { sources: ["enet-street"], targets: ["enet-street"] };

it("fills in the attack's defaults, and names each network once", async () => {
  const sources = ["a", "b", "a"];
  const response = await asked({ ...pair, sources, attack: "mi-fgsm" });
  expect(response.status).toBe(200);
  const expected = { sources: ["a", "b"], epsilon: 8, alpha: 1, steps: 10, momentum: 1, label: "prediction", seed: 0 };
  expect(service.calls.transfer.at(-1)?.spec).toMatchObject(expected);
  expect(await response.json()).toMatchObject({
    targets: [{ model: "enet-street", from: [{ source: "a", whiteBox: false }, { source: "b" }] }],
    receipt: { spec: expected },
  });
});

it("takes radii in L2, where the attack has that form", async () => {
  expect((await asked({ ...pair, attack: "pgd", norm: "l2", epsilon: 3000 })).status).toBe(200);
  expect(service.calls.transfer.at(-1)?.spec).toMatchObject({ norm: "l2", epsilon: 3000, alpha: 375 });
  expect((await asked({ ...pair, attack: "ddn", epsilon: 3000, steps: 20 })).status).toBe(200);
  expect(service.calls.transfer.at(-1)?.spec).toMatchObject({ norm: "l2" });
});

it("bounds no attack of minimum norm where no radius is given, as /v1/attack does", async () => {
  const response = await asked({ ...pair, attack: "ddn", steps: 20 });
  expect(response.status).toBe(200);
  const { spec } = service.calls.transfer.at(-1)!;
  expect(spec).toMatchObject({ attack: "ddn", norm: "l2" });
  expect(spec.epsilon).toBeUndefined();
  expect(await response.json()).not.toHaveProperty("receipt.spec.epsilon");
  await asked({ ...pair, attack: "patch" });
  expect(service.calls.transfer.at(-1)?.spec).toMatchObject({ attack: "patch", epsilon: 255, norm: "linf" });
});

it.each([
  [{ ...pair, attack: "pgd", norm: "l2" }, "/spec/epsilon"],
  [{ ...pair, attack: "pgd", epsilon: 300 }, "/spec/epsilon"],
  [{ ...pair, attack: "fgsm", norm: "l2" }, "/spec/norm"],
  [{ ...pair, attack: "pgd", alpha: 300 }, "/spec/alpha"],
  [{ attack: "fgsm" }, "/spec/sources"],
  [{ ...pair, targets: [], attack: "fgsm" }, "/spec/targets"],
  [{ ...pair, attack: "fgsm", momentum: 1 }, "/spec/momentum"],
  [{ ...pair, attack: "fgsm", label: "ground-truth" }, "/labels"],
  [{ ...pair, attack: "fgsm", model: "enet-street" }, "/spec/model"],
  // 6 × 200 evaluations.
  [{ targets: ["a"], sources: ["a", "b", "c", "d", "e", "f"], attack: "pgd", steps: 200 }, "/spec/sources"],
])("refuses %j", async (spec, pointer) => {
  const before = service.calls.transfer.length;
  const problem = await problemIn(await asked(spec));
  expect(problem.errors?.[0]?.pointer).toBe(pointer);
  expect(service.calls.transfer).toHaveLength(before);
});
