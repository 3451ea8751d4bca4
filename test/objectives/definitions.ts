/** Every objective of labels by its definition in float64, one pixel at a time, as the papers write them. */

/** What there is at a pixel beside its logits. */
export interface Pixel {
  /** The label: void, or no class, where it is not in 0..C−1. */
  readonly y: number;
  /** The label that a targeted DAG leaves. */
  readonly source: number;
  /** How many pixels have each label. */
  readonly counts: ReadonlyMap<number, number>;
  readonly lambda: number;
  readonly order: number;
  readonly weights: number;
  readonly mu: number;
  readonly rho: number;
  readonly scale: number;
  readonly smoothing: number;
}

export interface Definition {
  /** A pixel's share of the value. */
  readonly value: (z: readonly number[], at: Pixel) => number;
  /** What the cotangent is the gradient of, as a function of `z`: what is held fixed is taken from `held`. Default: the value. */
  readonly climbed?: (z: readonly number[], at: Pixel, held: readonly number[]) => number;
  /** What a rule sees of the pixel. */
  readonly seen?: (z: readonly number[], at: Pixel) => number;
}

const softmax = (z: readonly number[]): number[] => {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
};
const norm = (z: readonly number[]): number => Math.hypot(...z);
/** −ln softmax(z)[y] = ln Σ e^(z_k − z_y). */
const ce = (z: readonly number[], { y }: Pixel): number => {
  const top = Math.max(...z);
  return top - z[y]! + Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0));
};
const right = (z: readonly number[], { y }: Pixel): boolean => z.indexOf(Math.max(...z)) === y;
const others = (z: readonly number[], y: number): number => Math.max(...z.filter((_, k) => k !== y));
const margin = (z: readonly number[], { y }: Pixel): number => z[y]! - others(z, y);
const ranked = (z: readonly number[]): number[] => z.toSorted((a, b) => b - a);

/** What is to become negative: the margin, or what a target lacks of it. */
const excess = (targeted: boolean) => (z: readonly number[], at: Pixel) => (targeted ? -1 : 1) * margin(z, at);
const softplus = (v: number): number => (v > 700 ? v : Math.log1p(Math.exp(v)));

const tsallis = (z: readonly number[], at: Pixel): number => {
  const p = softmax(z)[at.y]!;
  return at.order === 1 ? -Math.log(p) : (1 - p ** (1 - at.order)) / (1 - at.order);
};

/** ½ KL(p ‖ m) + ½ KL(onehot ‖ m), m the mean of the two, from that definition. */
const jensenShannon = (z: readonly number[], { y }: Pixel): number => {
  const kl = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, v, k) => (v === 0 ? sum : sum + v * Math.log(v / b[k]!)), 0);
  const p = softmax(z);
  const hot = z.map((_, k) => Number(k === y));
  const mean = p.map((v, k) => (v + hot[k]!) / 2);
  return (kl(p, mean) + kl(hot, mean)) / 2;
};

const ratio = (targeted: boolean) => (z: readonly number[], at: Pixel) => {
  const [first, , third, fourth] = ranked(z) as [number, number, number, number];
  if (!targeted) return (margin(z, at) + 1e-4) / (first - third + 1e-8);
  return (1e-4 - margin(z, at)) / (first - (third + fourth) / 2 + 1e-8);
};

const penalty = (y: number, mu: number, rho: number): number =>
  y >= 0 ? mu * y + mu * rho * y ** 2 + (rho ** 2 * y ** 3) / 6 : (mu * y) / (1 - Math.max(rho, 1) * y);
const slope = (y: number, mu: number, rho: number): number =>
  y >= 0 ? mu + 2 * mu * rho * y + (rho ** 2 * y ** 2) / 2 : mu / (1 - Math.max(rho, 1) * y) ** 2;
const penalised = (targeted: boolean) => (z: readonly number[], at: Pixel, held: readonly number[]) => {
  const { mu, rho, scale, smoothing, weights } = at;
  const moved = smoothing * mu + (1 - smoothing) * slope(scale * ratio(targeted)(held, at), mu, rho);
  return weights * penalty(scale * ratio(targeted)(z, at), Math.min(Math.max(moved, 1e-12), 1), rho);
};

const yetToChange = (z: readonly number[], at: Pixel, targeted: boolean): boolean => right(z, at) !== targeted;

/** Cross-entropy times a weight that is held fixed. */
const held =
  (weight: (z: readonly number[], at: Pixel) => number): NonNullable<Definition["climbed"]> =>
  (z, at, before) =>
    weight(before, at) * ce(z, at);

type ByName = Readonly<Record<string, (targeted: boolean) => Definition>>;

/** By name, as the catalogue has them; all of a pixel whose label is a class. */
export const definitions: ByName = {
  "cross-entropy": () => ({ value: ce }),
  "masked-cross-entropy": (targeted) => ({
    value: ce,
    climbed: held((z, at) => Number(yetToChange(z, at, targeted))),
  }),
  "balanced-cross-entropy": (targeted) => ({
    value: ce,
    climbed: held((z, at) => Number(yetToChange(z, at, targeted)) / at.counts.get(at.y)!),
  }),
  "class-weighted-cross-entropy": (targeted) => ({
    value: ce,
    climbed: held((z, at) => Number(yetToChange(z, at, targeted)) * at.weights),
  }),
  "jensen-shannon": () => ({ value: jensenShannon }),
  "steered-jensen-shannon": () => ({ value: ce, climbed: jensenShannon }),
  segpgd: (targeted) => {
    const weight = (z: readonly number[], at: Pixel) => (yetToChange(z, at, targeted) ? 1 - at.lambda : at.lambda);
    return { value: (z, at) => weight(z, at) * ce(z, at), climbed: held(weight) };
  },
  cospgd: (targeted) => {
    const cosine = (z: readonly number[], { y }: Pixel) => softmax(z)[y]! / norm(softmax(z));
    const weight = (z: readonly number[], at: Pixel) => (targeted ? 1 - cosine(z, at) : cosine(z, at));
    return { value: (z, at) => weight(z, at) * ce(z, at), climbed: held(weight) };
  },
  tsallis: () => ({ value: tsallis }),
  "steered-tsallis": () => ({ value: ce, climbed: tsallis }),
  margin: () => ({ value: margin, seen: margin }),
  hinge: (targeted) => ({ value: (z, at) => Math.max(excess(targeted)(z, at), 0), seen: excess(targeted) }),
  "weighted-softplus-margin": (targeted) => ({
    value: (z, at) => at.weights * softplus(excess(targeted)(z, at)),
    seen: excess(targeted),
  }),
  dlr: (targeted) => ({ value: ratio(targeted), seen: ratio(targeted) }),
  "penalised-dlr": (targeted) => ({
    value: (z, at) => penalised(targeted)(z, at, z),
    climbed: penalised(targeted),
    seen: ratio(targeted),
  }),
  "masked-spherical": (targeted) => ({
    value: (z, at) => (yetToChange(z, at, targeted) ? -z[at.y]! / norm(z) : 0),
  }),
  cosine: () => ({ value: (z, { y }) => 1 - z[y]! / norm(z) }),
  dag: (targeted) => {
    const untargeted = (z: readonly number[], at: Pixel) => (right(z, at) ? Math.max(margin(z, at), 0) : 0);
    const classes = (z: readonly number[], { source }: Pixel) => source >= 0 && source < z.length;
    const towards = (z: readonly number[], at: Pixel) =>
      classes(z, at) && right(z, { ...at, y: at.source }) ? z[at.y]! - z[at.source]! : 0;
    const value = targeted ? towards : untargeted;
    return { value, seen: value };
  },
  patch: (targeted) => {
    const sense = targeted ? -1 : 1;
    const weight = (z: readonly number[], at: Pixel) => sense * at.weights * (yetToChange(z, at, targeted) ? 0.8 : 0.2);
    return { value: (z, at) => sense * 0.8 * at.weights * ce(z, at), climbed: held(weight) };
  },
  region: () => ({ value: (z, at) => at.weights * ce(z, at) }),
};

/** ∂/∂z by central differences in float64. */
export const differences = (f: (z: readonly number[]) => number, z: readonly number[], h = 1e-5): number[] =>
  z.map((_, k) => (f(z.with(k, z[k]! + h)) - f(z.with(k, z[k]! - h))) / (2 * h));
