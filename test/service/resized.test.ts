/** Answers about a picture of which the network reads one pixel in nine: they say so, and show no masked gradient. */

import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, serviceOf, spec } from "./tiny-service.ts";

const input = { height: 8, width: 12, multipleOf: 1 };
const small = tinyFile({ activation: "Tanh" }, { name: "small", input });
const service = serviceOf([small]);
const image = encodePng(noiseImage(24, 36, 5));
const own = { ...spec, model: "small", epsilon: 2, steps: 40, alpha: 0.5 };

const certified = { model: "small", seed: 0 } as const;
const draws = { sigma: 4, tau: 0.75, alpha: 0.05, selection: 5, samples: 60, correction: "holm" } as const;
const bounds = { epsilon: 0.1, largest: false, rounding: "bounded" } as const;

const answers = {
  segment: () => service.segment({ model: "small", image }),
  attack: () => service.attack({ spec: own, image, outputs: [] }, {}),
  audit: () =>
    service.audit({ spec: { model: "small", epsilon: 8, steps: 5, seed: 0, backend: undefined }, image }, {}),
  "certify by smoothing": () => service.certify({ spec: { ...certified, ...draws, method: "smoothing" }, image }, {}),
  "certify by bounds": () => service.certify({ spec: { ...certified, method: "interval", ...bounds }, image }, {}),
  robustness: () => service.robustness({ spec: { ...grid, model: "small" }, image }, {}),
  transfer: () =>
    service.transfer(
      {
        spec: { ...own, attack: "ifgsm", sources: ["small"], targets: ["small"] },
        image,
      },
      {},
    ),
};

it.each(Object.entries(answers))("%s says which share of the pixels is read", async (_, answer) => {
  const { warnings } = await answer();
  expect(warnings).toEqual([
    {
      kind: "resized",
      part: "image",
      detail:
        "/image: is resized from 36×24 to 12×8 (width×height) before small, which reads 11.1 % of its pixels; the others have no influence",
    },
  ]);
});

it("an attack and an audit show no zeros of a gradient", async () => {
  const { masking, signs } = await answers.attack();
  expect([masking.zeroGradientShare, signs]).toEqual([0, []]);
  const audit = await answers.audit();
  expect(audit.signs.map(({ kind }) => kind)).not.toContain("gradient-zero");
  expect(audit.verdict).not.toBe("not-believable");
});

it("a picture of twice the network's size is read whole, and nothing is said", async () => {
  expect((await service.segment({ model: "small", image: encodePng(noiseImage(16, 24)) })).warnings).toEqual([]);
});
