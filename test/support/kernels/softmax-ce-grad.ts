/** ∂/∂logits of Σ weight·CE(softmax(logits), label), in float64: weight·(softmax − onehot), 0 where the label is no class or void. */
export const softmaxCrossEntropyGradient = (
  logits: ArrayLike<number>,
  [images, classes, area]: readonly [number, number, number],
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): Float64Array => {
  const gradient = new Float64Array(images * classes * area);
  for (let i = 0; i < images * area; i++) {
    const label = labels[i]!;
    if (label === 255 || label >= classes) continue;
    const at = (c: number): number => (Math.floor(i / area) * classes + c) * area + (i % area);
    const v = Array.from({ length: classes }, (_, c) => logits[at(c)]!);
    const largest = v.reduce((a, b) => Math.max(a, b));
    const e = v.map((each) => Math.exp(each - largest));
    const sum = e.reduce((a, b) => a + b);
    for (const [c, each] of e.entries()) gradient[at(c)] = weights[i]! * (each / sum - (c === label ? 1 : 0));
  }
  return gradient;
};
