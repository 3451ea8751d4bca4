/** What the findings are made of: evaluations, each grown picture by picture. The claims that a part decides stand with it. */

import { readFileSync } from "node:fs";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import type { GivenSpec } from "../../src/evaluation/spec.ts";

export interface Part {
  readonly name: string;
  /** What it is for, for the page. */
  readonly about: string;
  /** Pictures that a round adds. */
  readonly images: number;
  /** Of CamVid's test set; else synthetic streets. */
  readonly camvid: boolean;
  readonly spec: Omit<GivenSpec, "data">;
}

/** The networks that ship, without those that end in a CRF. */
export const networks = [
  "fcn8s-vgg",
  "fcn8s-resnet",
  "segnet-vgg",
  "deeplab-v2-vgg",
  "deeplab-v2-resnet-50",
  "deeplab-v2-resnet-75",
  "deeplab-v2-resnet",
  "deeplab-v2-resnet-multiscale",
  "pspnet-resnet",
  "dilated-frontend",
  "dilated-context",
  "enet-street",
  "icnet",
] as const;

/** DeepLab v2 on ResNet at 50, 75 and 100 % scale and at all three, as in the paper's Table 1. */
export const scales = [
  "deeplab-v2-resnet-50",
  "deeplab-v2-resnet-75",
  "deeplab-v2-resnet",
  "deeplab-v2-resnet-multiscale",
] as const;

/** Scored in that table on what was made at these scales. */
export const others = ["deeplab-v2-vgg", "fcn8s-vgg", "fcn8s-resnet"] as const;

/** The network with a CRF, and the same weights without. */
export const withCrf = "crf-rnn";
export const withoutCrf = "fcn8s-vgg";

export const randomised = ["fcn8s-resnet", "enet-street"] as const;
export const strong = [
  "fcn8s-vgg",
  "fcn8s-resnet",
  "deeplab-v2-resnet",
  "pspnet-resnet",
  "enet-street",
  "icnet",
] as const;
export const single = ["fcn8s-resnet", "pspnet-resnet", "enet-street", "icnet"] as const;

export const paperAttacks = ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"] as const;

/** Drawn for every prediction (Xie et al. 2018, in its terms). */
const resizeAndPad = [{ name: "resize-and-pad" as const, scale: [0.8, 1] as [number, number] }];
export const EOT_DRAWS = 8;

const crfOf = (name: string) =>
  parseManifest(JSON.parse(readFileSync(new URL(`../../models/${name}/manifest.json`, import.meta.url), "utf8"))).crf!;

export const parts: readonly Part[] = [
  {
    name: "networks",
    about: "every network without a CRF under the four attacks",
    images: 2,
    camvid: true,
    spec: { networks: [...networks], attacks: [...paperAttacks], epsilon: [0.25, 2, 8] },
  },
  {
    name: "scales",
    about: "Table 1: what is made at one scale of DeepLab v2, scored at the others and on other networks",
    images: 3,
    camvid: true,
    spec: {
      networks: [...scales, ...others],
      transferFrom: [...scales],
      attacks: ["fgsm", "ifgsm-ii"],
      epsilon: 8,
    },
  },
  {
    name: "high",
    about: "four networks at ε = 32",
    images: 2,
    camvid: true,
    spec: { networks: [...single], attacks: ["fgsm", "fgsm-ii", "ifgsm-ii"], epsilon: 32 },
  },
  {
    name: "crf",
    about: "FCN-8s with a CRF behind it, attacked through the CRF and at the network before it",
    images: 2,
    camvid: true,
    spec: {
      networks: [withCrf],
      crf: [{ ...crfOf(withCrf), attacked: false }],
      attacks: [...paperAttacks],
      epsilon: 8,
    },
  },
  {
    name: "sea",
    about: "six networks under SEA, against the labels of the data set, and I-FGSM",
    images: 1,
    camvid: true,
    spec: {
      networks: [...strong],
      attacks: [
        { attack: "ifgsm", label: "prediction" },
        { attack: "sea", steps: 30, label: "ground-truth" },
      ],
      epsilon: 4,
    },
  },
  {
    name: "streets",
    about: "the same networks on synthetic streets",
    images: 1,
    camvid: false,
    spec: { networks: [...networks], attacks: ["fgsm", "ifgsm-ii"], epsilon: [0.25, 8] },
  },
  {
    name: "random",
    about: "two networks behind a random scale and place, attacked without it, through one draw, and through eight",
    images: 1,
    camvid: true,
    spec: {
      networks: [...randomised],
      attacks: ["ifgsm"],
      epsilon: 8,
      transform: [
        { transform: resizeAndPad, through: "naive" },
        { transform: resizeAndPad, through: "differentiable" },
        { transform: resizeAndPad, through: "differentiable", draws: EOT_DRAWS },
      ],
    },
  },
];
