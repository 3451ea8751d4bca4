/** Networks of one, four and five channels, attacked with pictures of as many. */
import { describe, expect, it } from "vitest";
import { bytesOf, encodePng } from "../../src/image/encode.ts";
import { encodeNpy } from "../../src/image/npy.ts";
import { decodePlanes } from "../../src/image/planes.ts";
import { numbersOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, imagePng, serviceOf, spec } from "./tiny-service.ts";

const [height, width] = [12, 16];
const limits = { maxPixels: 1000 };

const planes = (count: number): Tensor<"float32"> =>
  tensorOf("float32", [count, height, width], Array.from({ length: count * height * width }, (_, i) => 20 + ((i * 7919) % 200))); // prettier-ignore

const serviceFor = (channels: number) => {
  const names = channels === 1 ? ("GRAY" as const) : Array.from({ length: channels }, (_, i) => `band ${i}`);
  const per = (value: number) => Array.from({ length: channels }, () => value);
  const input = { channels: names, mean: per(128), std: per(64), scale: 1 };
  return serviceOf([tinyFile({ channels, activation: "Tanh" }, { input })]);
};

describe.each([
  [1, encodePng(planes(1)), "image/png"],
  [4, encodePng(planes(4)), "image/png"],
  [5, encodeNpy(bytesOf(planes(5))), "application/x-npy"],
  [1, encodeNpy(tensorOf("uint8", [height, width], numbersOf(planes(1)))), "image/png"],
] as const)("a network of %i channels", (channels, picture, mediaType) => {
  const service = serviceFor(channels);

  it("segments a picture, and gives an adversarial one of the same channels within the ball", async () => {
    const segmented = await service.segment({ model: "tiny", image: picture });
    expect(segmented).toMatchObject({ width, height });
    const outputs = ["adversarial", "adversarial-npy", "adversarial-16bit", "perturbation"] as const;
    const { images, scores, perturbation } = await service.attack({ spec, image: picture, outputs: [...outputs] }, {});
    expect(scores.uint8.iouRatio).toBeLessThan(1);
    expect(images.adversarial?.mediaType).toBe(mediaType);
    expect(images.perturbation?.mediaType).toBe(mediaType);
    const clean = await decodePlanes(picture, channels, limits);
    for (const name of ["adversarial", "adversarial-npy", "adversarial-16bit"] as const) {
      const adversarial = await decodePlanes(images[name]!.data, channels, limits);
      const largest = Math.max(...numbersOf(adversarial).map((v, i) => Math.abs(v - clean.data[i]!)));
      expect(largest).toBeGreaterThan(3);
      expect(largest).toBeLessThanOrEqual(name === "adversarial" ? perturbation.uint8.linf : 4 + 1e-2);
    }
    // The written picture is what was scored.
    const again = await service.segment({ model: "tiny", image: images.adversarial!.data });
    expect(again.classes.map(({ share }) => share)).not.toEqual(segmented.classes.map(({ share }) => share));
  });
});

it("a picture of other channels is refused, with what would be accepted", async () => {
  expect(await failureOf(serviceFor(4).segment({ model: "tiny", image: imagePng }))).toEqual({
    kind: "image-unsupported-format",
    part: "image",
    received: "a picture of 3 channels, where the network takes 4",
    accepted: ["PNG of red, green, blue and alpha", "NPY [H, W, 4] or [4, H, W] of uint8, uint16 or float32"],
  });
});

it("a CRF and transformations are for pictures of one or three channels, grey ones included", async () => {
  const picture = encodePng(planes(4));
  const crf = {
    iterations: 1,
    gaussian: { weight: 1, theta: 3 },
    bilateral: { weight: 1, thetaAlpha: 9, thetaBeta: 9 },
  };
  const transform: TransformSpec[] = [{ name: "jpeg", quality: 60 }];
  const attacked = { outputs: [] };
  const four = serviceFor(4);
  for (const [choice, pointer] of [
    [{ crf: { ...crf, attacked: true } }, "/spec/crf"],
    [{ transform }, "/spec/transform"],
  ] as const) {
    const failure = await failureOf(four.attack({ spec: { ...spec, ...choice }, image: picture, ...attacked }, {}));
    expect(failure).toMatchObject({
      kind: "invalid-spec",
      errors: [{ pointer, detail: expect.stringContaining("1 or 3") }],
    });
    const grey = await serviceFor(1).attack({ spec: { ...spec, ...choice }, image: encodePng(planes(1)), ...attacked }, {}); // prettier-ignore
    expect(grey.scores.uint8.iouRatio).toBeLessThanOrEqual(1);
  }
});
