/** Operators that are written with others where onnxruntime-web lacks them: against their definitions by loops, in float64, with gradients. */

import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { newerOperators } from "../../src/onnx/decompose.ts";
import { OnnxError, type PlainAttributes } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { fold } from "../../src/onnx/passes/fold.ts";
import { random } from "../../src/random.ts";
import { numbersOf, sizeOf, stridesOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { interpret } from "../support/interpreter.ts";
import { float, ints, modelOf, node, noise, runModel } from "./support.ts";

type Reader = (...index: readonly number[]) => number;

/** The element of a tensor at an index, 0 beyond its borders. */
const reader = (t: Tensor): Reader => {
  const strides = stridesOf(t.shape);
  return (...index) =>
    index.every((v, i) => v >= 0 && v < t.shape[i]!)
      ? Number(t.data[index.reduce((at, v, i) => at + v * strides[i]!, 0)])
      : 0;
};

const define = (shape: readonly number[], f: (...index: readonly number[]) => number): number[] => {
  const strides = stridesOf(shape);
  return Array.from({ length: sizeOf(shape) }, (_, i) => f(...shape.map((d, a) => Math.floor(i / strides[a]!) % d)));
};

const total = (count: number, f: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => f(i)).reduce((a, b) => a + b, 0);

interface NewCase {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly (Tensor | null)[];
  /** Inputs that must be known when the graph is built, or that no gradient is taken by. */
  readonly fixed?: readonly number[];
  readonly attributes: PlainAttributes;
  readonly isForward?: true;
  readonly y: readonly [
    shape: readonly number[],
    f: (inputs: readonly Reader[]) => (...index: readonly number[]) => number,
  ];
}

const opset: Readonly<Record<string, number>> = {
  Mod: 28,
  SpaceToDepth: 28,
  SwiGLU: 28,
  CumProd: 26,
  Attention: 25,
  Swish: 24,
  RMSNormalization: 23,
  RotaryEmbedding: 23,
};

/** RoiAlign's mean by loops over bins, samples and corners: the coordinates are clamped to the image, beyond −1..size the value is 0. */
const alignedMean =
  ([height, width]: readonly [number, number], bins: readonly [number, number], samples: number, offset: number) =>
  ([x, rois, images]: readonly Reader[]) =>
  (r = 0, c = 0, i = 0, j = 0): number => {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => rois!(r, k) * 0.5 - offset) as [number, number, number, number];
    const extent = (from: number, to: number) => (offset === 0 ? Math.max(to - from, 1) : to - from);
    const steps = [extent(y1, y2) / bins[0], extent(x1, x2) / bins[1]] as const;
    const counts = steps.map((step) => (samples > 0 ? samples : Math.ceil(step))) as [number, number];
    const sum = total(counts[0], (a) =>
      total(counts[1], (b) => {
        const py = y1 + steps[0] * (i + (a + 0.5) / counts[0]);
        const px = x1 + steps[1] * (j + (b + 0.5) / counts[1]);
        if (py < -1 || py > height || px < -1 || px > width) return 0;
        const inside = (p: number, size: number) => Math.min(Math.max(p, 0), size - 1);
        return bilinear(x!, images!(r), c, inside(py, height), inside(px, width));
      }),
    );
    return sum / Math.max(counts[0] * counts[1], 1);
  };

const regions = tensorOf("float32", [3, 4], [1.3, 2.1, 9.6, 8.2, -5.2, 0.4, 4.1, 15.3, 6.6, 6.1, 6.9, 6.7]);

/** MaxRoiPool by its definition, with regions (image, x1, y1, x2, y2) in whole pixels. */
const pooledRegion =
  ([height, width]: readonly [number, number], bins: readonly [number, number]) =>
  ([x, rois]: readonly Reader[]) =>
  (r = 0, c = 0, i = 0, j = 0): number => {
    const [image, x1, y1, x2, y2] = [0, 1, 2, 3, 4].map((k) => rois!(r, k)) as [number, number, number, number, number];
    const isIn = (p: number, from: number, to: number, bin: number, count: number) => {
      const size = Math.max(to - from + 1, 1) / count;
      return p - from >= Math.floor(bin * size) && p - from < Math.ceil((bin + 1) * size);
    };
    let most = -Infinity;
    for (let y = 0; y < height; y++)
      for (let z = 0; z < width; z++)
        if (isIn(y, y1, y2, i, bins[0]) && isIn(z, x1, x2, j, bins[1])) most = Math.max(most, x!(image, c, y, z));
    return most === -Infinity ? 0 : most;
  };

const bilinear = (x: Reader, n: number, c: number, py: number, px: number): number => {
  const [y0, x0] = [Math.floor(py), Math.floor(px)];
  const [fy, fx] = [py - y0, px - x0];
  return (
    (1 - fy) * ((1 - fx) * x(n, c, y0, x0) + fx * x(n, c, y0, x0 + 1)) +
    fy * ((1 - fx) * x(n, c, y0 + 1, x0) + fx * x(n, c, y0 + 1, x0 + 1))
  );
};

/** [B, H, S, D]: weights of query i on key j from the scores of its row. */
const attention =
  (scale: number, keys: number, depth: number, group: number, bias: (i: number, j: number) => number, cap = 0) =>
  ([q, k, v]: readonly Reader[]) =>
  (b = 0, h = 0, i = 0, d = 0): number => {
    const raw = (j: number) => scale * total(depth, (e) => q!(b, h, i, e) * k!(b, Math.floor(h / group), j, e));
    const score = (j: number) => (cap ? cap * Math.tanh(raw(j) / cap) : raw(j)) + bias(i, j);
    const weights = Array.from({ length: keys }, (_, j) => Math.exp(score(j)));
    const sum = weights.reduce((a, w) => a + w, 0);
    return total(keys, (j) => (weights[j]! / sum) * v!(b, Math.floor(h / group), j, d));
  };

const mask = noise([4, 5], 9);
const deformed = (groups: number, useMask: boolean): NewCase["y"] => [
  [1, 2, 4, 5],
  ([x, w, offset, bias, weights]) =>
    (n = 0, m = 0, y = 0, xx = 0) =>
      bias!(m) +
      total(4, (c) =>
        total(9, (tap) => {
          const g = Math.floor(c / (4 / groups));
          const at = (axis: number) => offset!(n, (g * 9 + tap) * 2 + axis, y, xx);
          const py = y - 1 + Math.floor(tap / 3) + at(0);
          const px = xx - 1 + (tap % 3) + at(1);
          const scale = useMask ? weights!(n, g * 9 + tap, y, xx) : 1;
          return w!(m, c, Math.floor(tap / 3), tap % 3) * scale * bilinear(x!, n, c, py, px);
        }),
      ),
];

const deformInputs = (groups: number, useMask: boolean): NewCase["inputs"] => [
  noise([1, 4, 4, 5], 1),
  noise([2, 4, 3, 3], 2),
  noise([1, groups * 18, 4, 5], 3),
  noise([2], 4),
  ...(useMask ? [noise([1, groups * 9, 4, 5], 5)] : []),
];

const cases: readonly NewCase[] = [
  { operator: "Swish", name: "default", inputs: [noise([2, 3])], attributes: {}, y: [[2, 3], ([x]) => (...i) => x!(...i) / (1 + Math.exp(-x!(...i)))] }, // prettier-ignore
  { operator: "Swish", name: "alpha", inputs: [noise([2, 3])], attributes: { alpha: 1.7 }, y: [[2, 3], ([x]) => (...i) => x!(...i) / (1 + Math.exp(-1.7 * x!(...i)))] }, // prettier-ignore
  ...[1, 2].map((axis): NewCase => ({
    operator: "RMSNormalization",
    name: `from axis ${axis}`,
    inputs: [noise([2, 3, 4]), noise([4], 2)],
    attributes: { axis, epsilon: 0.1 },
    y: [
      [2, 3, 4],
      ([x, scale]) =>
        (a = 0, b = 0, c = 0) => {
          const rows = axis === 1 ? [0, 1, 2] : [b];
          const mean = total(rows.length, (r) => total(4, (k) => x!(a, rows[r]!, k) ** 2)) / (4 * rows.length);
          return (scale!(c) * x!(a, b, c)) / Math.sqrt(mean + Math.fround(0.1));
        },
    ],
  })),
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): NewCase => ({
      operator: "CumProd",
      name: `exclusive ${exclusive}, reverse ${reverse}`,
      inputs: [noise([2, 5]), ints(1)],
      fixed: [1],
      attributes: { exclusive, reverse },
      y: [
        [2, 5],
        ([x]) =>
          (a = 0, b = 0) =>
            Array.from({ length: 5 }, (_, i) => i)
              .filter((i) => (reverse ? i - b >= exclusive : b - i >= exclusive))
              .reduce((product, i) => product * x!(a, i), 1),
      ],
    })),
  ),
  { operator: "CenterCropPad", name: "cut and filled", inputs: [noise([5, 2, 4]), ints(2, 5)], fixed: [1], attributes: { axes: [0, 1] }, y: [[2, 5, 4], ([x]) => (a = 0, b = 0, c = 0) => x!(a + 1, b - 1, c)] }, // prettier-ignore
  { operator: "EyeLike", name: "above", inputs: [noise([3, 4])], attributes: { k: 1 }, y: [[3, 4], () => (a = 0, b = 0) => Number(b - a === 1)] }, // prettier-ignore
  ...[0, 1].map((corners): NewCase => ({
    operator: "AffineGrid",
    name: `align_corners ${corners}`,
    inputs: [noise([2, 2, 3]), ints(2, 3, 4, 5)],
    fixed: [1],
    attributes: { align_corners: corners },
    y: [
      [2, 4, 5, 2],
      ([theta]) =>
        (n = 0, h = 0, w = 0, k = 0) => {
          const at = (i: number, d: number) => (corners ? (2 * i) / (d - 1) - 1 : (2 * i + 1) / d - 1);
          return theta!(n, k, 0) * at(w, 5) + theta!(n, k, 1) * at(h, 4) + theta!(n, k, 2);
        },
    ],
  })),
  {
    operator: "Col2Im",
    name: "strides, pads and dilations",
    inputs: [noise([2, 12, 9]), ints(5, 6), ints(2, 2)],
    fixed: [1, 2],
    attributes: { strides: [2, 2], pads: [1, 0, 0, 1], dilations: [1, 2] },
    y: [
      [2, 3, 5, 6],
      ([x]) =>
        (n = 0, c = 0, h = 0, w = 0) =>
          total(3, (oy) =>
            total(3, (ox) =>
              total(4, (tap) => {
                const [py, px] = [2 * oy - 1 + Math.floor(tap / 2), 2 * ox + 2 * (tap % 2)];
                return py === h && px === w ? x!(n, 4 * c + tap, 3 * oy + ox) : 0;
              }),
            ),
          ),
    ],
  },
  { operator: "DeformConv", name: "one group of offsets", inputs: deformInputs(1, false), fixed: [1], attributes: { pads: [1, 1, 1, 1] }, y: deformed(1, false) }, // prettier-ignore
  { operator: "DeformConv", name: "two groups, a mask", inputs: deformInputs(2, true), fixed: [1], attributes: { pads: [1, 1, 1, 1], offset_group: 2 }, y: deformed(2, true) }, // prettier-ignore
  {
    operator: "Attention",
    name: "heads that share keys, a cap, a mask",
    inputs: [noise([1, 4, 4, 3], 1), noise([1, 2, 5, 3], 2), noise([1, 2, 5, 2], 3), mask],
    attributes: { softcap: 2 },
    y: [[1, 4, 4, 2], ([q, k, v, m]) => attention(1 / Math.sqrt(3), 5, 3, 2, (i, j) => m!(i, j), 2)([q!, k!, v!])],
  },
  {
    operator: "Attention",
    name: "three axes, causal",
    inputs: [noise([1, 4, 6], 1), noise([1, 4, 6], 2), noise([1, 4, 6], 3)],
    attributes: { q_num_heads: 2, kv_num_heads: 2, is_causal: 1, scale: 0.8 },
    y: [
      [1, 4, 6],
      ([q, k, v]) =>
        (b = 0, s = 0, e = 0) => {
          const heads = [q, k, v].map(
            (x): Reader =>
              (n = 0, h = 0, i = 0, d = 0) =>
                x!(n, i, 3 * h + d),
          );
          return attention(0.8, 4, 3, 1, (i, j) => (j > i ? -Infinity : 0))(heads)(b, Math.floor(e / 3), s, e % 3);
        },
    ],
  },
  {
    operator: "RoiAlign",
    name: "two images, regions that vary",
    inputs: [noise([2, 2, 6, 7], 1), regions, ints(1, 0, 1)],
    fixed: [2],
    attributes: { output_height: 2, output_width: 3, sampling_ratio: 2, spatial_scale: 0.5 },
    y: [[3, 2, 2, 3], alignedMean([6, 7], [2, 3], 2, 0.5)],
  },
  {
    operator: "RoiAlign",
    name: "one image, output_half_pixel, regions that vary",
    inputs: [noise([1, 2, 6, 7], 1), regions, ints(0, 0, 0)],
    fixed: [2],
    attributes: {
      output_height: 2,
      output_width: 3,
      sampling_ratio: 3,
      spatial_scale: 0.5,
      coordinate_transformation_mode: "output_half_pixel",
    },
    y: [[3, 2, 2, 3], alignedMean([6, 7], [2, 3], 3, 0)],
  },
  {
    operator: "RoiAlign",
    name: "as many samples as a bin has pixels",
    inputs: [noise([2, 2, 6, 7], 1), regions, ints(1, 0, 1)],
    fixed: [1, 2],
    attributes: { output_height: 2, output_width: 1, spatial_scale: 0.5 },
    y: [[3, 2, 2, 1], alignedMean([6, 7], [2, 1], 0, 0.5)],
  },
  {
    operator: "MaxRoiPool",
    name: "two images, a region beyond the border",
    inputs: [noise([2, 2, 6, 7], 1), tensorOf("float32", [3, 5], [1, 1, 0, 5, 3, 0, -6, 2, 3, 9, 1, 4, 4, 4, 4])],
    fixed: [1],
    attributes: { pooled_shape: [2, 3] },
    y: [[3, 2, 2, 3], pooledRegion([6, 7], [2, 3])],
  },
  {
    operator: "SpaceToDepth",
    name: "channels first within a block",
    inputs: [noise([2, 3, 4, 6], 1)],
    attributes: { blocksize: 2, mode: "CRD" },
    y: [
      [2, 12, 2, 3],
      ([x]) =>
        (n = 0, c = 0, i = 0, j = 0) =>
          x!(n, Math.floor(c / 4), 2 * i + Math.floor((c % 4) / 2), 2 * j + (c % 2)),
    ],
  },
  {
    operator: "Mod",
    name: "the sign of the divisor",
    inputs: [tensorOf("float32", [6], [5.5, -5.5, 5.5, -5.5, 6, 1]), tensorOf("float32", [6], [2, 2, -2, -2, 3, -3])],
    // Mod has no gradient rule.
    isForward: true,
    attributes: { fmod: 0 },
    y: [
      [6],
      () =>
        (i = 0) =>
          [1.5, 0.5, -0.5, -1.5, 0, -2][i]!,
    ],
  },
  {
    operator: "SwiGLU",
    name: "alpha 1.7",
    inputs: [noise([2, 3], 1), noise([2, 3], 2)],
    attributes: { alpha: 1.7 },
    y: [
      [2, 3],
      ([a, b]) =>
        (...at) =>
          (a!(...at) / (1 + Math.exp(-1.7 * a!(...at)))) * b!(...at),
    ],
  },
  ...[0, 1].map((interleaved): NewCase => ({
    operator: "RotaryEmbedding",
    name: `interleaved ${interleaved}, in part`,
    inputs: [noise([1, 2, 3, 6], 1), noise([5, 2], 2), noise([5, 2], 3), tensorOf("int64", [1, 3], [4, 0, 2])],
    fixed: [3],
    attributes: { interleaved, rotary_embedding_dim: 4 },
    y: [
      [1, 2, 3, 6],
      ([x, cos, sin, at]) =>
        (b = 0, h = 0, s = 0, d = 0) => {
          if (d >= 4) return x!(b, h, s, d);
          const isFirst = interleaved ? d % 2 === 0 : d < 2;
          const pair = interleaved ? Math.floor(d / 2) : d % 2;
          const other = interleaved ? (isFirst ? d + 1 : d - 1) : (isFirst ? d + 2 : d - 2); // prettier-ignore
          const angle = at!(b, s);
          const turned = (isFirst ? -1 : 1) * sin!(angle, pair) * x!(b, h, s, other);
          return x!(b, h, s, d) * cos!(angle, pair) + turned;
        },
    ],
  })),
];

it("each operator has a case", () => {
  expect(newerOperators.filter((name) => !cases.some((c) => c.operator === name))).toEqual([]);
});

const modelFor = ({ operator, inputs, fixed = [], attributes }: NewCase) => {
  const parts = (wanted: boolean): Record<string, Tensor> =>
    Object.fromEntries(inputs.flatMap((t, i) => (t && fixed.includes(i) === wanted ? [[`x${i}`, t]] : [])));
  const [constant, fed] = [parts(true), parts(false)];
  const nodes = [node(operator, inputs.map((t, i) => (t ? `x${i}` : "")), ["y"], attributes)]; // prettier-ignore
  return {
    model: modelOf({ opset: opset[operator] ?? 21, inputs: fed, initializers: constant, nodes, outputs: ["y"] }),
    feeds: fed,
  };
};

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...b.map((v, i) => Math.abs(v - a[i]!) / (1 + Math.abs(v))));

describe.each(cases.map((c) => [`${c.operator}: ${c.name}`, c] as const))("%s", (_, c) => {
  const [shape, f] = c.y;
  const { model, feeds } = modelFor(c);
  const expected = (inputs: readonly (Tensor | null)[]) =>
    define(shape, f(inputs.map((t) => (t ? reader(t) : () => 0))));

  it("is its definition, in float64 and in onnxruntime", async () => {
    const folded = fold(model);
    expect(folded.graph.outputs[0]!.shape).toEqual(shape);
    expect(distance(numbersOf(interpret(folded.graph, feeds)["y"]!), expected(c.inputs))).toBeLessThan(1e-6);
    expect(distance(numbersOf((await runModel(folded, feeds))["y"]!), expected(c.inputs))).toBeLessThan(1e-5);
  });

  it.skipIf(c.operator === "EyeLike" || c.isForward)(
    "has the derivative of its definition by every float input",
    () => {
      const op = createBuilder();
      const values = Object.fromEntries(
        Object.entries(feeds).map(([name, t]) => [name, op.input(name, t.dtype, t.shape)]),
      );
      const y = load(op, model, values)["y"]!;
      const seed = noise(shape, 21);
      const sources = Object.values(values);
      const gradients = gradient(op, y, sources, op.tensor(seed));
      const results = interpret(op.graph(Object.fromEntries(gradients.map((v, i) => [`d${i}`, v]))), feeds);
      const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
      for (const [i, { name, shape: own }] of sources.entries()) {
        const direction = numbersOf(noise(own, 30 + i));
        const along = (t: number) => {
          const moved = tensorOf("float64", own, numbersOf(feeds[name]!).map((v, k) => v + t * direction[k]!)); // prettier-ignore
          return dot(expected(c.inputs.map((x, k) => (`x${k}` === name ? moved : x))), numbersOf(seed));
        };
        const quotient = (4 * (along(5e-6) - along(-5e-6)) * 1e5 - ((along(1e-5) - along(-1e-5)) * 1e5) / 2) / 3;
        const actual = dot(numbersOf(results[`d${i}`]!), direction);
        expect(Math.abs(actual - quotient)).toBeLessThan(1e-5 * (1 + Math.abs(quotient)));
      }
    },
  );
});

const roiAlign = { output_height: 2, output_width: 3, spatial_scale: 0.5 };

it.each([
  ["RoiAlign", 16, { ...roiAlign, sampling_ratio: 2 }],
  ["RoiAlign", 16, roiAlign],
  ["RoiAlign", 16, { ...roiAlign, coordinate_transformation_mode: "output_half_pixel" }],
  ["RoiAlign", 10, { ...roiAlign, sampling_ratio: 3 }],
  ["MaxRoiPool", 13, { pooled_shape: [3, 2], spatial_scale: 0.4 }],
] as const)(
  "%s of opset %i and %o is onnxruntime's own, forward and by difference quotients",
  async (op, version, attributes) => {
    const next = random(5);
    const [x, seed] = [noise([2, 3, 9, 8], 3), noise([12, 3, 2, 3], 9)];
    const corners = Array.from({ length: 12 }, () => {
      const [a, b] = [next() * 24 - 4, next() * 24 - 4];
      return [a, b, a + next() * 16 - 1, b + next() * 16 - 1];
    });
    const images = corners.map((_, r) => r % 2);
    const isAlign = op === "RoiAlign";
    const rois = isAlign
      ? tensorOf("float32", [12, 4], corners.flat())
      : tensorOf(
          "float32",
          [12, 5],
          corners.flatMap((own, r) => [images[r]!, ...own]),
        );
    const model = modelOf({
      opset: version,
      inputs: { x },
      initializers: isAlign ? { rois, images: ints(...images) } : { rois },
      nodes: [node(op, isAlign ? ["x", "rois", "images"] : ["x", "rois"], ["y"], attributes)],
      outputs: ["y"],
    });
    const builder = createBuilder();
    const input = builder.input("x", "float32", x.shape);
    const y = load(builder, model, { x: input })["y"]!;
    const [dx] = gradient(builder, y, [input], builder.tensor(tensorOf("float32", y.shape, numbersOf(seed))));
    const ours = await runModel(builder.model({ y, dx: dx! }), { x });
    const own = async (t: number, direction: readonly number[]) => {
      const moved = tensorOf(
        "float32",
        x.shape,
        numbersOf(x).map((v, i) => v + t * direction[i]!),
      );
      return numbersOf((await runModel(model, { x: moved }))["y"]!);
    };
    const direction = numbersOf(noise(x.shape, 12));
    expect(distance(numbersOf(ours["y"]!), await own(0, direction))).toBeLessThan(2e-6);
    const [after, before] = [await own(1e-3, direction), await own(-1e-3, direction)];
    const quotient = numbersOf(seed).reduce((sum, v, i) => sum + (v * (after[i]! - before[i]!)) / 2e-3, 0);
    const ownDerivative = numbersOf(ours["dx"]!).reduce((sum, v, i) => sum + v * direction[i]!, 0);
    expect(Math.abs(ownDerivative - quotient)).toBeLessThan(2e-3 * (1 + Math.abs(quotient)));
  },
);

it.each([
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 1)], {}, /image 1 of 1/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 5]), ints(0, 0)], {}, /\[R, 4\]/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], { mode: "max" }, /mode "max" is not supported/],
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], { sampling_ratio: 2 ** 28 }, /samples; at most/],
  ["RoiAlign", [noise([1, 1, 4, 4]), float([1, 4], [0, 0, 1e9, 1e9]), ints(0)], {}, /samples; at most/],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2 ** 20, 2 ** 20] }, /samples; at most/],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2] }, /two numbers/],
] as const)("%s refuses what does not fit, case %#", (operator, inputs, attributes, message) => {
  const nodes = [node(operator, inputs.map((_, i) => `x${i}`), ["y"], attributes)]; // prettier-ignore
  const initializers = Object.fromEntries(inputs.slice(1).map((t, i) => [`x${i + 1}`, t]));
  const model = modelOf({ inputs: { x0: inputs[0] }, initializers, nodes, outputs: ["y"] });
  expect(() => fold(model)).toThrow(message);
});

it.each([
  ["RoiAlign", [noise([1, 1, 4, 4]), noise([2, 4]), ints(0, 0)], {}],
  ["MaxRoiPool", [noise([1, 1, 4, 4]), noise([2, 5])], { pooled_shape: [2, 2] }],
] as const)("%s refuses regions that depend on data, by name", (operator, inputs, attributes) => {
  const names = inputs.map((_, i) => `x${i}`);
  const fed = Object.fromEntries(inputs.map((t, i) => [names[i], t]));
  const model = modelOf({ inputs: fed, nodes: [node(operator, names, ["y"], attributes)], outputs: ["y"] });
  expect(() => fold(model)).toThrow(/regions "\w+" depend on data/);
});

it.each([
  ["Attention", [noise([1, 4, 7]), noise([1, 4, 6]), noise([1, 4, 6])], { q_num_heads: 2, kv_num_heads: 2 }],
  ["Col2Im", [noise([1, 5, 4]), ints(4, 4), ints(2, 2)], {}],
  ["DeformConv", [noise([1, 2, 4, 4]), noise([2, 2, 3, 3]), noise([1, 17, 2, 2])], {}],
  ["EyeLike", [noise([2])], {}],
  ["AffineGrid", [noise([1, 2, 2]), ints(1, 1, 2, 2)], {}],
  ["CenterCropPad", [noise([2, 2]), ints(1)], {}],
] as const)("%s refuses what does not fit", (operator, inputs, attributes) => {
  const nodes = [node(operator, inputs.map((_, i) => `x${i}`), ["y"], attributes)]; // prettier-ignore
  const initializers = Object.fromEntries(inputs.slice(1).map((t, i) => [`x${i + 1}`, t]));
  const model = modelOf({ opset: 25, inputs: { x0: inputs[0] }, initializers, nodes, outputs: ["y"] });
  expect(() => fold(model)).toThrow(OnnxError);
});
