/** The transformations by their definitions, in float64, pixel by pixel. Images are three planes of rows, 0..255. */

export type Picture = readonly (readonly (readonly number[])[])[];

const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
const sides = (x: Picture) => ({ height: x[0]!.length, width: x[0]![0]!.length });

/** A picture whose values are f(channel, row, column). */
export const picture = (height: number, width: number, f: (c: number, i: number, j: number) => number): Picture =>
  [0, 1, 2].map((c) => Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_x, j) => f(c, i, j))));

/** The nearest integer, of two the even one. */
export const halfEven = (v: number): number => {
  const low = Math.floor(v);
  if (v - low !== 0.5) return Math.round(v);
  return low % 2 === 0 ? low : low + 1;
};

/** The pixel at i, j; beyond the border the nearest one. */
const at = (x: Picture, c: number, i: number, j: number): number => {
  const { height, width } = sides(x);
  return x[c]![clamp(i, 0, height - 1)]![clamp(j, 0, width - 1)]!;
};

/** Bilinear with half-pixel centres. */
export const bilinear = (x: Picture, height: number, width: number): Picture => {
  const from = sides(x);
  return picture(height, width, (c, i, j) => {
    const y = clamp(((i + 0.5) * from.height) / height - 0.5, 0, from.height - 1);
    const z = clamp(((j + 0.5) * from.width) / width - 0.5, 0, from.width - 1);
    const [r, q, dy, dz] = [Math.floor(y), Math.floor(z), y % 1, z % 1];
    const row = (k: number): number => (1 - dz) * at(x, c, k, q) + dz * at(x, c, k, q + 1);
    return (1 - dy) * row(r) + dy * row(r + 1);
  });
};

export const resizedAndBack = (x: Picture, scale: number): Picture => {
  const { height, width } = sides(x);
  return bilinear(bilinear(x, Math.round(scale * height), Math.round(scale * width)), height, width);
};

/** Σ G(k,l) x(i+k, j+l) over |k|, |l| ≤ ⌈3σ⌉, ÷ Σ G. */
export const blurred = (x: Picture, sigma: number): Picture => {
  const radius = Math.ceil(3 * sigma);
  const offsets = Array.from({ length: 2 * radius + 1 }, (_, k) => k - radius);
  const { height, width } = sides(x);
  return picture(height, width, (c, i, j) => {
    let [sum, weights] = [0, 0];
    for (const k of offsets)
      for (const l of offsets) {
        const weight = Math.exp(-(k * k + l * l) / (2 * sigma * sigma));
        sum += weight * at(x, c, i + k, j + l);
        weights += weight;
      }
    return sum / weights;
  });
};

export const grey = (x: Picture, amount: number): Picture => {
  const { height, width } = sides(x);
  return picture(height, width, (c, i, j) => {
    const luma = 0.299 * x[0]![i]![j]! + 0.587 * x[1]![i]![j]! + 0.114 * x[2]![i]![j]!;
    return x[c]![i]![j]! + amount * (luma - x[c]![i]![j]!);
  });
};

export const fewerBits = (x: Picture, bits: number): Picture => {
  const { height, width } = sides(x);
  const levels = 2 ** bits - 1;
  return picture(height, width, (c, i, j) => (halfEven((clamp(x[c]![i]![j]!, 0, 255) * levels) / 255) * 255) / levels);
};

export const translated = (x: Picture, dx: number, dy: number): Picture => {
  const { height, width } = sides(x);
  return picture(height, width, (c, i, j) => at(x, c, i - dy, j - dx));
};

export const padded = (x: Picture, border: number, left: number, top: number, value: number): Picture => {
  const { height, width } = sides(x);
  return picture(height + 2 * border, width + 2 * border, (c, i, j) => x[c]![i - top]?.[j - left] ?? value);
};

export const resizedAndPadded = (x: Picture, scale: number, left: number, top: number, value: number): Picture => {
  const { height, width } = sides(x);
  const small = bilinear(x, Math.round(scale * height), Math.round(scale * width));
  return picture(height, width, (c, i, j) => small[c]![i - top]?.[j - left] ?? value);
};

/** Foley, van Dam et al.: hue in degrees by the largest channel; back by the sector of the hue. */
const hsvOf = (r: number, g: number, b: number): readonly [number, number, number] => {
  const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
  const delta = most - least;
  if (delta === 0) return [0, 0, most];
  const hue = r === most ? (g - b) / delta : g === most ? 2 + (b - r) / delta : 4 + (r - g) / delta;
  return [(60 * hue + 360) % 360, delta / most, most];
};

const rgbOf = (h: number, s: number, v: number): readonly number[] => {
  const sector = Math.floor(h / 60);
  const f = h / 60 - sector;
  const [p, q, t] = [v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))];
  return [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ][sector % 6]!;
};

export const jittered = (x: Picture, hue: number, saturation: number, value: number): Picture => {
  const { height, width } = sides(x);
  return picture(height, width, (c, i, j) => {
    const [h, s, v] = hsvOf(x[0]![i]![j]!, x[1]![i]![j]!, x[2]![i]![j]!);
    return rgbOf((h + hue + 720) % 360, Math.min(1, s * saturation), Math.min(255, v * value))[c]!;
  });
};

/** ITU-T T.81, A.3.3: the DCT of a block by its double sum, and its inverse. */
const c = (u: number): number => (u === 0 ? Math.SQRT1_2 : 1);
const cosine = (x: number, u: number): number => Math.cos(((2 * x + 1) * u * Math.PI) / 16);
const eight: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

const dct = (f: (y: number, x: number) => number, v: number, u: number): number =>
  (c(u) * c(v) * eight.reduce((s, y) => s + eight.reduce((t, x) => t + f(y, x) * cosine(x, u) * cosine(y, v), 0), 0)) /
  4;

const inverse = (F: (v: number, u: number) => number, y: number, x: number): number =>
  eight.reduce((s, v) => s + eight.reduce((t, u) => t + c(u) * c(v) * F(v, u) * cosine(x, u) * cosine(y, v), 0), 0) / 4;

type Plane = readonly (readonly number[])[];
type Round = (v: number) => number;

/** `f` at i, j of a plane of whole blocks. */
const blockwise = (plane: Plane, table: readonly number[], round: Round): number[][] => {
  const out = plane.map((row) => row.map(() => 0));
  for (let top = 0; top < plane.length; top += 8)
    for (let left = 0; left < plane[0]!.length; left += 8) {
      const F = eight.map((v) =>
        eight.map((u) => {
          const q = table[8 * v + u]!;
          return q * round(dct((y, x) => plane[top + y]![left + x]!, v, u) / q);
        }),
      );
      for (const y of eight) for (const x of eight) out[top + y]![left + x] = inverse((v, u) => F[v]![u]!, y, x);
    }
  return out;
};

/** `round`: of the coefficients; the pixels are rounded by it too. Tables row by row; `step`: of the chroma's samples. */
export const compressed = (
  image: Picture,
  tables: { readonly luminance: readonly number[]; readonly chrominance: readonly number[] },
  step: 1 | 2,
  round: Round = halfEven,
): Picture => {
  const { height, width } = sides(image);
  const whole = (n: number): number => Math.ceil(n / (8 * step)) * 8 * step;
  const x = picture(whole(height), whole(width), (channel, i, j) => round(at(image, channel, i, j)));
  const [r, g, b] = [x[0]!, x[1]!, x[2]!];
  const plane = (f: (r: number, g: number, b: number) => number): Plane =>
    r.map((row, i) => row.map((v, j) => f(v, g[i]![j]!, b[i]![j]!)));
  const halved = (p: Plane): Plane =>
    step === 1
      ? p
      : Array.from({ length: p.length / 2 }, (_, i) =>
          Array.from({ length: p[0]!.length / 2 }, (_y, j) =>
            [0, 1].reduce((s, k) => s + (p[2 * i + k]![2 * j]! + p[2 * i + k]![2 * j + 1]!) / 4, 0),
          ),
        );
  const luma = (red: number, green: number, blue: number): number => 0.299 * red + 0.587 * green + 0.114 * blue;
  const y = blockwise(
    plane((...v) => luma(...v) - 128),
    tables.luminance,
    round,
  );
  const chroma = [plane((...v) => (v[2] - luma(...v)) / 1.772), plane((...v) => (v[0] - luma(...v)) / 1.402)].map((p) =>
    blockwise(halved(p), tables.chrominance, round),
  );
  const small = [chroma[0]!, chroma[0]!, chroma[1]!];
  const full = bilinear(small, y.length, y[0]!.length);
  const [cb, cr] = [full[0]!, full[2]!];
  return picture(height, width, (channel, i, j) => {
    const [Y, B, R] = [y[i]![j]! + 128, cb[i]![j]!, cr[i]![j]!];
    const green = (Y - 0.299 * (Y + 1.402 * R) - 0.114 * (Y + 1.772 * B)) / 0.587;
    return round(clamp([Y + 1.402 * R, green, Y + 1.772 * B][channel]!, 0, 255));
  });
};
