/** The requests whose answers a refactoring must not change. */

import { decodeImage } from "../../src/image/decode.ts";
import { encodePng } from "../../src/image/encode.ts";
import { decodeLabels, encodeLabels } from "../../src/image/labels.ts";
import { tensor, type DType, type Tensor } from "../../src/tensor.ts";

/** The pictures of the requests, as PNG files. */
export interface Pictures {
  readonly image: Uint8Array;
  readonly labels: Uint8Array;
  /** Another label map of the same size, for targeted attacks and as a prediction to score. */
  readonly target: Uint8Array;
  /** The picture at its full size. */
  readonly large: Uint8Array;
}

export interface ApiRequest {
  readonly path: string;
  /** Names the request among all. */
  readonly name: string;
  readonly files: Readonly<Partial<Record<string, Uint8Array>>>;
  readonly spec: unknown;
  readonly accept?: string;
}

const maxPixels = 2 ** 24;

/** Every third pixel in both directions of `[..., H, W]`. */
const third = <D extends DType>({ dtype, shape, data }: Tensor<D>): Tensor<D> => {
  const [height, width] = shape.slice(-2) as [number, number];
  const size: readonly [number, number] = [Math.floor(height / 3), Math.floor(width / 3)];
  const planes = data.length / (height * width);
  const kept = data.slice(0, planes * size[0] * size[1]);
  for (let i = 0; i < kept.length; i++) {
    const [plane, y, x] = [Math.floor(i / (size[0] * size[1])), Math.floor(i / size[1]) % size[0], i % size[1]];
    kept[i] = data[(plane * height + 3 * y) * width + 3 * x]!;
  }
  return tensor(dtype, [...shape.slice(0, -2), ...size], kept as typeof data);
};

/** Labels shifted by one class, void kept. */
const shifted = ({ shape, data }: Tensor<"uint8">, classes: number): Tensor<"uint8"> =>
  tensor(
    "uint8",
    shape,
    data.map((label) => (label < classes ? (label + 1) % classes : label)),
  );

/** 480 × 360 files to pictures of 160 × 120. */
export const picturesOf = async (image: Uint8Array, labels: Uint8Array): Promise<Pictures> => {
  const small = third(decodeLabels(labels, { maxPixels }));
  const grey = Array.from({ length: 11 }, (_, i) => [i, i, i] as const);
  return {
    image: encodePng(third(await decodeImage(image, { maxPixels }))),
    labels: encodeLabels(small, grey),
    target: encodeLabels(shifted(small, grey.length), grey),
    large: image,
  };
};

const attacks = ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii", "pgd"];
const everyImage = [
  "adversarial",
  "adversarial-16bit",
  "adversarial-npy",
  "perturbation",
  "labels-before",
  "labels-after",
];

interface Variant {
  readonly name: string;
  readonly spec: object;
  readonly labels?: boolean;
  readonly target?: boolean;
  readonly large?: boolean;
  readonly accept?: string;
}

const variants: readonly Variant[] = [
  ...attacks.flatMap((attack): Variant[] => {
    const steps = attack.startsWith("fgsm") ? {} : { steps: 3 };
    const spec = { attack, epsilon: 4, ...steps, images: everyImage };
    return [
      { name: attack, spec },
      { name: `${attack}, labels`, spec, labels: true },
      { name: `${attack}, ground truth`, spec: { ...spec, label: "ground-truth" }, labels: true },
      { name: `${attack}, to a class`, spec: { ...spec, targeted: { kind: "class", class: 3 } } },
      { name: `${attack}, to a map`, spec: { ...spec, targeted: { kind: "map" } }, labels: true, target: true },
    ];
  }),
  { name: "default steps", spec: { attack: "ifgsm-ii", epsilon: 2 } },
  { name: "unclipped", spec: { attack: "pgd", epsilon: 32, alpha: 12, steps: 3, pixelRange: "none", seed: 7 } },
  { name: "npy alone", spec: { attack: "ifgsm", epsilon: 0.25 }, accept: "application/x-npy" },
  { name: "png alone", spec: { attack: "fgsm", epsilon: 8 }, accept: "image/png" },
  { name: "16 bits alone", spec: { attack: "fgsm", epsilon: 8 }, accept: "image/png;depth=16" },
  { name: "events", spec: { attack: "ifgsm-ii", epsilon: 4, steps: 2 }, accept: "text/event-stream" },
  { name: "with a CRF", spec: { attack: "ifgsm", epsilon: 4, steps: 2, crf: { iterations: 2 } }, labels: true },
  { name: "through no CRF", spec: { attack: "ifgsm", epsilon: 4, steps: 2, crf: { iterations: 2, attacked: false } } },
  { name: "480 × 360", spec: { attack: "ifgsm-ii", epsilon: 8, steps: 1 }, large: true },
  { name: "refused: two steps of fgsm", spec: { attack: "fgsm", steps: 2 } },
  { name: "refused: no target", spec: { attack: "ifgsm", targeted: { kind: "map" } } },
  { name: "refused: no such class", spec: { attack: "ifgsm", steps: 1, targeted: { kind: "class", class: 11 } } },
];

const attackRequests = (model: string, { image, labels, target, large }: Pictures): ApiRequest[] =>
  variants.map((variant) => ({
    path: "/v1/attack",
    name: `${model}: ${variant.name}`,
    files: {
      image: variant.large ? large : image,
      ...(variant.labels && { labels }),
      ...(variant.target && { target }),
    },
    spec: { model, ...variant.spec },
    ...(variant.accept !== undefined && { accept: variant.accept }),
  }));

const robustnessRequests = (model: string, { image, labels }: Pictures): ApiRequest[] => {
  const spec = { model, attacks, epsilons: [0.25, 2], threshold: 0.6 };
  const path = "/v1/robustness";
  return [
    { path, name: `${model}: grid`, files: { image }, spec },
    { path, name: `${model}: grid, labels`, files: { image, labels }, spec: { ...spec, label: "ground-truth" } },
    { path, name: `${model}: events`, files: { image }, spec, accept: "text/event-stream" },
  ];
};

const otherRequests = (model: string, { image, labels, target }: Pictures): ApiRequest[] => [
  { path: "/v1/segment", name: model, files: { image }, spec: { model } },
  { path: "/v1/segment", name: `${model}: no CRF`, files: { image }, spec: { model, crf: "none" } },
  { path: "/v1/segment", name: `${model}: png alone`, files: { image }, spec: { model }, accept: "image/png" },
  { path: "/v1/score", name: model, files: { prediction: target, reference: labels }, spec: { model } },
  {
    path: "/v1/score",
    name: `${model}: with an adversarial map`,
    files: { prediction: labels, reference: labels, adversarial: target },
    spec: { model },
  },
];

/** All requests for a network. */
export const requestsFor = (model: string, pictures: Pictures): ApiRequest[] => [
  ...attackRequests(model, pictures),
  ...robustnessRequests(model, pictures),
  ...otherRequests(model, pictures),
];
