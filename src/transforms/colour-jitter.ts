/** Colour jitter in HSV. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { tensorOf } from "../tensor.ts";
import { clamped } from "./rounding.ts";
import { drawn, type TransformEntry } from "./transform.ts";

/** Hue in sixths of a circle, −1 to 5, and 0 of grey pixels. */
const hueOf = (op: Builder, [red, green, blue]: readonly Value[], value: Value, chroma: Value): Value => {
  const [zero, one] = [op.constant(0), op.constant(1)];
  const divisor = op.Where(op.Greater(chroma, zero), chroma, one);
  const slope = (a: Value, b: Value): Value => op.Div(op.Sub(a, b), divisor);
  const [whenRed, whenGreen, whenBlue] = [
    slope(green!, blue!),
    op.Add(slope(blue!, red!), op.constant(2)),
    op.Add(slope(red!, green!), op.constant(4)),
  ];
  const isLargest = (channel: Value): Value => op.GreaterOrEqual(channel, value);
  return op.Where(isLargest(red!), whenRed, op.Where(isLargest(green!), whenGreen, whenBlue));
};

/**
 * The exact conversion and not a matrix in YIQ: what a picture editor and torchvision's ColorJitter do to hue and saturation.
 * It is piecewise linear or rational, so that its gradient exists almost everywhere. With V = max, C = V − min and h the hue in
 * sixths, V' = min(v·V, 255), C' = V'·min(s·C/V, 1), and channel n ∈ {5, 3, 1} for red, green, blue becomes
 * V' − C'·clip(min(k, 4 − k), 0, 1), k = (n + h + hue/60) mod 6 (Smith 1978).
 */
const jittered = (op: Builder, image: Value, { hue, saturation, value }: Readonly<Record<string, Value>>): Value => {
  const x = clamped(op, image);
  const channels = [0, 1, 2].map((c) => op.Slice(x, op.ints([c]), op.ints([c + 1]), op.ints([1])));
  const most = op.ReduceMax(x, op.ints([1]), { keepdims: 1 });
  const chroma = op.Sub(most, op.ReduceMin(x, op.ints([1]), { keepdims: 1 }));
  const turned = op.Add(hueOf(op, channels, most, chroma), hue);
  const brightness = op.Min(op.Mul(most, value), op.constant(255));
  const divisor = op.Where(op.Greater(most, op.constant(0)), most, op.constant(1));
  const strength = op.Min(op.Mul(op.Div(chroma, divisor), saturation), op.constant(1));
  const range = op.Mul(brightness, strength);
  const channel = (n: number): Value => {
    const at = op.Add(turned, op.constant(n));
    const turns = op.Floor(op.Mul(at, op.constant(1 / 6)));
    const k = op.Sub(at, op.Mul(turns, op.constant(6)));
    const tent = op.Min(k, op.Sub(op.constant(4), k));
    return op.Sub(brightness, op.Mul(range, op.Clip(tent, op.constant(0), op.constant(1))));
  };
  return op.Concat(channel(5), channel(3), channel(1), { axis: 1 });
};

const factor = (description: string) => ({ description, minimum: 0, maximum: 3, default: [0.8, 1.2] }) as const;
const scalar = (v: number) => tensorOf("float32", [1], [v]);

export const colourJitter: TransformEntry = {
  title: "Colour jitter",
  summary: "In HSV: the hue turned, saturation and value multiplied.",
  random: false,
  options: {
    hue: { description: "The hue is turned by this", unit: "degrees", minimum: -180, maximum: 180, default: [-18, 18] },
    saturation: factor("Factor of the saturation; 0 is grey"),
    value: factor("Factor of the value, that is of the brightness"),
  },
  paper: {
    title: "On the Robustness of Semantic Segmentation Models to Adversarial Attacks",
    authors: "Arnab, Miksik, Torr",
    year: 2018,
    arxiv: "1711.09856",
  },
  make: ({ hue, saturation, value }) => ({
    shapes: () => ({ hue: [1], saturation: [1], value: [1] }),
    draw: (next) => ({
      hue: scalar(drawn(next, hue!) / 60),
      saturation: scalar(drawn(next, saturation!)),
      value: scalar(drawn(next, value!)),
    }),
    build: jittered,
  }),
};
