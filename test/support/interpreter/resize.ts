/** Resize without antialiasing: separable interpolation, axis by axis (ONNX Resize-19, reference formulas). */

import { floatOf, intOf, intsOf, stringOf } from "../../../src/onnx/graph.ts";
import { at, axisOf, define, ints, type Kernel, type Nd } from "./nd.ts";

interface Axis {
  readonly size: number;
  readonly resized: number;
  readonly scale: number;
  /** Region of interest, in lengths of the axis. */
  readonly start: number;
  readonly end: number;
}

/** Coordinate in the input of element `i` of the output. */
const coordinate = (mode: string, i: number, { size, resized, scale, start, end }: Axis): number => {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      // The output's true length may differ from its rounded one; the picture stays centred.
      const adjustment = resized / (scale * size);
      return (size / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return resized > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return resized > 1 ? (i * (size - 1)) / (resized - 1) : 0;
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "tf_crop_and_resize": {
      const [from, to] = [start * (size - 1), end * (size - 1)];
      return resized > 1 ? from + (i / (resized - 1)) * (to - from) : (from + to) / 2;
    }
    default:
      throw new RangeError(`interpreter: coordinate_transformation_mode ${mode}`);
  }
};

const nearest = (mode: string, x: number): number => {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(x - 0.5);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    default:
      throw new RangeError(`interpreter: nearest_mode ${mode}`);
  }
};

/** Keys (1981) with coefficient a, for taps at distances 1 + t, t, 1 − t, 2 − t. */
const cubicWeights = (t: number, a: number): number[] => {
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
};

interface Settings {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearestMode: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
}

/** Elements of the input and their weights for element `i` of the output, or null for the extrapolation value. */
const weights = (i: number, axis: Axis, s: Settings): [number, number][] | null => {
  const clamp = (v: number) => Math.min(axis.size - 1, Math.max(0, v));
  const x = coordinate(s.coordinates, i, axis);
  if (s.coordinates === "tf_crop_and_resize" && (x < 0 || x > axis.size - 1)) return null;
  if (s.mode === "nearest") return [[clamp(nearest(s.nearestMode, x)), 1]];
  const low = Math.floor(x);
  const t = x - low;
  const raw: [number, number][] =
    s.mode === "linear"
      ? [
          [low, 1 - t],
          [low + 1, t],
        ]
      : cubicWeights(t, s.cubic).map((w, k) => [low - 1 + k, w]);
  if (!s.excludeOutside) return raw.map(([at, w]) => [clamp(at), w]);
  const inside = raw.filter(([at]) => at >= 0 && at < axis.size);
  const total = inside.reduce((sum, [, w]) => sum + w, 0);
  return inside.map(([at, w]) => [at, w / total]);
};

const along = (x: Nd, axis: number, geometry: Axis, s: Settings): Nd => {
  const taps = Array.from({ length: geometry.resized }, (_, i) => weights(i, geometry, s));
  const shape = x.shape.map((d, i) => (i === axis ? geometry.resized : d));
  return define(x.dtype, shape, (index) => {
    const found = taps[index[axis]!]!;
    if (!found) return s.extrapolation;
    let sum = 0;
    for (const [from, weight] of found) {
      sum +=
        weight *
        at(
          x,
          index.map((v, i) => (i === axis ? from : v)),
        );
    }
    return sum;
  });
};

/** Sizes to a common factor, where the aspect ratio is kept. */
const factorsBySizes = (policy: string, factors: readonly number[]): readonly number[] => {
  if (policy === "stretch") return factors;
  const common = policy === "not_larger" ? Math.min(...factors) : Math.max(...factors);
  return factors.map(() => common);
};

const Resize: Kernel = (node, x, roi?: Nd, scales?: Nd, sizes?: Nd) => {
  if (intOf(node, "antialias", 0) === 1) throw new RangeError("interpreter: Resize with antialias");
  const axes = intsOf(
    node,
    "axes",
    x.shape.map((_, i) => i),
  ).map((a) => axisOf(a, x.shape.length));
  const settings: Settings = {
    mode: stringOf(node, "mode", "nearest"),
    coordinates: stringOf(node, "coordinate_transformation_mode", "half_pixel"),
    nearestMode: stringOf(node, "nearest_mode", "round_prefer_floor"),
    cubic: floatOf(node, "cubic_coeff_a", -0.75),
    excludeOutside: intOf(node, "exclude_outside", 0) === 1,
    extrapolation: floatOf(node, "extrapolation_value", 0),
  };
  const policy = stringOf(node, "keep_aspect_ratio_policy", "stretch");
  const wanted = sizes && sizes.data.length > 0 ? ints(sizes)! : undefined;
  const factors = wanted
    ? factorsBySizes(
        policy,
        wanted.map((d, i) => d / x.shape[axes[i]!]!),
      )
    : ints(scales)!;
  const crops = settings.coordinates === "tf_crop_and_resize";
  let y = x;
  for (const [i, axis] of axes.entries()) {
    const size = x.shape[axis]!;
    const scale = factors[i]!;
    const resized = policy === "stretch" ? (wanted?.[i] ?? Math.floor(size * scale)) : Math.round(size * scale);
    const [start, end] = crops ? [roi!.data[i]!, roi!.data[i + axes.length]!] : [0, 1];
    if (scale !== 1 || crops) y = along(y, axis, { size, resized, scale, start, end }, settings);
  }
  return [y];
};

export const resizing: Readonly<Record<string, Kernel>> = { Resize };
