/** Pictures of more than twice the network's size: what the resizing steps over is no sign of a masked gradient, and a masked one still shows. */

import { describe, expect, it } from "vitest";
import { auditImage, auditOf } from "../../src/evaluation/audit.ts";
import { measure } from "../../src/evaluation/measure.ts";
import type { AttackPlan } from "../../src/evaluation/plan.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork, type TinyOptions } from "../support/networks/tiny.ts";

const cache = new SessionCache(startWasm(), 2 ** 30);
const sized = (name: string, options: TinyOptions) =>
  createSegmenter(
    tinyNetwork({ activation: "Tanh", ...options }, { name, input: { height: 16, width: 16, multipleOf: 1 } }),
    cache,
  );
const plain = sized("plain", {});
/** Its logits are scaled so that cross-entropy is saturated at every pixel and has no gradient. */
const masked = sized("masked", { head: (op, z) => op.Mul(z, op.constant(1e20)) });
const plan: AttackPlan = { attack: "ifgsm", epsilon: 8, alpha: 1, steps: 2, pixelRange: "clip", seed: 0 };

describe.each([16, 48, 64, 128, 50])("a picture of side %i and a network of side 16", (side) => {
  const image = noiseImage(side, side, 5);
  const attacked = (segmenter: typeof plain) => measure({ segmenter, image, item: "noise" }, plan);

  it("has a first gradient of which no share is zero where the network reads it", async () => {
    const { row, signs } = await attacked(plain);
    expect(row.masking.zeroGradientShare).toBe(0);
    expect(signs).toEqual([]);
  });

  it("shows the sign where the network is saturated", async () => {
    const { row, signs } = await attacked(masked);
    expect(row.masking.zeroGradientShare).toBeGreaterThan(0.5);
    expect(signs.map(({ kind }) => kind)).toEqual(["gradient-zero", "saturated"]);
  });
});

it("an audit on a picture of eight times the network's sides believes the plain network, and not the saturated one", async () => {
  const settings = { epsilon: 8, steps: 5, seed: 0 };
  const image = noiseImage(128, 128, 5);
  const signsOf = async (segmenter: typeof plain) =>
    auditOf([await auditImage({ segmenter, image, item: "noise" }, settings)], settings);
  const [sound, blind] = [await signsOf(plain), await signsOf(masked)];
  expect(sound.verdict).not.toBe("not-believable");
  expect(sound.signs.map(({ kind }) => kind)).not.toContain("gradient-zero");
  expect(blind.verdict).toBe("not-believable");
  expect(blind.signs.map(({ kind }) => kind)).toContain("gradient-zero");
});
