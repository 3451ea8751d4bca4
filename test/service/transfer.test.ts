/** /v1/transfer's work on small networks: each pair is what `measure` finds by hand, and masked targets are found out. */

import { describe, expect, it } from "vitest";
import type { TransferSpec } from "../../src/contract/transfer.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { iouRatio, scoresOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, image, imagePng, serviceOf, tiny } from "./tiny-service.ts";

const other = tinyFile({ activation: "Tanh", seed: 7 }, { name: "other" });
/** The weights of `tiny`, its logits scaled so that cross-entropy is saturated at every pixel and has no gradient. */
const masked = tinyFile({ activation: "Tanh", head: (op, z) => op.Mul(z, op.constant(1e5)) }, { name: "masked" });
const files = { tiny, other, masked };
const service = serviceOf(Object.values(files));
const cache = new SessionCache(startWasm(), 2 ** 30);
const segmenterOf = (name: keyof typeof files) =>
  createSegmenter(openNetwork(files[name].manifest, files[name].bytes), cache);

const spec: TransferSpec = {
  sources: ["tiny", "other"],
  targets: ["other", "masked", "tiny"],
  attack: "ifgsm",
  epsilon: 16,
  norm: "linf",
  alpha: 4,
  steps: 6,
  label: "prediction",
  pixelRange: "clip",
  seed: 0,
};

describe("transfer", async () => {
  const result = await service.transfer({ spec, image: imagePng });

  it("scores each pair as `measure` does", async () => {
    for (const [t, target] of (["other", "masked", "tiny"] as const).entries())
      for (const [s, source] of (["tiny", "other"] as const).entries()) {
        const subject = { segmenter: segmenterOf(target), source: segmenterOf(source), image, item: "" };
        const { counts } = (await measure(subject, { ...spec })).row;
        expect(result.targets[t]?.from[s]).toMatchObject({
          source,
          whiteBox: source === target,
          float: { iouRatio: iouRatio(scoresOf(counts.float), scoresOf(counts.clean)) },
          uint8: { iouRatio: iouRatio(scoresOf(counts.uint8), scoresOf(counts.clean)) },
        });
      }
  });

  it("names the most effective source of each target, the white-box one among them", () => {
    const [onOther, , onTiny] = result.targets;
    expect(onTiny).toMatchObject({
      mostEffective: "tiny",
      mostEffectiveTransfer: "other",
      transferBeatsWhiteBox: false,
    });
    expect(onOther).toMatchObject({
      mostEffective: "other",
      mostEffectiveTransfer: "tiny",
      transferBeatsWhiteBox: false,
    });
    for (const { from } of result.targets.filter(({ transferBeatsWhiteBox }) => !transferBeatsWhiteBox))
      for (const { signs } of from) expect(signs).toEqual([]);
    expect(onTiny?.summary).toMatch(/^the image of tiny \(IoU ratio 0\.\d{3}\) does most harm to tiny\.$/);
  });

  it("attacks each source once, and says what that took", () => {
    expect(result.sources.map(({ model, evaluations }) => [model, evaluations.backward])).toEqual([
      ["tiny", 6],
      ["other", 6],
    ]);
    for (const { perturbation } of result.sources) expect(perturbation.float.linf).toBeLessThanOrEqual(16);
  });
});

it("warns of each source on which rounding to 8 bits undoes the attack", async () => {
  const small = { ...spec, epsilon: 0.4, alpha: 0.1, targets: ["tiny"] };
  const { warnings, sources } = await service.transfer({ spec: small, image: imagePng });
  expect(sources.map(({ perturbation }) => perturbation.uint8.l0)).toEqual([0, 0]);
  const detail = (name: string) =>
    `/image: attacked on ${name}, rounding to 8 bits undoes the attack: the 8-bit image is the clean one`;
  expect(warnings).toEqual(
    ["tiny", "other"].map((name) => ({ kind: "rounded-away", part: "image", detail: detail(name) })),
  );
});

it("a masked network that another's image breaks is flagged: its white-box figure is no bound", async () => {
  const both = { ...spec, sources: ["masked", "tiny"], targets: ["masked"] };
  const { sources, targets } = await service.transfer({ spec: both, image: imagePng });
  expect(sources[0]?.masking.zeroGradientShare).toBeGreaterThan(0.9);
  expect(targets[0]).toMatchObject({
    mostEffective: "tiny",
    mostEffectiveTransfer: "tiny",
    transferBeatsWhiteBox: true,
  });
  expect(targets[0]?.summary).toContain("its figure is no bound");
  const [own, other] = targets[0]!.from;
  expect(own?.signs).toMatchObject([
    {
      kind: "transfer-stronger",
      values: { expectedStronger: own?.uint8.iouRatio, expectedWeaker: other?.uint8.iouRatio },
    },
  ]);
  expect(other?.signs).toEqual([]);
  expect(sources[0]?.signs.map(({ kind }) => kind)).toEqual(["gradient-zero", "saturated"]);
});

it("is bounded before anything runs: steps and scores of all sources together", async () => {
  const bounded = serviceOf(Object.values(files), { maxWork: 12 * 16 * 17 });
  const failure = await failureOf(bounded.transfer({ spec, image: imagePng }));
  expect(failure).toMatchObject({ kind: "work-exceeded", steps: 2 * (6 + 3) });
});

it("refuses unknown networks, and ends when it is abandoned", async () => {
  const unknown = { ...spec, targets: ["absent"] };
  expect(await failureOf(service.transfer({ spec: unknown, image: imagePng }))).toMatchObject({
    kind: "unknown-model",
  });
  const controller = new AbortController();
  const running = service.transfer(
    { spec: { ...spec, steps: 10_000 }, image: imagePng },
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 50);
  expect(await failureOf(running)).toEqual({ kind: "cancelled" });
});
