/** Customary preprocessing, by the name that `--like` gives it. */

import type { Manifest } from "../manifest.ts";

type Preparation = Pick<Manifest["input"], "channels" | "mean" | "std" | "scale">;

/** What is done to grey levels 0..255 of three channels. */
export const likes = {
  imagenet: {
    summary: "0..1, less ImageNet's mean, by its deviation (torchvision, timm, mmsegmentation)",
    channels: "RGB",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    scale: 1 / 255,
  },
  caffe: {
    summary: "BGR 0..255, less ImageNet's mean (networks from Caffe, VGG)",
    channels: "BGR",
    mean: [103.939, 116.779, 123.68],
    std: [1, 1, 1],
    scale: 1,
  },
  "zero-one": { summary: "0..1", channels: "RGB", mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255 },
  "minus-one-one": {
    summary: "−1..1 (MobileNet, DeepLab from TensorFlow)",
    channels: "RGB",
    mean: [1, 1, 1],
    std: [1, 1, 1],
    scale: 2 / 255,
  },
  raw: { summary: "0..255, as it is", channels: "RGB", mean: [0, 0, 0], std: [1, 1, 1], scale: 1 },
} as const satisfies Readonly<Record<string, Preparation & { readonly summary: string }>>;

export type Like = keyof typeof likes;
export const likeNames = Object.keys(likes) as readonly Like[];

/** Grey has the mean over the channels; further channels have names to be filled in, and the mean of the three. */
const fitted = (values: readonly number[], count: number): number[] => {
  const mean = Number((values.reduce((a, b) => a + b, 0) / values.length).toFixed(6));
  return count === 3 ? [...values] : Array.from({ length: count }, () => mean);
};

/** That preprocessing for so many input channels. */
export const preparationLike = (like: Like, count: number): Preparation => {
  const { channels, mean, std, scale } = likes[like];
  const others = Array.from({ length: count }, (_, i) => ["red", "green", "blue", "nir"][i] ?? `channel ${i}`);
  return {
    channels: count === 3 ? channels : count === 1 ? "GRAY" : others,
    mean: fitted(mean, count),
    std: fitted(std, count),
    scale,
  };
};
