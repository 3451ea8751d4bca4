/**
 * What the `metadata_props` of a file say of a network's pictures and classes, as exporters write them: ultralytics (`names`, `stride`), the
 * Deepness plug-in of QGIS (`class_names`, `standardization_mean`, `standardization_std`), ONNX's own `Image.BitmapPixelFormat` and
 * `Image.NominalPixelRange`, and the plain words `mean`, `std`, `scale`, `classes`. The text is a stranger's: its length is bounded, and what
 * is not understood is ignored.
 */

import type { Model } from "../../onnx/graph.ts";
import type { Manifest } from "../manifest.ts";

const MAX_TEXT = 2 ** 16;
const MAX_CLASSES = 255;
const MAX_NAME = 100;

type Preparation = Pick<Manifest["input"], "mean" | "std" | "scale">;

export interface Metadata {
  readonly preparation?: Preparation;
  /** The order of the channels, where it is stated. */
  readonly order?: "RGB" | "BGR";
  /** Names of the classes, in the order of the outputs. */
  readonly names?: readonly string[];
  /** Sizes that the network takes are multiples of it. */
  readonly stride?: number;
  /** Where the preparation and the order were read, in whole sentences. */
  readonly said: { readonly preparation?: string; readonly order?: string };
}

interface Entry {
  readonly key: string;
  readonly text: string;
}

/** The first of the keys that is present, without regard to case. */
const entryOf = ({ metadata }: Pick<Model, "metadata">, keys: readonly string[]): Entry | undefined => {
  const known = new Map([...metadata].map(([key, text]) => [key.toLowerCase(), { key, text }]));
  const found = keys.flatMap((key) => known.get(key) ?? [])[0];
  return found && found.text.length <= MAX_TEXT ? found : undefined;
};

/** A list of 1 to 64 finite numbers, in brackets or not; undefined for other text. */
const numbersIn = ({ text }: Entry): readonly number[] | undefined => {
  const inner = text
    .trim()
    .replace(/^[[(]/, "")
    .replace(/[\])]$/, "");
  const parts = inner.split(/[\s,;]+/).filter((part) => part !== "");
  const values = parts.map(Number);
  return parts.length >= 1 && parts.length <= 64 && values.every(Number.isFinite) ? values : undefined;
};

/** Quoted texts of a list or a dictionary in JSON or in Python's notation, in the order of their integer keys. */
const quoted = (text: string): readonly string[] => {
  const matches = [...text.matchAll(/(?:["']?(\d{1,4})["']?\s*:\s*)?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g)];
  const isDictionary = text.trimStart().startsWith("{");
  const keyed = matches.flatMap(([, key, double, single]) => {
    const name = (double ?? single ?? "").replaceAll(/\\(["'\\])/g, "$1");
    return isDictionary && key === undefined ? [] : [{ at: Number(key ?? 0), name }];
  });
  const ordered = isDictionary ? keyed.toSorted((a, b) => a.at - b.at) : keyed;
  const isWhole = !isDictionary || ordered.every(({ at }, i) => at === i);
  return isWhole ? ordered.map(({ name }) => name) : [];
};

/** Two to 255 names that are not empty; undefined for other text. */
const namesIn = ({ text }: Entry): readonly string[] | undefined => {
  const isPlain = !/^\s*[[{(]/.test(text);
  const names = (isPlain ? text.split(/[,;\n]/) : quoted(text)).map((name) => name.trim().slice(0, MAX_NAME));
  return names.length >= 2 && names.length <= MAX_CLASSES && names.every((name) => name !== "") ? names : undefined;
};

/** (x·s − mean)/std of pixel values x in 0..255, by the range that they are brought to. */
const ranges: Readonly<Record<string, Preparation>> = {
  NominalRange_0_255: { scale: 1, mean: [0], std: [1] },
  Normalized_0_1: { scale: 1 / 255, mean: [0], std: [1] },
  Normalized_1_1: { scale: 2 / 255, mean: [1], std: [1] },
};

const shown = (values: readonly number[]): string => values.map((v) => Number(v.toFixed(6))).join(", ");

/** Mean and deviation of so many channels; grey levels of 0..1 unless a scale or larger values say 0..255. */
const preparationOf = (model: Model, count: number): { readonly preparation?: Preparation; readonly said?: string } => {
  const entry = (...keys: readonly string[]) => entryOf(model, keys);
  const given = {
    mean: entry("mean", "standardization_mean", "image_mean"),
    std: entry("std", "standardization_std", "image_std"),
  };
  const fitted = (found: Entry | undefined): readonly number[] | undefined => {
    const values = found && numbersIn(found);
    if (values?.length === count) return values;
    return values?.length === 1 ? Array.from({ length: count }, () => values[0]!) : undefined;
  };
  const [mean, std] = [fitted(given.mean), fitted(given.std)];
  if (mean && std && std.every((s) => s !== 0)) {
    const factor = entry("scale", "rescale_factor");
    const stated = factor && numbersIn(factor);
    const isUnit = [...mean, ...std].every((v) => Math.abs(v) <= 2);
    const scale = stated?.length === 1 && stated[0] !== 0 ? stated[0]! : isUnit ? 1 / 255 : 1;
    const by =
      stated?.length === 1
        ? `the file's ${factor!.key}`
        : isUnit
          ? "taken for values of 0 to 1"
          : "taken for values of 0 to 255";
    return {
      preparation: { mean: [...mean], std: [...std], scale },
      said: `Mean (${shown(mean)}) and deviation (${shown(std)}) are the file's "${given.mean!.key}" and "${given.std!.key}", ${by}.`,
    };
  }
  const range = entry("image.nominalpixelrange");
  const preparation = range && Object.hasOwn(ranges, range.text) ? ranges[range.text] : undefined;
  if (!preparation) return {};
  const repeated = (values: readonly number[]) => Array.from({ length: count }, () => values[0]!);
  return {
    preparation: { scale: preparation.scale, mean: repeated(preparation.mean), std: repeated(preparation.std) },
    said: `Pixels are prepared by the file's "${range!.key}", ${range!.text}.`,
  };
};

/** @param count of the input's channels. */
export const metadataOf = (model: Model, count: number): Metadata => {
  const { preparation, said } = preparationOf(model, count);
  const pixels = entryOf(model, ["image.bitmappixelformat", "channel_order", "color_order"]);
  const order =
    count === 3 ? (/^(bgr|rgb)/i.exec(pixels?.text ?? "")?.[1]?.toUpperCase() as "RGB" | "BGR" | undefined) : undefined;
  const labels = entryOf(model, ["names", "class_names", "classes", "labels"]);
  const names = labels && namesIn(labels);
  const multiple = entryOf(model, ["stride"]);
  const stride = multiple && /^\d{1,3}$/.test(multiple.text.trim()) ? Number(multiple.text) : undefined;
  const isStride = stride !== undefined && stride >= 1 && stride <= 128;
  return {
    ...(preparation ? { preparation } : {}),
    ...(order ? { order } : {}),
    ...(names ? { names } : {}),
    ...(isStride ? { stride } : {}),
    said: {
      ...(said === undefined ? {} : { preparation: said }),
      ...(order ? { order: `Channels are in the order ${order} by the file's "${pixels!.key}".` } : {}),
    },
  };
};
