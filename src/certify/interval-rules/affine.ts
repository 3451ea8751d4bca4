/** Operators that are affine in the image: the radius goes through the absolute values of the coefficients. */

import { floatOf, intsOf, stringOf } from "../../onnx/graph.ts";
import { reduceAxes } from "../../onnx/infer/reduce.ts";
import type { Value } from "../../onnx/value.ts";
import { sizeOf } from "../../tensor.ts";
import { again, plus, unboundedForm, type AffineRule, type BoundContext } from "./rule.ts";

const shapeOf = ({ inputs }: BoundContext, index: number): readonly number[] => inputs[index]!.shape;

/** y = w ⋆ x + b; |w| ⋆ v. */
export const Conv: AffineRule = {
  kind: "affine",
  data: () => [0, 2],
  spread: (context, [x = null, , bias = null]) => again(context, [x, context.op.Abs(context.inputs[1]), bias]),
  terms: (context) => {
    const [out = 1, ...rest] = shapeOf(context, 1);
    return [sizeOf(rest), (sizeOf(rest) / Math.max(rest[0] ?? 1, 1)) * out];
  },
};

export const ConvTranspose: AffineRule = {
  ...Conv,
  terms: (context) => {
    const [into = 1, out = 1, ...kernel] = shapeOf(context, 1);
    return [into * sizeOf(kernel), out * sizeOf(kernel)];
  },
};

/** The one input of a product that depends on the image. */
const onlyDependent = ({ node, balls }: BoundContext): readonly number[] => {
  const dependent = balls.flatMap((ball, i) => (ball?.radius ? [i] : []));
  return dependent.length === 1 ? dependent : unboundedForm(node, "two factors that depend on the image");
};

/** y = a·b with one constant factor. */
const product = (by: "Mul" | "MatMul", terms: AffineRule["terms"]): AffineRule => ({
  kind: "affine",
  data: onlyDependent,
  spread: ({ op, inputs, balls }, v) =>
    balls[0]?.radius ? op[by](v[0], op.Abs(inputs[1])) : op[by](op.Abs(inputs[0]), v[1]),
  terms,
});

const fewTerms = (): readonly [number, number] => [1, 1];
export const Mul = product("Mul", fewTerms);
export const MatMul = product("MatMul", (context) => {
  const [a, b] = [shapeOf(context, 0), shapeOf(context, 1)];
  return [a.at(-1)!, Math.max(a.at(-2) ?? 1, b.at(-1)!)];
});

const all = ({ inputs }: BoundContext): readonly number[] => inputs.map((_, i) => i);

/** y = ± a ± b, broadcast. */
const sum: AffineRule = {
  kind: "affine",
  data: all,
  spread: ({ op, outputs: [y] }, v) => {
    const added = v.reduce((a, b) => plus(op, a, b))!;
    return sizeOf(added.shape) === sizeOf(y!.shape) ? added : op.Expand(added, op.ints(y!.shape));
  },
  terms: ({ inputs }) => [inputs.length, inputs.length],
};
export const Add = sum;
export const Sub = sum;
export const Sum = sum;
export const Neg: AffineRule = { ...sum, terms: () => [0, 0] };

/** y = a/b with a constant divisor. */
export const Div: AffineRule = {
  kind: "affine",
  data: () => [0],
  spread: ({ op, inputs }, v) => op.Div(v[0], op.Abs(inputs[1])),
  terms: fewTerms,
};

/** y = γ·(x − μ)/√(σ² + ε) + β */
export const BatchNormalization: AffineRule = {
  kind: "affine",
  data: () => [0, 2, 3],
  spread: ({ op, node, inputs }, [x, , bias, mean]) => {
    const [, scale, , , variance] = inputs;
    const perChannel = (v: Value): Value =>
      op.Reshape(v, op.ints([v.shape[0]!, ...inputs[0]!.shape.slice(2).map(() => 1)]));
    const deviation = op.Sqrt(op.Add(variance, op.constant(floatOf(node, "epsilon", 1e-5))));
    const centred = plus(op, x, mean && perChannel(mean));
    return plus(op, op.Mul(centred, perChannel(op.Div(op.Abs(scale), deviation))), bias && perChannel(bias));
  },
  terms: () => [8, 8],
};

/** Means and sums, whose coefficients are positive. */
const mean = (count: (context: BoundContext) => number): AffineRule => ({
  kind: "affine",
  data: () => [0],
  spread: (context, [x = null]) => again(context, [x, ...context.inputs.slice(1)]),
  terms: (context) => [count(context) + 1, count(context) + 1],
});

export const AveragePool = mean(({ node }) => sizeOf(intsOf(node, "kernel_shape", [])));
export const GlobalAveragePool = mean((context) => sizeOf(shapeOf(context, 0).slice(2)));
const reduced = mean(({ node, inputs }) =>
  reduceAxes(node, inputs).reduce((product, axis) => product * inputs[0]!.shape[axis]!, 1),
);
export const ReduceMean = reduced;
export const ReduceSum = reduced;

/** Copies, or means of up to 8 pixels whose weights are rounded too. The weights of cubic interpolation are of both signs. */
export const Resize: AffineRule = {
  ...mean(() => 0),
  spread: (context, [x = null]) => {
    const { node } = context;
    const mode = stringOf(node, "mode", "nearest");
    if (mode !== "nearest" && mode !== "linear") unboundedForm(node, `mode ${mode}`);
    if (stringOf(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize")
      unboundedForm(node, "a region of interest");
    return again(context, [x, ...context.inputs.slice(1)]);
  },
  terms: ({ node }) => (stringOf(node, "mode", "nearest") === "nearest" ? [0, 8] : [24, 24]),
};
