/** What the viewer can show of a picture before and after an attack. */

import { meanOf } from "../evaluation/labels.ts";
import type { Image, Labels } from "../segmenter/segmenter.ts";
import { ofChanges, ofGrey, ofImage, ofLabels, ofPerturbation, ofShares } from "./colours.ts";
import type { Opened } from "./messages.ts";
import { paint, type Colour } from "./picture.ts";
import { spatialSize } from "../tensor.ts";
import { percent, short } from "./words.ts";

/** What is on show. */
export interface Shown {
  readonly name: string;
  readonly classes: Opened["classes"];
  readonly image: Image;
  readonly before: Labels | null;
  readonly confidences: Float32Array | null;
  /** The visitor's labels. */
  readonly truth: Labels | null;
  readonly attacked: {
    readonly image: Image;
    /** The image before rounding. */
    readonly exact: Image;
    readonly labels: Labels;
    /** Null while the attack runs. */
    readonly confidences: Float32Array | null;
    readonly epsilon: number;
  } | null;
}

/** One side of the swipe line: its colours, and what it is in words. */
export interface Side {
  readonly colour: Colour;
  readonly words: string;
}

export interface Layer {
  readonly name: string;
  /** Null where there is nothing to show yet. */
  readonly before: (shown: Shown, hidden: ReadonlySet<number>) => Side | null;
  readonly after: (shown: Shown, hidden: ReadonlySet<number>) => Side | null;
}

/** How far the perturbation is amplified: ε becomes the largest deviation from grey. */
export const amplification = (epsilon: number): string => `× ${short(Number((127 / epsilon).toPrecision(2)))}`;

/** The largest classes of a label map and their shares. */
const summary = ({ data }: Labels, classes: Shown["classes"]): string => {
  const counts = classes.map(({ name }) => ({ name, count: 0 }));
  for (const label of data) if (counts[label]) counts[label].count += 1;
  const largest = counts.toSorted((a, b) => b.count - a.count).slice(0, 4);
  return largest.map(({ name, count }) => `${name} ${percent(count / data.length)}`).join(", ");
};

const labelled = (words: string, { classes, image }: Shown, labels: Labels | null, hidden: ReadonlySet<number>) => {
  if (!labels) return null;
  const palette = classes.map(({ color }) => color);
  return { colour: ofLabels(labels, palette, hidden, image), words: `${words}: ${summary(labels, classes)}` };
};

const picture = (shown: Shown): Side => ({ colour: ofImage(shown.image), words: `The picture, ${shown.name}` });

const confident = (words: string, confidences: Float32Array | null | undefined): Side | null =>
  confidences
    ? {
        colour: ofShares(confidences),
        words: `Confidence ${words}: the lighter, the higher; mean ${percent(meanOf(confidences))}`,
      }
    : null;

export const layers = {
  picture: {
    name: "Picture",
    before: picture,
    after: ({ attacked }) => attacked && { colour: ofImage(attacked.image), words: "The adversarial picture" },
  },
  labels: {
    name: "Labels",
    before: (shown, hidden) => labelled("Labels before", shown, shown.before, hidden) ?? picture(shown),
    after: (shown, hidden) => labelled("Labels after", shown, shown.attacked?.labels ?? null, hidden),
  },
  perturbation: {
    name: "Perturbation",
    before: picture,
    after: ({ image, attacked }) =>
      attacked && {
        colour: ofPerturbation(image, attacked.exact, attacked.epsilon),
        words: `The perturbation, amplified ${amplification(attacked.epsilon)}; grey is none`,
      },
  },
  changed: {
    name: "Changed labels",
    before: (shown) => ({ colour: ofGrey(shown.image), words: "The picture in grey" }),
    after: ({ image, before, attacked, classes }, hidden) =>
      attacked &&
      before && {
        colour: ofChanges(image, before, attacked.labels, classes.map(({ color }) => color), hidden), // prettier-ignore
        words: "Pixels whose label changed, in the colour of the new one",
      },
  },
  confidence: {
    name: "Confidence",
    before: ({ confidences }) => confident("before", confidences),
    after: ({ attacked }) => confident("after", attacked?.confidences),
  },
  truth: {
    name: "Your labels",
    before: (shown, hidden) => labelled("Your labels", shown, shown.truth, hidden),
    after: (shown, hidden) => labelled("Labels after", shown, shown.attacked?.labels ?? null, hidden),
  },
} as const satisfies Readonly<Record<string, Layer>>;

export type LayerName = keyof typeof layers;
export const layerNames = Object.keys(layers) as readonly LayerName[];

/** A side of a layer with all classes, on a canvas of its own; null where there is nothing to show. */
export const canvasOf = (shown: Shown, layer: LayerName, side: "before" | "after"): HTMLCanvasElement | null => {
  const content = layers[layer][side](shown, new Set());
  if (!content) return null;
  const canvas = document.createElement("canvas");
  paint(canvas, spatialSize(shown.image), content.colour);
  return canvas;
};
