/** The audit: sound on a plain network, and each planted fault is found by the check that is made for it. */

import { describe, expect, it } from "vitest";
import { auditImage, auditOf, auditSteps } from "../../src/evaluation/audit.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter, type Segmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork, type TinyOptions } from "../support/networks/tiny.ts";

const cache = new SessionCache(startWasm(), 2 ** 30);
let made = 0;
/** Each has a name of its own, by which its sessions are kept. */
const tiny = (options: TinyOptions = {}): Segmenter =>
  createSegmenter(tinyNetwork({ activation: "Tanh", ...options }, { name: `tiny-${made++}` }), cache);
const settings = { epsilon: 8, steps: 10, seed: 0 };
const image = noiseImage(12, 16, 5);
const audited = async (segmenter: Segmenter) => {
  const each = await auditImage({ segmenter, image, item: "" }, settings);
  return { each, audit: auditOf([each], settings) };
};
const kinds = async (segmenter: Segmenter) => (await audited(segmenter)).audit.signs.map(({ kind }) => kind);

describe("a network without masks", async () => {
  const { each, audit } = await audited(tiny());

  it("has difference quotients that agree with its gradient", () => {
    for (const quotient of each.quotients) expect(quotient).toBeCloseTo(1, 1);
    expect(each.quotients[0]).toBeCloseTo(1, 2);
  });

  it("has no grave sign, and every run within its stated work", () => {
    expect(audit.verdict).not.toBe("not-believable");
    expect(audit.runs.map(({ run, iouRatio }) => [run, iouRatio !== null])).toEqual(
      ["single-step", "clean-start", "random-start", "adaptive", "gradient-free", "unbounded"].map((run) => [
        run,
        true,
      ]),
    );
    const rows = Object.values(each.rows);
    const evaluated = rows.reduce((sum, row) => sum + row.evaluations.forward, 0);
    // Two predictions of each run's result come to the steps; the five evaluations of the quotients are in none.
    expect(evaluated).toBeLessThanOrEqual(auditSteps(settings) - 5 + 2 * rows.length);
  });
});

describe("a planted fault is found", () => {
  it("saturated logits: no gradient", async () => {
    const found = await kinds(tiny({ head: (op, z) => op.Mul(z, op.constant(1e5)) }));
    expect(found).toEqual(expect.arrayContaining(["gradient-zero", "saturated"]));
  });

  it.each([
    ["of the wrong sign", -1],
    ["a tenth of the right one", 0.1],
  ])("a gradient %s", async (_, factor) => {
    const right = tiny();
    const wrong: Segmenter = {
      ...right,
      objective: (aim) => async (at, clock, feeds) => {
        const seen = await right.objective(aim)(at, clock, feeds);
        const { shape, data } = seen.gradient;
        return {
          ...seen,
          gradient: tensor(
            "float32",
            shape,
            data.map((g) => factor * g),
          ),
        };
      },
    };
    expect(await kinds(wrong)).toContain("gradient-wrong");
  });

  it("a verdict says so, with the reasons in sentences", async () => {
    const { audit } = await audited(tiny({ head: (op, z) => op.Mul(z, op.constant(1e5)) }));
    expect(audit.verdict).toBe("not-believable");
    for (const { detail } of audit.signs) expect(audit.summary).toContain(detail);
  });
});
