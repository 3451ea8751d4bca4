/** What the findings are made of: evaluations, each grown picture by picture. The claims that a part decides stand with it. */

import { readFileSync } from "node:fs";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { paperRadii, type GivenSpec } from "../../src/evaluation/spec.ts";

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
  "deeplab-v2-vgg",
  "deeplab-v2-resnet",
  "deeplab-v2-resnet-multiscale",
  "pspnet-resnet",
  "enet-street",
  "icnet",
] as const;

/** Of each of its three losses. */
export const SEA_STEPS = 30;
export const SEA_TRANSFER_STEPS = 10;
export const SEA_CRF_STEPS = 5;
export const single = ["fcn8s-resnet", "pspnet-resnet", "enet-street", "icnet"] as const;

export const paperAttacks = ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii"] as const;

/** Drawn for every prediction (Xie et al. 2018, in its terms). */
const resizeAndPad = [{ name: "resize-and-pad" as const, scale: [0.8, 1] as [number, number] }];
export const EOT_DRAWS = 8;

/** Weak and strong, as those of the paper's Figures 6 and 7. */
export const fixedTransforms = [
  { name: "jpeg", quality: 75 },
  { name: "jpeg", quality: 25 },
  { name: "blur", sigma: 1 },
  { name: "blur", sigma: 2 },
  { name: "noise", sigma: 8 },
  { name: "noise", sigma: 16 },
] as const;

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
    name: "curves",
    about: "four networks at every radius of the paper",
    images: 1,
    camvid: true,
    spec: { networks: [...single], attacks: "paper", epsilon: [...paperRadii] },
  },
  {
    name: "crf",
    about: "FCN-8s with a CRF behind it, attacked through the CRF and at the network before it",
    images: 1,
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
    about: "eight networks under SEA, against the labels of the data set, and under the paper's attacks",
    images: 1,
    camvid: true,
    spec: {
      networks: [...strong],
      attacks: [
        ...paperAttacks.map((attack) => ({ attack, label: "prediction" as const })),
        { attack: "sea", steps: SEA_STEPS, label: "ground-truth" },
      ],
      epsilon: 4,
    },
  },
  {
    name: "sea-crf",
    about: "FCN-8s with a CRF behind it and without, under single-step and iterative FGSM and under SEA",
    images: 1,
    camvid: true,
    spec: {
      networks: [withCrf, withoutCrf],
      attacks: [
        { attack: "fgsm", label: "prediction" },
        { attack: "ifgsm", label: "prediction" },
        { attack: "sea", steps: SEA_CRF_STEPS, label: "ground-truth" },
      ],
      epsilon: 4,
    },
  },
  {
    name: "sea-transfer",
    about: "what SEA makes at one scale of DeepLab v2, scored at the others and on other networks",
    images: 1,
    camvid: true,
    spec: {
      networks: [...scales, ...others],
      transferFrom: [...scales],
      attacks: [{ attack: "sea", steps: SEA_TRANSFER_STEPS, label: "ground-truth" }],
      epsilon: 8,
    },
  },
  {
    name: "streets",
    about: "the same networks on synthetic streets",
    images: 2,
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
  {
    name: "transforms",
    about: "the same two networks behind fixed transformations, attacked without them",
    images: 1,
    camvid: true,
    spec: {
      networks: [...randomised],
      attacks: ["fgsm", "ifgsm-ii"],
      epsilon: 8,
      transform: fixedTransforms.map((transform) => ({ transform: [transform], through: "naive" as const })),
    },
  },
];
