/**
 * Mean-field inference in a fully connected CRF by its definition, in O(N²). The graph fragment is checked against it.
 *
 * E(x) = Σ ψ_u(xᵢ) + Σ_{i<j} μ(xᵢ, xⱼ)·k(fᵢ, fⱼ), with ψ_u the network's negative logits and
 * k = w⁽¹⁾ exp(−|pᵢ − pⱼ|²/2θ_α² − |Iᵢ − Iⱼ|²/2θ_β²) + w⁽²⁾ exp(−|pᵢ − pⱼ|²/2θ_γ²), positions p, colours I
 * (Krähenbühl and Koltun, 2011). As in CRF-RNN's and DeepLab's released code each kernel is divided by its sum over j (which
 * DenseCRF calls normalisation "after"), and that sum and the message include the pixel itself, which the paper leaves out.
 */

import { dimensionsOf, spatialSize, tensor, type Tensor } from "../../../src/tensor.ts";
import {
  CrfParameterError,
  checkParameters,
  type Compatibility,
  type CrfParameters,
} from "../../../src/crf/parameters.ts";

/** μ(l, l') = [l ≠ l']. */
export const potts = (classes: number): Compatibility =>
  Array.from({ length: classes }, (_, l) => Array.from({ length: classes }, (__, other) => Number(l !== other)));

/** Σ_m w⁽ᵐ⁾·k⁽ᵐ⁾(fᵢ, fⱼ) ÷ Σⱼ k⁽ᵐ⁾(fᵢ, fⱼ) for the pixels of an image [3,H,W] or [1,3,H,W]: float64 [N, N]. */
export const messageMatrix = (
  image: Tensor<"float32">,
  { gaussian, bilateral }: Pick<CrfParameters, "gaussian" | "bilateral">,
): Tensor<"float64"> => {
  const { height, width } = spatialSize(image);
  const n = height * width;
  const out = new Float64Array(n * n);
  const place = (i: number, j: number): number =>
    (Math.floor(i / width) - Math.floor(j / width)) ** 2 + ((i % width) - (j % width)) ** 2;
  const colour = (i: number, j: number): number =>
    [0, 1, 2].reduce((sum, c) => sum + (image.data[c * n + i]! - image.data[c * n + j]!) ** 2, 0);
  const { thetaAlpha, thetaBeta } = bilateral;
  const kernels = [
    { weight: gaussian.weight, k: (i: number, j: number) => Math.exp(-place(i, j) / (2 * gaussian.theta ** 2)) },
    {
      weight: bilateral.weight,
      k: (i: number, j: number) => Math.exp(-place(i, j) / (2 * thetaAlpha ** 2) - colour(i, j) / (2 * thetaBeta ** 2)),
    },
  ];
  for (const { weight, k } of kernels) {
    for (let i = 0; i < n; i++) {
      const row = Float64Array.from({ length: n }, (_, j) => k(i, j));
      const sum = row.reduce((a, b) => a + b, 0);
      for (let j = 0; j < n; j++) out[i * n + j] = out[i * n + j]! + (weight * row[j]!) / sum;
    }
  }
  return tensor("float64", [n, n], out);
};

/** Softmax over the classes of each pixel; `z` is [C, N]. */
const softmax = (z: Float64Array, classes: number, n: number): Float64Array<ArrayBuffer> => {
  const q = new Float64Array(z.length);
  for (let i = 0; i < n; i++) {
    const own = Array.from({ length: classes }, (_, l) => z[l * n + i]!);
    const top = Math.max(...own);
    const sum = own.reduce((total, v) => total + Math.exp(v - top), 0);
    for (let l = 0; l < classes; l++) q[l * n + i] = Math.exp(own[l]! - top) / sum;
  }
  return q;
};

/**
 * The marginals Q after the given iterations of Qᵢ(l) ∝ exp(uᵢ(l) − Σ_l' μ(l, l')·Σⱼ kᵢⱼ·Qⱼ(l')), from Q ∝ exp(u).
 *
 * @param image [3,H,W] or [1,3,H,W], grey levels 0..255
 * @param logits u: [1,C,H,W]
 * @returns float64 [1,C,H,W]
 * @throws CrfParameterError
 */
export const marginals = (image: Tensor<"float32">, logits: Tensor, parameters: CrfParameters): Tensor<"float64"> => {
  checkParameters(parameters);
  const [, classes, height, width] = dimensionsOf(logits, 4);
  const n = height * width;
  const given = parameters.compatibility;
  const mu = given === undefined || given === "potts" ? potts(classes) : given;
  if (mu.length !== classes)
    throw new CrfParameterError("compatibility", `of ${mu.length} labels`, `of the ${classes} classes`);
  const k = messageMatrix(image, parameters).data;
  const unary = Float64Array.from(logits.data as ArrayLike<number>);
  let q = softmax(unary, classes, n);
  for (let iteration = 0; iteration < parameters.iterations; iteration++) {
    const message = new Float64Array(q.length);
    for (let l = 0; l < classes; l++) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += k[i * n + j]! * q[l * n + j]!;
        message[l * n + i] = sum;
      }
    }
    const z = unary.map((u, at) => {
      const [l, i] = [Math.floor(at / n), at % n];
      return mu[l]!.reduce((sum, cost, other) => sum - cost * message[other * n + i]!, u);
    });
    q = softmax(z, classes, n);
  }
  return tensor("float64", logits.shape, q);
};
