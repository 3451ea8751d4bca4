/** /v1/audit's work: the verdict of the evaluation, within bounds. */

import { expect, it } from "vitest";
import { auditSteps } from "../../src/evaluation/audit.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, imagePng, serviceOf, tiny } from "./tiny-service.ts";

/** Its logits are scaled so that cross-entropy is saturated at every pixel and has no gradient. */
const masked = tinyFile({ activation: "Tanh", head: (op, z) => op.Mul(z, op.constant(1e5)) }, { name: "masked" });
const service = serviceOf([tiny, masked]);
const spec = { model: "tiny", epsilon: 8, steps: 5, seed: 0 };

it("tells a masked network from one that is not", async () => {
  const plain = await service.audit({ spec, image: imagePng });
  expect(plain.verdict).not.toBe("not-believable");
  for (const quotient of plain.quotients) expect(quotient).toBeCloseTo(1, 1);
  const { verdict, signs, quotients } = await service.audit({ spec: { ...spec, model: "masked" }, image: imagePng });
  expect(verdict).toBe("not-believable");
  expect(signs.map(({ kind }) => kind)).toContain("gradient-zero");
  expect(quotients).toEqual([null, null]);
});

it("is bounded before anything runs, and ends when it is abandoned", async () => {
  const bounded = serviceOf([tiny], { maxWork: 12 * 16 * (auditSteps(spec) - 1) });
  const failure = await failureOf(bounded.audit({ spec, image: imagePng }));
  expect(failure).toMatchObject({ kind: "work-exceeded", steps: auditSteps(spec) });
  const controller = new AbortController();
  const long = service.audit({ spec: { ...spec, steps: 10_000 }, image: imagePng }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  expect(await failureOf(long)).toEqual({ kind: "cancelled" });
});
